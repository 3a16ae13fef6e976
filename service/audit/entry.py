"""One entry of the access log, and the chain that ties a resident's entries together.

The hash of an entry covers the hash before it, every field and its place in the tree of all
entries, in one canonical text, so an edit, a deletion or another order changes a hash that later
entries repeat. It also covers the random nonce of the sealed classes: nobody who is shown a hash
(a neighbour's proof holds some) can find the entry by guessing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from json.encoder import encode_basestring_ascii as _quoted
from typing import Literal, NamedTuple
from uuid import UUID

from consent.vocabulary import Action, ActorKind, Purpose
from service.kit.column_types import EPOCH

GENESIS = bytes(32)
"""The hash before the first entry of every chain."""
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
    """Every field in a fixed order as JSON without spaces, in ASCII.

    Times are whole microseconds since 1970 UTC. Spelled by hand, because every look waits for it
    and an encoder takes three times as long; a test holds it against one.
    """
    actor_name = "null" if entry.actor_name is None else _quoted(entry.actor_name)
    on_behalf_of = "null" if entry.on_behalf_of is None else _quoted(entry.on_behalf_of)
    grant = "null" if entry.grant_id is None else f'"{entry.grant_id.hex}"'
    return (
        f'["kangma access 2","{entry.subject.hex}",{seq:d},{leaf:d},{micros(entry.at)},'
        f"{_quoted(entry.actor_kind)},{_quoted(entry.actor_id)},{actor_name},{on_behalf_of},"
        f"{'true' if entry.automatic else 'false'},{_quoted(entry.action)},"
        f'{_quoted(entry.purpose)},"{entry.classes.hex()}",{_quoted(entry.decision)},'
        f"{_quoted(entry.rule)},{grant},{entry.revision:d},{_quoted(entry.request_id)},"
        f"{entry.row_count:d}]"
    ).encode("ascii")
