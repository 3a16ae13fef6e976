"""One entry of the access log, and the chain that ties a resident's entries together.

The hash of an entry covers the hash before it, every field and its place in the tree of all
entries, in one canonical text, so an edit, a deletion or another order changes a hash that later
entries repeat. It also covers the random nonce of the sealed classes: nobody who is shown a hash
(a neighbour's proof holds some) can find the entry by guessing.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, NamedTuple
from uuid import UUID

from consent.vocabulary import Action, ActorKind, Purpose
from service.kit.db import EPOCH

GENESIS = bytes(32)
"""The hash before the first entry of every chain."""
_CANONICAL = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, check_circular=False).encode
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Who looked at whose data, why, and what was decided. Never a value.

    `actor_id` is the person, `on_behalf_of` their clinic. `classes` are opaque bytes that the
    caller sealed: a stolen database must not tell which classes are looked at. `row_count` says how
    many rows were shown.
    """

    at: datetime
    actor_kind: ActorKind
    actor_id: str
    subject: UUID
    action: Action
    purpose: Purpose
    classes: bytes
    decision: Literal["allow", "deny"]
    rule: str
    revision: int
    request_id: str
    row_count: int = 0
    actor_name: str | None = None
    on_behalf_of: str | None = None
    automatic: bool = False
    grant_id: UUID | None = None


class Link(NamedTuple):
    """Where an entry stands: `seq`, from 1, in its subject's chain, `leaf`, from 0, among all."""

    seq: int
    leaf: int
    previous_hash: bytes
    hash: bytes


class Logged(NamedTuple):
    """An entry as it was kept."""

    entry: Entry
    link: Link


class Head(NamedTuple):
    """The end of a chain; `Head()` is a chain with nothing in it."""

    seq: int = 0
    hash: bytes = GENESIS


START = Head()
"""Of a chain that has no entry yet."""


def micros(at: datetime) -> int:
    """Whole microseconds since 1970 UTC."""
    return (at - EPOCH) // _MICROSECOND


def link(entry: Entry, head: Head, leaf: int) -> Link:
    """The entry's place after `head`, as leaf number `leaf` of the tree."""
    seq = head.seq + 1
    return Link(seq, leaf, head.hash, sha256(head.hash + canonical(entry, seq, leaf)).digest())


def canonical(entry: Entry, seq: int, leaf: int) -> bytes:
    """Every field in a fixed order as JSON; times are whole microseconds since 1970 UTC."""
    fields = (
        "kangma access 2",
        entry.subject.hex,
        seq,
        leaf,
        micros(entry.at),
        entry.actor_kind,
        entry.actor_id,
        entry.actor_name,
        entry.on_behalf_of,
        entry.automatic,
        entry.action,
        entry.purpose,
        entry.classes.hex(),
        entry.decision,
        entry.rule,
        None if entry.grant_id is None else entry.grant_id.hex,
        entry.revision,
        entry.request_id,
        entry.row_count,
    )
    return _CANONICAL(fields).encode()
