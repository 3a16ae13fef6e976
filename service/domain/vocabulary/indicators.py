"""Indicators of a healthy city, as the plans define them: one row of `data/indicators.csv` each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple

from consent.vocabulary import Text
from service.domain.vocabulary import sources

_TARGET = re.compile(
    r"(?P<year>\d{4}):(?:(?P<word>improve|full|achieve)"
    r"|rel(?P<change>[+-]\d+(?:\.\d+)?)%@(?P<base>\d{4}|baseline)"
    r"|(?P<op><=|>=|<|>|~)?(?P<number>\d+(?:\.\d+)?))"
)


class Target(NamedTuple):
    """What a plan asks for by a year: a number, a relative change, or only a direction."""

    year: int
    text: str
    """As the plan's table says it, such as `>=90` or `improve`."""
    op: Literal["=", "<", "<=", ">", ">=", "~"] | None
    number: float | None
    """The number to compare with; None where the plan gives no absolute number."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """`computed_by` product: from consented contributions; import: from registers of the city."""

    id: str
    plan: str
    name: Text
    numerator: str
    denominator: str
    unit: str
    direction: Literal["higher", "lower", "none"]
    targets: tuple[Target, ...]
    computed_by: Literal["product", "import", "manual"]
    needs: tuple[str, ...]
    definition_source: str
    note: str


def parse_targets(text: str) -> tuple[Target, ...]:
    """Targets in the grammar of the data file: `year:op number`, joined by `;`."""
    return tuple(_target(part) for part in text.split(";") if part)


def _target(text: str) -> Target:
    match = _TARGET.fullmatch(text)
    if match is None:
        raise ValueError(f"not a target: {text}")
    year = int(match["year"])
    wording = text.partition(":")[2]
    if match["number"] is None:
        return Target(year, wording, None, None)
    return Target(year, wording, _op(match["op"]), float(match["number"]))


def _op(text: str | None) -> Literal["=", "<", "<=", ">", ">=", "~"]:
    match text:
        case "<" | "<=" | ">" | ">=" | "~":
            return text
        case _:
            return "="


def _load() -> dict[str, Indicator]:
    return {row["id"]: _indicator(row) for row in sources.rows("indicators.csv")}


def _indicator(row: dict[str, str]) -> Indicator:
    direction = row["direction"]
    computed_by = row["computed_by"]
    assert direction in ("higher", "lower", "none")
    assert computed_by in ("product", "import", "manual")
    return Indicator(
        id=row["id"],
        plan=row["plan"],
        name=Text(row["name_zh"], row["name_en"]),
        numerator=row["numerator"],
        denominator=row["denominator"],
        unit=row["unit"],
        direction=direction,  # type: ignore[arg-type]
        targets=parse_targets(row["targets"]),
        computed_by=computed_by,  # type: ignore[arg-type]
        needs=tuple(row["needs"].split("|")),
        definition_source=row["definition_source"],
        note=row["note"],
    )


INDICATORS: Mapping[str, Indicator] = MappingProxyType(_load())
