"""A guardianship, and the sealed document it is kept as."""

import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from consent.life import minor_until
from service.guardians import store
from service.guardians.store import GuardianshipRow
from service.keys.vault import Vault
from service.kit.errors import IntegrityBroken

FRAME = 1280
"""One size for every guardianship: two names of 100 characters and the rest fit."""

Reason = Literal["left", "handed-over"]


@dataclass(frozen=True, slots=True)
class Guardianship:
    """Who acts for a child, since when, and until when at the longest.

    `until` is the instant of the fourteenth birthday as the profile has it now, never later than
    `ceiling`, which is that of the birth date given when the file began. `ended_at` is set when it
    ended before or with the hand-over, `why` says how. The names are those of the day it was made;
    the guardian's goes when they are erased.
    """

    id: UUID
    child: UUID
    guardian: UUID
    guardian_name: str | None
    child_name: str
    since: datetime
    until: datetime
    ceiling: datetime
    tag: bytes | None
    ended_at: datetime | None = None
    why: Reason | None = None
    version: int = 1

    @property
    def in_place(self) -> bool:
        """Whether it has not been ended; past `until` it still allows the hand-over."""
        return self.ended_at is None

    @property
    def hands_over(self) -> bool:
        """Whether a code of this guardian's may hand the file over.

        One who was erased after the birthday may have left an open code; nobody else could make
        the young person another.
        """
        return self.ended_at is None or (self.why == "left" and self.ended_at >= self.until)

    def restated(self, child_name: str, birth_date: date, zone: str) -> "Guardianship":
        """As it stands after the child's profile was amended; its end never moves past the ceiling.

        Whoever could move it by another birth date would stay guardian for as long as they like.
        """
        until = min(self.ceiling, minor_until(birth_date, zone))
        return replace(self, child_name=child_name, until=until, version=self.version + 1)

    def ended(self, why: Reason, now: datetime) -> "Guardianship":
        return replace(self, tag=None, ended_at=now, why=why, version=self.version + 1)


def sealed(vault: Vault, one: Guardianship) -> GuardianshipRow:
    place = store.place(one.child, one.id, one.version)
    body = vault.seal_policy(one.child, place, _encode(one), frame=FRAME)
    return GuardianshipRow(one.child, one.id, one.tag, one.version, body.data)


def opened(vault: Vault, row: GuardianshipRow) -> Guardianship:
    """Open one row; a tag that disagrees with the sealed body is `IntegrityBroken`."""
    body: dict[str, Any] = json.loads(vault.open_policy(row.sealed))
    if body["tag"] != (None if row.tag is None else row.tag.hex()):
        raise IntegrityBroken
    since, until, ceiling = (datetime.fromisoformat(body[n]) for n in ("since", "until", "ceiling"))
    ended_at = body["ended_at"]
    return Guardianship(
        row.guardianship_id,
        row.resident_id,
        UUID(body["guardian"]),
        body["guardian_name"],
        body["child_name"],
        since,
        until,
        ceiling,
        row.tag,
        None if ended_at is None else datetime.fromisoformat(ended_at),
        body["why"],
        row.version,
    )


def _encode(one: Guardianship) -> bytes:
    body = {
        "guardian": str(one.guardian),
        "guardian_name": one.guardian_name,
        "child_name": one.child_name,
        "since": one.since.isoformat(),
        "until": one.until.isoformat(),
        "ceiling": one.ceiling.isoformat(),
        "tag": None if one.tag is None else one.tag.hex(),
        "ended_at": None if one.ended_at is None else one.ended_at.isoformat(),
        "why": one.why,
    }
    return json.dumps(body, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
