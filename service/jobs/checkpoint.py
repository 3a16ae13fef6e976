"""From time to time, say in a signed sentence what the whole access log is.

A checkpoint is made when 10,000 entries or an hour have passed since the last one and something was
added. Every process looks once a minute; of two that find it due, one makes it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import chain
from typing import IO

from sqlalchemy import Connection

from service.audit import actions as audit
from service.audit import store, verification
from service.audit.store import Signed
from service.audit.tree import Edge
from service.audit.verification import Breach
from service.grants import receipts
from service.house import House
from service.jobs.again import again
from service.kit.audience import speaking_for
from service.kit.guard import Crossing, dangerously_crossing

KEY = "audit"
EXPORT_TYPE = "audit-export+jwt"
ENTRIES = 10_000
AGE = timedelta(hours=1)
LOOK_EVERY = 60.0
"""Seconds between two looks whether a checkpoint is due."""


def make(house: House, *, now: datetime) -> Signed | None:
    """A checkpoint of all entries; None when the last one already covers them."""
    with speaking_for("log"):
        return _made(house, now)


def _made(house: House, now: datetime) -> Signed | None:
    seen = house.db.at_one_moment(audit.survey)
    if seen is None:
        return None
    key = house.system.signing_key(KEY)

    def job(conn: Connection) -> Signed | None:
        return audit.seal_off(
            conn, seen, kid=key.kid, key=key.private, issuer=house.settings.issuer, now=now
        )

    return house.db.write(job)


def make_when_due(house: House, *, now: datetime) -> Signed | None:
    """As `make`, when enough entries or enough time have passed."""
    with speaking_for("log"):
        return make(house, now=now) if house.db.read(lambda conn: _is_due(conn, now)) else None


def prove(house: House, copies: Iterable[str] = ()) -> Breach | None:
    """The first thing in the access log that is not as it was written; None for an honest log."""
    keys = house.system.verifying_keys(KEY)
    return house.db.at_one_moment(lambda conn: verification.verify(conn, keys, copies))


def export(house: House, into: IO[str], *, now: datetime) -> int:
    """Write the whole log for an auditor, signed; the number of entries.

    One entry a line as its hash covers it, then the checkpoints, then a JWS over all of that:
    clients/verifiers/whole_log.py checks it without this service.
    """
    digest = sha256()

    def lines(conn: Connection) -> tuple[int, str]:
        state = store.tree(conn)
        texts = (one.text for one in store.every_checkpoint(conn))
        for line in chain(store.every_text(conn), texts):
            digest.update(f"{line}\n".encode())
            into.write(f"{line}\n")
        edge = Edge() if state is None else state.edge
        return edge.size, edge.root().hex()

    size, root = house.db.at_one_moment(dangerously_crossing(Crossing.VERIFICATION, lines))
    claims = {
        "iat": int(now.timestamp()),
        "size": size,
        "root": root,
        "sha256": digest.hexdigest(),
    }
    key, issuer = house.system.signing_key(KEY), house.settings.issuer
    into.write(receipts.signed(claims, key=key, typ=EXPORT_TYPE, issuer=issuer) + "\n")
    return size


async def keep_making(house: House) -> None:
    """Look every minute until cancelled; what goes wrong is logged, and tried again."""

    def look(house: House) -> None:
        make_when_due(house, now=house.clock())

    await again(house, look, every=LOOK_EVERY, failed="checkpoint failed")


def _is_due(conn: Connection, now: datetime) -> bool:
    state, last = store.tree(conn), store.last_checkpoint(conn)
    if state is None:
        return False
    fresh = state.edge.size - (0 if last is None else last.size)
    if fresh == 0:
        return False
    # A clock that was ahead and was put back holds nothing up for longer than the hour either.
    return last is None or fresh >= ENTRIES or abs(now - last.at) >= AGE
