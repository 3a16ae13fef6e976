"""What a contribution was made from, so that whoever has not changed is not opened again.

It stays on the side of the person, sealed by the service to itself: the publishing side gets
categories, and not when they were made or may change.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from service.counted import store
from service.keys.system import SystemKeys
from service.kit.errors import IntegrityBroken

NAME = "counted"
_SHAPE = struct.Struct(">32sI")


@dataclass(frozen=True, slots=True)
class Ground:
    """Everything but time that a contribution rests on: another one means to make it anew.

    `rev` counts the resident's writes and `consent` the changes of policy. `rules` are the rule
    pack and the rules of care, `plan` the specification, `schema` that of a contribution.
    """

    identity: bytes
    rev: int
    consent: int
    signed: bool
    rules: str
    plan: str
    schema: int

    @property
    def digest(self) -> bytes:
        return sha256(repr(astuple(self)).encode()).digest()


class Kept(NamedTuple):
    """A ground, and the first day on which time alone may change what was made from it."""

    digest: bytes
    until: date

    def holds(self, ground: Ground, today: date) -> bool:
        return self.digest == ground.digest and today < self.until


def of_many(conn: Connection, system: SystemKeys, residents: Sequence[UUID]) -> dict[UUID, Kept]:
    """What is kept of these residents; a row that does not open is as if it were not there."""
    found: dict[UUID, Kept] = {}
    for who, sealed in store.of_many(conn, residents).items():
        try:
            digest, until = _SHAPE.unpack(system.open(NAME, _place(who), sealed))
        except IntegrityBroken:
            continue
        found[who] = Kept(digest, date.fromordinal(until))
    return found


def keep(conn: Connection, system: SystemKeys, made: Mapping[UUID, tuple[Ground, date]]) -> None:
    """Remember what contributions were made from, until the day on which each is made anew."""
    sealed = {
        who: system.seal(NAME, _place(who), _SHAPE.pack(ground.digest, until.toordinal()))
        for who, (ground, until) in made.items()
    }
    store.keep(conn, sealed)


def forget(conn: Connection, *residents: UUID) -> None:
    """With their contributions: on withdrawal and erasure."""
    if residents:
        store.forget(conn, residents)


def _place(resident: UUID) -> bytes:
    return b"contribution_grounds" + resident.bytes
