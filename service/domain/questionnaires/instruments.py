"""Questionnaires as data: wording, answers, bands, licence. `data/instruments.json`.

Items that may not be shown under their licence are not in the data; their instruments record a
total only, and say so in `items_withheld`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from consent.vocabulary import DataClass, Text
from service.domain.risk.scales import SCALES


class Answer(NamedTuple):
    """One answer that may be chosen, and the points it stands for."""

    value: int
    label: Text
    loinc: str | None


class Safety(NamedTuple):
    """What is said at once, whatever the total, when `item` is answered `at` or higher."""

    item: str
    at: int
    text: Text
    numbers: tuple[str, ...]


class Band(NamedTuple):
    """What a total from `low` to `high` is called; `sex` where the bands differ by sex."""

    low: int
    high: int
    sex: Literal["female", "male"] | None
    label: Text


@dataclass(frozen=True, slots=True)
class Item:
    """One question: a choice of `options`, or a whole number of `unit` within bounds."""

    id: str
    text: Text
    loinc: str | None
    options: tuple[Answer, ...] | None
    unit: str | None
    low: int
    high: int
    scored: bool

    def accepts(self, answer: object) -> bool:
        if type(answer) is not int:
            return False
        if self.options is None:
            return self.low <= answer <= self.high
        return any(option.value == answer for option in self.options)


@dataclass(frozen=True, slots=True, eq=False)
class Instrument:
    """A questionnaire. `complete` asks for every item; `total` is the measure of its score.

    `method` is how it is scored (`service.domain.questionnaires.scoring`). `grade` says how far it
    is to be trusted: A read alike in two sources, B one with partial support, C one source or from
    memory, P a product definition; `caveat` says the same in words.
    """

    id: str
    version: str
    title: Text
    data_class: DataClass
    total: str | None
    complete: bool
    loinc_panel: str | None
    stem: Text | None
    items: Mapping[str, Item]
    items_withheld: Text | None
    bands: tuple[Band, ...]
    scoring: str
    safety: Safety | None
    licence: str
    wording: str
    method: Mapping[str, Any]
    grade: Literal["A", "B", "C", "P"]
    caveat: Text
    short_of: str | None
    """The longer instrument whose items it borrows."""


def _load() -> dict[str, Instrument]:
    entries = _document()["instruments"]
    return {entry["id"]: _instrument(entry) for entry in entries}


def _document() -> dict[str, Any]:
    data = files("service.domain.questionnaires") / "data" / "instruments.json"
    document: dict[str, Any] = json.loads(data.read_text(encoding="utf-8"))
    return document


def _instrument(entry: dict[str, Any]) -> Instrument:
    return Instrument(
        id=entry["id"],
        version=entry["version"],
        title=Text(**entry["title"]),
        data_class=DataClass(entry["data_class"]),
        total=entry["total"],
        complete=entry["complete"],
        loinc_panel=entry["loinc_panel"],
        stem=_text(entry["stem"]),
        items=MappingProxyType({item["id"]: _item(item) for item in entry["items"]}),
        items_withheld=_text(entry["items_withheld"]),
        bands=_bands(entry),
        scoring=entry["scoring"],
        safety=_safety(entry["safety"]),
        licence=entry["licence"],
        wording=entry["wording"],
        method=entry["method"],
        grade=entry["grade"],
        caveat=Text(**entry["caveat"]),
        short_of=entry["short_of"],
    )


def _bands(entry: dict[str, Any]) -> tuple[Band, ...]:
    """Its own, or those of the model that scores the same questions."""
    if entry["bands"] or "scale" not in entry:
        return tuple(_band(band) for band in entry["bands"])
    rows = SCALES[entry["scale"]].rows
    return tuple(Band(row.low, row.high, row.sex, row.label) for row in rows)


def _item(entry: dict[str, Any]) -> Item:
    options = entry["options"]
    return Item(
        id=entry["id"],
        text=Text(**entry["text"]),
        loinc=entry["loinc"],
        options=None if options is None else tuple(_answer(option) for option in options),
        unit=entry["unit"],
        low=entry["min"] or 0,
        high=entry["max"] or 0,
        scored=entry["scored"],
    )


def _answer(entry: dict[str, Any]) -> Answer:
    return Answer(entry["value"], Text(**entry["label"]), entry.get("loinc"))


def _band(entry: dict[str, Any]) -> Band:
    return Band(entry["from"], entry["to"], entry["sex"], Text(**entry["label"]))


def _safety(entry: dict[str, Any] | None) -> Safety | None:
    if entry is None:
        return None
    return Safety(entry["item"], entry["from"], Text(**entry["text"]), tuple(entry["numbers"]))


def _text(entry: dict[str, str] | None) -> Text | None:
    return None if entry is None else Text(**entry)


INSTRUMENTS: Mapping[str, Instrument] = MappingProxyType(_load())
