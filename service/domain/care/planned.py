"""One thing that is due: what the plan shows of a visit, a check, a screening or questions."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from consent.vocabulary import Text
from service.domain.care.sources import Source

Kind = Literal["visit", "check", "screening", "questionnaire"]
VISIT: Kind = "visit"


@dataclass(frozen=True, slots=True)
class Planned:
    """Due on `on`, and where there is a window until `until`; `last` is when it was done before.

    `kind` is visit, check, screening or questionnaire. `model` and `questionnaire` name what can
    be answered here.
    """

    item: str
    kind: Kind
    name: Text
    on: date
    last: date | None
    source: Source
    until: date | None = None
    model: str | None = None
    questionnaire: str | None = None

    def waits(self, today: date) -> bool:
        """Whether it was done, and comes again on a later day: nothing is advised until then."""
        return self.kind != VISIT and self.last is not None and self.on > today

    def shown(self, today: date) -> dict[str, Any]:
        return {
            "item": self.item,
            "kind": self.kind,
            "text": self.name.both(),
            "due": self.on.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
            "overdue": self.on <= today,
            "last": None if self.last is None else self.last.isoformat(),
            "model": self.model,
            "questionnaire": self.questionnaire,
            **self.source.shown(),
        }
