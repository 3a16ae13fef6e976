"""The measures Kangma knows, as data: one row of `data/measures.csv` each.

A *plausible* range rejects what no living person can show; a *usual* range makes the app ask
"is this right?". Neither judges health: that is the work of `service.domain.risk`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Literal, NamedTuple

from consent.vocabulary import DataClass, Text
from service.domain.vocabulary import sources

Storage = Literal["record", "series"]
Sex = Literal["female", "male"]


class Range(NamedTuple):
    """Closed bounds in the unit of the measure; None leaves a side open."""

    low: float | None
    high: float | None

    def holds(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


class Conversion(NamedTuple):
    """stored = sent * factor + offset."""

    factor: float
    offset: float


@dataclass(frozen=True, eq=False)
class Measure:
    """One thing that can be measured, counted, scored or chosen. There is one object of each."""

    code: str
    name: Text
    category: str
    data_class: DataClass
    storage: Storage
    kind: str
    unit: str | None
    """UCUM code of the stored value; None for coded measures."""
    decimals: int
    """Decimals worth showing. Values are stored finer than this."""
    plausible: Range
    usual: Range
    sex: Sex | None
    """The only sex it applies to."""
    ages: Range
    """Completed years at which it applies, both ends included."""
    options: Mapping[str, Text] | None
    """Answers of a coded measure, in order; None for numbers."""
    options_from: str | None
    """Where the list of answers comes from."""
    conversions: Mapping[str, Conversion]
    """Other UCUM units a value may be sent in."""
    loinc: str | None
    loinc_display: str | None
    entered_by: frozenset[str]
    derived_from: str
    frame: int | None
    """Bytes of one sealed frame of a day's samples (series measures only)."""
    tier: Literal["core", "extended"]
    apple_health: str
    apple_health_unit: str
    health_connect: str
    open_mhealth: str
    note: str

    @property
    def coded(self) -> bool:
        return self.options is not None

    @cached_property
    def only_derived(self) -> bool:
        """Whether the value is computed from others and never observed by itself."""
        return self.entered_by == {"derived"}


PERIODS = ("/d", "/wk")
"""A value per day or per week may be sent without naming the period."""


def bare(unit: str) -> str:
    """A unit without its period, and with UCUM annotations such as {steps} read as a count."""
    for period in PERIODS:
        unit = unit.removesuffix(period)
    return "count" if unit.startswith("{") else unit


def _load() -> dict[str, Measure]:
    lists = sources.table("options.toml")
    units = sources.table("units.toml")
    general = {entry["to"]: entry["from"] for entry in units["conversion"]}
    special: dict[str, dict[str, Conversion]] = {}
    for entry in units["measure"]:
        offset = entry.get("offset", "0")
        for code in entry["codes"]:
            special[code] = {u: _conversion(f, offset) for u, f in entry["from"].items()}
    measures = {}
    for row in sources.rows("measures.csv"):
        shared = {u: _conversion(f, "0") for u, f in general.get(bare(row["unit"]), {}).items()}
        conversions = MappingProxyType({**shared, **special.get(row["code"], {})})
        measures[row["code"]] = _measure(row, lists, conversions)
    return measures


def _conversion(factor: str, offset: str) -> Conversion:
    return Conversion(float(sources.exact(factor)), float(sources.exact(offset)))


def _measure(
    row: dict[str, str], lists: dict[str, dict[str, str]], conversions: Mapping[str, Conversion]
) -> Measure:
    answers = lists.get(row["options"], {})
    options = {code: Text(*names) for code, names in answers.items() if code != "defined_by"}
    return Measure(
        code=row["code"],
        name=Text(row["name_zh"], row["name_en"]),
        category=row["category"],
        data_class=DataClass(row["data_class"]),
        storage="series" if row["storage"] == "series" else "record",
        kind=row["kind"],
        unit=row["unit"] or None,
        decimals=int(row["decimals"] or 0),
        plausible=_range(row, "hard_min", "hard_max"),
        usual=_range(row, "warn_min", "warn_max"),
        sex=_sex(row["sex"]),
        ages=_range(row, "age_min", "age_max"),
        options=MappingProxyType(options) if options else None,
        options_from=answers.get("defined_by"),
        conversions=conversions,
        loinc=row["loinc"] or None,
        loinc_display=row["loinc_display"] or None,
        entered_by=frozenset(row["entered_by"].split("|")),
        derived_from=row["derived_from"],
        frame=int(row["frame"]) if row["frame"] else None,
        tier="core" if row["tier"] == "core" else "extended",
        apple_health=row["apple_health"],
        apple_health_unit=row["apple_health_unit"],
        health_connect=row["health_connect"],
        open_mhealth=row["open_mhealth"],
        note=row["note"],
    )


def _range(row: dict[str, str], low: str, high: str) -> Range:
    return Range(*(float(row[name]) if row[name] else None for name in (low, high)))


def _sex(text: str) -> Sex | None:
    if text == "female":
        return "female"
    return "male" if text == "male" else None


VERSION = sources.version()
MEASURES: Mapping[str, Measure] = MappingProxyType(_load())


def measure(code: str) -> Measure | None:
    return MEASURES.get(code)
