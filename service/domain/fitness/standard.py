"""What a standard is, and what a score under it says. A score never travels without its edition."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from consent.vocabulary import Text

Sex = Literal["female", "male"]
State = Literal["complete", "incomplete", "exempt"]
ONE_SOURCE = Text(
    "该标准值只有一个来源，尚未核对。", "This cell of the table rests on one source only."
)


@dataclass(frozen=True, slots=True)
class Item:
    """One test of a standard; `measure` names the measure of the vocabulary it is kept under."""

    id: str
    name: Text
    unit: str
    higher: bool
    precision: int
    measure: Mapping[str, str]
    grade: str

    @property
    def finest(self) -> int:
        """The step of its scale in hundredths."""
        return (100, 10, 1)[self.precision]

    @property
    def whole(self) -> bool:
        return self.unit.startswith("{count}")


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """One edition of a standard with its source, its trust and its whole table."""

    id: str
    version: str
    edition: str
    valid_from: str
    status: Literal["official", "provisional"]
    grade: str
    title: Text
    issuer: str
    citation: str
    population: Text
    caveats: tuple[Text, ...]
    items: Mapping[str, Item]
    table: Mapping[str, Any]
    """The file as it is; decimals are exact."""


@dataclass(frozen=True, slots=True)
class ItemScore:
    """One result. `grade` says how sure its column is, `provisional` why it may yet change."""

    result: int
    points: int
    grade: str
    name: Text | None = None
    provisional: Text | None = None
    next_points: int | None = None
    next_result: int | None = None


@dataclass(frozen=True, slots=True)
class Level:
    code: str
    name: Text


@dataclass(frozen=True, slots=True)
class Score:
    """Points of every item and, when all are there, the total. Totals are hundredths.

    `standard` is the weighted score before `bonus`; None where the edition has no bonus.
    """

    source: Standard
    state: State
    items: Mapping[str, ItemScore] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    standard: int | None = None
    bonus: int | None = None
    total: int | None = None
    level: Level | None = None
    notes: tuple[Text, ...] = ()


@cache
def load(standard_id: str) -> Standard:
    """The standard from its file under `data/`."""
    path = files("service.domain.fitness") / "data" / f"{standard_id}.json"
    table = json.loads(path.read_text("utf-8"), parse_float=Decimal)
    return Standard(
        id=table["id"],
        version=table["version"],
        edition=table["edition"],
        valid_from=table["valid_from"],
        status=table["status"],
        grade=table["grade"],
        title=Text(**table["title"]),
        issuer=table["issuer"],
        citation=table["citation"],
        population=Text(**table["population"]),
        caveats=tuple(Text(**caveat) for caveat in table["caveats"]),
        items={name: _item(name, entry) for name, entry in table["items"].items()},
        table=table,
    )


def _item(name: str, entry: Mapping[str, Any]) -> Item:
    measure = entry["measure"]
    return Item(
        id=name,
        name=Text(**entry["name"]),
        unit=entry["unit"],
        higher=entry["direction"] == "higher",
        precision=entry["precision"],
        measure=measure
        if isinstance(measure, dict)
        else dict.fromkeys(("female", "male"), measure),
        grade=entry["grade"],
    )
