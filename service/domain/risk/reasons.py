"""Why the level is what it is: the factors behind the items that produced it.

Causes are factor names where something can be done, a standing cause (`age`, `kidney`,
`heart_rhythm`, `cardiovascular_disease`) where not, and the name of a check that a screen advises
(`liver`, `bowel_screening`, `lung_screening`, `lung_function`, `bone_density`). They come in the
order of the share of cardiovascular disease in Chinese cohorts that each explains; that share
weighs nothing else.
"""

from collections.abc import Callable, Iterator

from . import lipids
from .catalogue import MODELS
from .facts import Facts
from .judgement import Judgement, dyslipidaemic, obese

NAMES = ("diet", "activity", "smoking", "sleep", "body", "lipids", "glucose", "blood_pressure")
"""The eight factors, in the order of `Judgement.indices`."""

_SHARES: dict[str, float] = MODELS["composite_index"].parameters["advice_order_pct"]
SCREENS = ("liver", "bowel_screening", "lung_screening", "lung_function", "bone_density")
"""Checks that screens advise; a cause of this name says that a check is due, never an illness."""
STANDING = ("cardiovascular_disease", "heart_rhythm", "kidney", *SCREENS, "age")
ORDER = (
    *sorted(_SHARES, key=lambda name: -_SHARES[name]),
    *(name for name in NAMES if name not in _SHARES),
    *STANDING,
)

Finder = Callable[[Facts, Judgement], Iterator[str]]
IDEAL_SYSTOLIC = 120


def causes(facts: Facts, found: Judgement) -> tuple[str, ...]:
    """The causes of the level; none at level 1 and without a level."""
    if found.level is None or found.level == 1:
        return ()
    named: set[str] = set()
    for item, level in found.items.items():
        if level == found.level:
            named.update(FINDERS[item](facts, found))
    return tuple(name for name in ORDER if name in named)


def _china_par(facts: Facts, found: Judgement) -> Iterator[str]:
    some = False
    for name, holds in (
        ("blood_pressure", facts.sbp is not None and facts.sbp >= IDEAL_SYSTOLIC),
        ("smoking", facts.smoker is True),
        ("lipids", dyslipidaemic(facts)),
        ("glucose", facts.diabetes or found.glucose_class == "diabetes_range"),
        # For men the waist lowers the computed risk: it is never named as its cause.
        ("body", facts.sex == "female" and obese(facts)),
    ):
        if holds:
            some = True
            yield name
    if not some:
        yield "age"


def _pressure(facts: Facts, found: Judgement) -> Iterator[str]:
    yield "blood_pressure"
    if found.bp_stratum is None:
        return
    if facts.smoker:
        yield "smoking"
    if dyslipidaemic(facts):
        yield "lipids"
    if obese(facts):
        yield "body"
    if facts.diabetes or found.glucose_class not in (None, "normal"):
        yield "glucose"
    if facts.ckd >= 3:
        yield "kidney"
    if facts.clinical_disease:
        yield "cardiovascular_disease"


def _lipids(facts: Facts, found: Judgement) -> Iterator[str]:
    target = found.lipid.target if found.lipid else None
    high = facts.ldl is not None and target is not None and facts.ldl >= target
    checks = (
        ("lipids", high or dyslipidaemic(facts)),
        ("smoking", facts.smoker is True),
        ("blood_pressure", facts.hypertensive),
        ("glucose", facts.diabetes),
        ("body", facts.bmi is not None and facts.bmi >= lipids.LIFETIME["bmi"]),
        ("kidney", facts.ckd >= 3),
        ("cardiovascular_disease", facts.ascvd),
    )
    some = [name for name, holds in checks if holds]
    yield from some or ["age"]


_STROKE = {
    "hypertension": "blood_pressure",
    "af_or_valve": "heart_rhythm",
    "smoking": "smoking",
    "dyslipidaemia": "lipids",
    "diabetes": "glucose",
    "inactive": "activity",
    "obese": "body",
}


def _stroke(facts: Facts, found: Judgement) -> Iterator[str]:
    if facts.prior_stroke:
        yield "cardiovascular_disease"
    for factor in found.stroke_factors:
        if factor in _STROKE:
            yield _STROKE[factor]


def _composite(_: Facts, found: Judgement) -> Iterator[str]:
    known = {n: i for n, i in zip(NAMES, found.indices, strict=True) if i is not None}
    low = [name for name, index in known.items() if index < 50]
    yield from low or [name for name, index in known.items() if index == min(known.values())]


def _fatty_liver(facts: Facts, _: Judgement) -> Iterator[str]:
    yield "liver"
    if obese(facts):
        yield "body"


def _chronic(facts: Facts, _: Judgement) -> Iterator[str]:
    if facts.htn_dx:
        yield "blood_pressure"
    if facts.diabetes:
        yield "glucose"
    if facts.ckd >= 3:
        yield "kidney"
    if facts.ascvd:
        yield "cardiovascular_disease"


def _only(name: str) -> Finder:
    return lambda facts, found: iter((name,))


FINDERS: dict[str, Finder] = {
    "china_par_10y": _china_par,
    "bp_stratum": _pressure,
    "lipid_2023": _lipids,
    "stroke_8_2": _stroke,
    "glucose": _only("glucose"),
    "egfr": _only("kidney"),
    "urgent_blood_pressure": _only("blood_pressure"),
    "urgent_glucose": _only("glucose"),
    "prior_ascvd": _only("cardiovascular_disease"),
    "composite": _composite,
    "fib4": _only("liver"),
    "fli": _fatty_liver,
    "amap": _only("liver"),
    "apcs": _only("bowel_screening"),
    "lung_screening": _only("lung_screening"),
    "copd_ps": _only("lung_function"),
    "osta": _only("bone_density"),
    "chronic_disease": _chronic,
}
