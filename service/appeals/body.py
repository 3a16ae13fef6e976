"""The sealed body of an appeal, as canonical JSON and back."""

import json
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

from consent.decision import Permit
from consent.vocabulary import DataClass
from service.appeals import store
from service.keys.vault import Vault
from service.kit.clock import CITY_ZONE, city_day
from service.kit.errors import IntegrityBroken
from service.kit.sealed import Place, Sealed

FRAME = 16_384
"""One size for every appeal; the longest reason and answer fit, however they are spelled."""
DAYS = 15
"""Within which an appeal is answered. A product rule: the law (PIPL 50) names no days, and the
limits of GB/T 35273 that are remembered as 15 working days and 30 days are both longer."""

Outcome = Literal["upheld", "rejected"]
State = Literal["open", "answered", "withdrawn"]
Kind = Literal["explanation", "record"]


class About(NamedTuple):
    """A change of level by its explanation, with the levels and the moment, or a record."""

    kind: Kind
    id: UUID
    level: int | None = None
    before: int | None = None
    at: str | None = None


class Answer(NamedTuple):
    """What the doctor decided, with their reason and as whom."""

    outcome: Outcome
    reason: str
    practitioner: UUID
    name: str
    clinic: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Appeal:
    """A resident objects to `about`. `for_doctor`: the doctor they signed with may read it."""

    id: UUID
    resident: UUID
    about: About
    reason: str
    for_doctor: bool
    opened_at: datetime
    answer: Answer | None = None
    withdrawn_at: datetime | None = None
    version: int = 1

    @property
    def state(self) -> State:
        if self.withdrawn_at is not None:
            return "withdrawn"
        return "open" if self.answer is None else "answered"

    @property
    def deadline(self) -> datetime:
        """The end of the last day, in the city's zone."""
        day = city_day(self.opened_at) + timedelta(days=DAYS + 1)
        return datetime.combine(day, time(), CITY_ZONE)

    def overdue(self, now: datetime) -> bool:
        return self.state == "open" and now >= self.deadline


def sealed(vault: Vault, permit: Permit, appeal: Appeal) -> store.AppealRow:
    answer = appeal.answer
    body = {
        "for_doctor": appeal.for_doctor,
        "about": [appeal.about.kind, str(appeal.about.id), *appeal.about[2:]],
        "reason": appeal.reason,
        "opened_at": appeal.opened_at.isoformat(),
        "withdrawn_at": _text(appeal.withdrawn_at),
        "answer": None
        if answer is None
        else {
            **answer._asdict(),
            "practitioner": str(answer.practitioner),
            "at": answer.at.isoformat(),
        },
    }
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    place = place_of(vault, appeal.resident, appeal.id, appeal.version)
    return store.AppealRow(
        appeal.resident,
        appeal.id,
        appeal.state == "open",
        appeal.for_doctor,
        _due(vault, appeal),
        appeal.version,
        vault.seal(permit, DataClass.PROFILE, place, text, frame=FRAME).data,
    )


def opened(vault: Vault, permit: Permit, row: store.AppealRow) -> Appeal:
    """Open one row; a clear column that disagrees with the sealed body is `IntegrityBroken`."""
    place = place_of(vault, row.resident_id, row.appeal_id, row.version)
    body = json.loads(vault.open(Sealed(row.sealed_body, place), permit))
    kind, about, *facts = body["about"]
    found = Appeal(
        row.appeal_id,
        row.resident_id,
        About(kind, UUID(about), *facts),
        body["reason"],
        body["for_doctor"],
        datetime.fromisoformat(body["opened_at"]),
        _answer(body["answer"]),
        _moment(body["withdrawn_at"]),
        row.version,
    )
    clear = (found.state == "open", found.for_doctor, _due(vault, found))
    if clear != (row.open, row.for_doctor, row.due):
        raise IntegrityBroken
    return found


def place_of(vault: Vault, resident: UUID, appeal: UUID, version: int) -> Place:
    tag = vault.class_tag(resident, DataClass.PROFILE)
    return Place("appeals", "body", resident, appeal.bytes, class_tag=tag, revision=version)


def _due(vault: Vault, appeal: Appeal) -> int:
    last = city_day(appeal.opened_at) + timedelta(days=DAYS)
    return vault.shift_day(appeal.resident, last)


def _answer(told: dict[str, Any] | None) -> Answer | None:
    if told is None:
        return None
    return Answer(
        told["outcome"],
        told["reason"],
        UUID(told["practitioner"]),
        told["name"],
        told["clinic"],
        datetime.fromisoformat(told["at"]),
    )


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
