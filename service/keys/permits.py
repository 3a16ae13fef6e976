"""Looking at a permit before a key is touched, cheaply enough to do it at every value.

`Permit.verify` recomputes a keyed hash (about 4 us). A thread that has just verified one permit
usually opens the next value with the same object, so the verified object and all its fields are
remembered, and a permit that is the same object with the same fields needs only its expiry checked.
"""

import os
import threading
from datetime import datetime
from operator import attrgetter
from typing import Any

from consent.decision import Permit, PermitExpired, PermitForged

_fields = attrgetter(*Permit.__slots__)


class _Seen(threading.local):
    last: tuple[Permit | None, Any] = (None, None)


_seen = _Seen()


def check(permit: Permit, now: datetime) -> None:
    """Raise PermitForged or PermitExpired unless the permit is genuine and valid at `now`."""
    known, fields = _seen.last
    if permit is known and _fields(permit) == fields:
        if now >= permit.expires_at:
            raise PermitExpired("the permit has expired")
        return
    # Something that only looks like a permit could bring a `verify` of its own.
    if type(permit) is not Permit:
        raise PermitForged("this is no permit")
    permit.verify(now)
    _seen.last = (permit, _fields(permit))


def _forget() -> None:
    global _seen
    _seen = _Seen()


# A forked child has a new signet: what its parent verified counts for nothing there.
os.register_at_fork(after_in_child=_forget)
