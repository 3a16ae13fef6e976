"""Everything that is kept of a resident, a bounded piece at a time, for taking it along.

The pieces follow what never changes of a thing: the key of a record, the day of a series. By their
time a record that is moved while somebody reads could be met twice or not at all; like this what
was there before is met exactly once, and what is added meanwhile once or not at all.
"""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Generic, NamedTuple, TypeVar

from sqlalchemy import Connection

from consent.decision import Permit
from service.domain.vocabulary.measures import Measure
from service.keys.vault import Vault
from service.records import days, parts, series, store
from service.records.pages import Found
from service.records.series import FIRST_DAY as FIRST_DAY
from service.records.series import Series

PARTS, FRAMES = 512, 64
"""Rows fetched at a time."""
FIRST_KEY = b""
Place = TypeVar("Place")
Thing = TypeVar("Thing")
_key_of = attrgetter("record_key")


class Stretch(NamedTuple, Generic[Thing, Place]):
    """A piece, and behind which place the next one begins; None behind the last."""

    items: Sequence[Thing]
    after: Place | None


def records(
    connection: Connection, vault: Vault, permit: Permit, *, after: bytes = FIRST_KEY
) -> Stretch[Found, bytes]:
    """The next records by their keys, each with all values that the permit opens."""
    tags = list(parts.tags_of(vault, permit))
    rows = store.following(connection, permit, tags, after=after, most=PARTS)
    found = [list(mine) for _, mine in groupby(rows, _key_of)]
    if len(rows) < PARTS:
        return Stretch(_opened(vault, permit, found), None)
    # The last one may go on behind what was fetched. A record has fewer parts than a piece.
    whole = found[:-1]
    return Stretch(_opened(vault, permit, whole), whole[-1][0].record_key)


def days_of(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    measure: Measure,
    *,
    after: int = FIRST_DAY,
    most: int | None = None,
) -> Stretch[Series, int]:
    """The next days with samples of a measure, earliest first."""
    if measure.data_class not in permit.classes:
        return Stretch((), None)
    most = most or FRAMES
    tag = vault.measure_tag(permit.subject, measure.code)
    found = days.following(connection, permit, tag, after=after, most=most)
    if sum(map(len, found.values())) < most:
        return Stretch(_samples(vault, permit, found), None)
    if len(found) == 1:
        # One day alone fills the piece: fetch it to its end.
        return days_of(connection, vault, permit, measure, after=after, most=4 * most)
    found.popitem()
    return Stretch(_samples(vault, permit, found), max(found))


def _opened(vault: Vault, permit: Permit, found: Sequence[Sequence[store.Part]]) -> list[Found]:
    opened = parts.open_records(vault, permit, found)
    return [Found(record, rows[0].rev) for record, rows in zip(opened, found, strict=True)]


def _samples(vault: Vault, permit: Permit, found: dict[int, list[days.Frame]]) -> list[Series]:
    return [
        Series(vault.unshift_day(permit.subject, day), series.opened(vault, permit, frames))
        for day, frames in found.items()
    ]
