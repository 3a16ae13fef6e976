"""Failed passwords are held back, longer each time, and nobody is ever locked out.

Each try of a name is charged before its password is looked at, so a hundred at once count as a
hundred; a right password gives all of them back. A name is counted twice: from one address, where
the waits grow to a quarter of an hour, and from everywhere, where they stay below half a minute:
whoever guesses from many addresses slows the owner down and no more. Unknown names are counted
alike. A device that the owner signed in from (`service.identity.devices`) is counted by itself,
as an address is, and whatever others do. The counts lie in the database, so every process sees
them.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from service.identity import store
from service.kit.hashing import digest


class Bound(NamedTuple):
    """How many tries are free, and the longest wait after more of them."""

    free: int
    longest: timedelta


PLACE = Bound(10, timedelta(minutes=15))
NAME = Bound(20, timedelta(seconds=30))
FORGOTTEN = timedelta(hours=1)
"""A name that was left alone for so long begins anew."""


def charge(
    conn: Connection, tag: bytes, address: str, now: datetime, *, device: bytes | None = None
) -> timedelta | None:
    """Count one try of a name; how long to wait where it is held back, and then it is not counted.

    `tag` is the blind index of the name, `address` what `service.api.address` says, and `device`
    one that is known for the name.
    """
    counted = _counted(tag, address, device)
    if held := _held(conn, counted, now):
        return held
    for key, bound in counted.items():
        failures = store.count_attempt(conn, key, now, since=now - FORGOTTEN)
        if failures is None:
            # Somebody else's try came between, in another process.
            return _held(conn, counted, now) or timedelta(seconds=1)
        store.hold(conn, key, now + _wait(failures, bound))
    return None


def _held(conn: Connection, keys: Iterable[bytes], now: datetime) -> timedelta | None:
    until = store.held_until(conn, list(keys))
    return until - now if until is not None and until > now else None


def settle(conn: Connection, tag: bytes, address: str, *, device: bytes | None = None) -> None:
    """The password was right: nothing is held against the name from here, or anywhere.

    From a known device nothing was counted elsewhere, so a guesser there gets nothing back.
    """
    store.drop_attempts(conn, list(_counted(tag, address, device)))


def _counted(tag: bytes, address: str, device: bytes | None) -> dict[bytes, Bound]:
    if device is not None:
        return {digest(b"attempt of device", tag, device)[:16]: PLACE}
    here = digest(b"attempt", tag, address.encode())[:16]
    return {here: PLACE, digest(b"attempt", tag)[:16]: NAME}


def _wait(failures: int, bound: Bound) -> timedelta:
    """None while tries are free, then 1, 2, 4, ... seconds."""
    if failures < bound.free:
        return timedelta(0)
    doubled = min(failures - bound.free, 20)
    return min(timedelta(seconds=1 << doubled), bound.longest)
