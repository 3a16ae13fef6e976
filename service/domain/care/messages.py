"""Core messages of a stage of life: `data/messages.toml`, each with its source."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from consent.vocabulary import Text
from service.domain.care.situation import Situation
from service.domain.care.sources import SOURCES, Source, Unsourced, read, source_of
from service.domain.life import Stage


@dataclass(frozen=True, slots=True)
class Message:
    """What anybody of these stages and ages (the second one excluded) may be told."""

    id: str
    text: Text
    stages: frozenset[Stage]
    ages: tuple[int, int]
    source: Source

    def concerns(self, who: Situation) -> bool:
        return who.stage in self.stages and self.ages[0] <= who.age < self.ages[1]

    def shown(self) -> dict[str, Any]:
        return {"id": self.id, "text": self.text.both(), **self.source.shown()}


def parsed(row: Mapping[str, Any]) -> Message:
    """A message of one row; `Unsourced` for a row without a source."""
    return Message(
        id=row["id"],
        text=Text(row["zh"], row["en"]),
        stages=frozenset(Stage(name) for name in row["stages"]),
        ages=(row["ages"][0], row["ages"][1]),
        source=source_of(row),
    )


MESSAGES = tuple(parsed(row) for row in read("messages")["message"])
CHOICE = SOURCES["advice"]
"""Which message of the prompt is shown is a rule of the product; what it says is cited."""


def messages(who: Situation) -> list[dict[str, Any]]:
    """What to do now, then the causes of the level, then what everybody of this stage is told."""
    urgent = who.assessment.urgent
    now = [] if urgent is None else [_of_prompt(f"urgent-{urgent['reading']}", urgent, "source")]
    causes = [_of_prompt(one["id"], one, "citation") for one in who.assessment.actions]
    return [*now, *causes, *(one.shown() for one in MESSAGES if one.concerns(who))]


def _of_prompt(name: str, told: Mapping[str, Any], cited_in: str) -> dict[str, Any]:
    if not told.get(cited_in):
        raise Unsourced(name)
    return {
        "id": name,
        "text": dict(told["text"]),
        "source": told[cited_in],
        "grade": CHOICE.grade,
        "caveat": CHOICE.caveat.both(),
    }
