"""Everything that WHO's tables say of one measured child, with flags before judgements."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from consent.vocabulary import Text

from . import school_age, zscores
from .school_age import Judgement
from .tables import VERSION, Sex
from .zscores import Position

SOURCE = (
    "WHO Child Growth Standards 2006 (0-5 years) and WHO Growth Reference 2007 (5-19 years), "
    "LMS values as published with the WHO packages anthro and anthroplus."
)
GRADE = "A"
CAVEATS = (
    Text(
        "分类界值（±1、±2、±3个标准差）凭记忆整理，须经医生核对；z 值本身已与 WHO 数据核对。",
        "The cut-offs of the categories (1, 2 and 3 deviations) are from memory and must be "
        "confirmed by a clinician; the z-scores themselves were checked against WHO's own.",
    ),
)
HEAD = Text(
    "头围数据未用 WHO 的实例核对过。",
    "The table of head circumference was not checked against examples of WHO.",
)
DOUBTFUL = Text(
    "数值超出可信范围：请重新测量，不作判断。",
    "This is beyond what is plausible: please measure again; it is not judged.",
)
NAMES: Mapping[str, Text] = {
    "severely_stunted": Text("重度生长迟缓", "severe stunting"),
    "stunted": Text("生长迟缓", "stunting"),
    "severely_underweight": Text("重度低体重", "severe underweight"),
    "underweight": Text("低体重", "underweight"),
    "severely_wasted": Text("重度消瘦", "severe wasting"),
    "wasted": Text("消瘦", "wasting"),
    "severely_thin": Text("重度消瘦", "severe thinness"),
    "thin": Text("消瘦", "thinness"),
    "at_risk": Text("超重风险", "at risk of overweight"),
    "overweight": Text("超重", "overweight"),
    "obese": Text("肥胖", "obesity"),
    "normal": Text("正常范围", "within the usual range"),
}
# Names below -3, below -2, above +1, above +2 and above +3; None leaves the band to its neighbour.
Names = tuple[str | None, str, str | None, str | None, str | None]
_TALL: Names = ("severely_stunted", "stunted", None, None, None)
_HEAVY: Names = ("severely_underweight", "underweight", None, None, None)
_YOUNG: Names = ("severely_wasted", "wasted", "at_risk", "overweight", "obese")
_OLDER: Names = ("severely_thin", "thin", "overweight", "obese", None)
_BANDS: Mapping[str, Names] = {
    "length_height_for_age": _TALL,
    "height_for_age": (None, "stunted", None, None, None),
    "weight_for_age": _HEAVY,
    "weight_for_length": _YOUNG,
    "weight_for_height": _YOUNG,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One indicator. `plausible` False: measured wrongly, so there is no category."""

    indicator: str
    z: float
    plausible: bool
    category: str | None


@dataclass(frozen=True, slots=True)
class Child:
    """What was measured: exactly one of the ages, centimetres and kilograms."""

    sex: Sex
    age_days: int | None = None
    age_months: float | None = None
    height: float | None = None
    weight: float | None = None
    head: float | None = None
    position: Position | None = None

    @property
    def days(self) -> int | None:
        """Days of age while the tables by day hold."""
        if self.age_days is not None:
            return self.age_days if self.age_days <= zscores.LAST_DAY else None
        if self.age_months is None or self.age_months >= 60:
            return None
        return int(self.age_months * zscores.DAYS_A_MONTH + 0.5)

    @property
    def months(self) -> float:
        if self.age_months is not None:
            return self.age_months
        return (self.age_days or 0) / zscores.DAYS_A_MONTH


def assess(child: Child) -> tuple[Finding, ...]:
    """Every indicator that the measurements and the age allow."""
    days = child.days
    found = _by_month(child) if days is None else _by_day(child, days)
    return tuple(
        Finding(
            name,
            z,
            zscores.plausible(name, z),
            _category(name, z, young=days is not None) if zscores.plausible(name, z) else None,
        )
        for name, z in found
    )


def at_school_age(child: Child) -> Judgement | None:
    """The Chinese judgement; None without height and weight and outside its ages."""
    if child.height is None or child.weight is None:
        return None
    try:
        return school_age.judge(child.sex, child.months, child.height, child.weight)
    except KeyError:
        return None


def notes(child: Child, found: Iterable[Finding], judged: Judgement | None) -> tuple[Text, ...]:
    """What must be said beside the findings of a child, doubts first."""
    return (
        *((DOUBTFUL,) if any(not one.plausible for one in found) else ()),
        *CAVEATS,
        *(school_age.CAVEATS if judged else ()),
        *((HEAD,) if child.head is not None else ()),
    )


def _by_day(child: Child, days: int) -> Iterator[tuple[str, float]]:
    height = None
    if child.height is not None:
        height = zscores.adjusted(child.height, days, child.position)
        name = "length_height_for_age"
        yield name, zscores.by_day(name, child.sex, days, height)
    if child.weight is not None:
        yield "weight_for_age", zscores.by_day("weight_for_age", child.sex, days, child.weight)
    if height is not None and child.weight is not None:
        bmi = child.weight / (height / 100) ** 2
        yield "bmi_for_age", zscores.by_day("bmi_for_age", child.sex, days, bmi)
        lying = days < zscores.STANDING_FROM
        yield from _for_size(child.sex, height, child.weight, lying=lying)
    if child.head is not None:
        name = "head_circumference_for_age"
        yield name, zscores.by_day(name, child.sex, days, child.head)


def _for_size(
    sex: Sex, height: float, weight: float, *, lying: bool
) -> Iterator[tuple[str, float]]:
    name = "weight_for_length" if lying else "weight_for_height"
    try:
        yield name, zscores.by_size(name, sex, height, weight)
    except KeyError:
        # Shorter or taller than the table: the other indicators still speak.
        return


def _by_month(child: Child) -> Iterator[tuple[str, float]]:
    given = {"height_for_age": child.height, "weight_for_age": child.weight, "bmi_for_age": None}
    if child.height is not None and child.weight is not None:
        given["bmi_for_age"] = child.weight / (child.height / 100) ** 2
    for name, value in given.items():
        low, high = zscores.SCHOOL_MONTHS[name]
        if value is not None and low <= child.months <= high:
            yield name, zscores.by_month(name, child.sex, child.months, value)


def _category(indicator: str, z: float, *, young: bool) -> str | None:
    if indicator == "head_circumference_for_age":
        return None
    far_below, below, above, high, far = _BANDS.get(indicator, _YOUNG if young else _OLDER)
    if z < -2:
        return far_below if z < -3 and far_below else below
    reached = [name for bound, name in ((3, far), (2, high), (1, above)) if name and z > bound]
    return reached[0] if reached else "normal"


__all__ = [
    "CAVEATS",
    "DOUBTFUL",
    "GRADE",
    "HEAD",
    "NAMES",
    "SOURCE",
    "VERSION",
    "Child",
    "Finding",
    "assess",
]
