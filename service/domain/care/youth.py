"""What counts from 7 to 17 years: the daily hour of exercise, sight and teeth (`data/youth.toml`).

Values stand as they were recorded; where no bound was found in a source nothing is judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from consent.vocabulary import Text
from service.domain.care.situation import Situation
from service.domain.care.sources import Source, read, source_of
from service.domain.life import ADULT_FROM, YOUTH_FROM
from service.domain.vocabulary.measures import MEASURES


@dataclass(frozen=True, slots=True)
class Entry:
    """Measures that are shown together, and the bound (ends included) they are held against."""

    item: str
    name: Text
    measures: tuple[str, ...]
    source: Source
    at_least: float | None
    at_most: float | None

    def shown(self, who: Situation) -> dict[str, Any]:
        found = [one for name in self.measures if (one := _newest(who, name)) is not None]
        return {
            "item": self.item,
            "text": self.name.both(),
            "values": found,
            "at_least": self.at_least,
            "at_most": self.at_most,
            "met": self._met([one["value"] for one in found]),
            **self.source.shown(),
        }

    def _met(self, values: list[float]) -> bool | None:
        if not values or (self.at_least is None and self.at_most is None):
            return None
        return all(
            (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
            for value in values
        )


def parsed(row: Mapping[str, Any]) -> Entry:
    """An entry of one row; `Unsourced` for a row without a source, `KeyError` for no measure."""
    return Entry(
        item=row["item"],
        name=Text(*row["name"]),
        measures=tuple(MEASURES[name].code for name in row["measures"]),
        source=source_of(row),
        at_least=row.get("at_least"),
        at_most=row.get("at_most"),
    )


ENTRIES = tuple(parsed(row) for row in read("youth")["entry"])
NAMES = frozenset(name for entry in ENTRIES for name in entry.measures)


def concerns(who: Situation) -> bool:
    return YOUTH_FROM <= who.age < ADULT_FROM


def youth(who: Situation) -> list[dict[str, Any]]:
    """The entries of somebody of 7 to 17 years, also where nothing is recorded yet."""
    return [entry.shown(who) for entry in ENTRIES] if concerns(who) else []


def _newest(who: Situation, name: str) -> dict[str, Any] | None:
    for deed in who.deeds:
        value = deed.told.get(name)
        if deed.day <= who.today and isinstance(value, int | float):
            unit = MEASURES[name].unit
            return {"measure": name, "value": value, "unit": unit, "day": deed.day.isoformat()}
    return None
