"""The one-way valve: a resident's state goes in as one sealed blob, only counts come out.

Who may contribute is decided above (the statistics grant); this floor knows no resident, only the
pseudonym of an identity that the caller names.
"""

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from service.contributions import store
from service.contributions.blob import Blobs, Contribution
from service.domain.anonymity import specification
from service.kit import guard
from service.kit.errors import IntegrityBroken


def put(
    conn: Connection, *, statistics_key: bytes, identity: bytes, contribution: Contribution
) -> None:
    """Keep one contribution, in the place of an earlier one of the same identity."""
    blobs = _blobs(statistics_key)
    pseudonym = blobs.pseudonym(identity)
    store.replace(conn, pseudonym, blobs.seal(pseudonym, contribution))


def remove(conn: Connection, *, statistics_key: bytes, identity: bytes) -> bool:
    """Delete at once, on withdrawal and erasure; whether there was one."""
    return store.delete_one(conn, _asked(conn, statistics_key, identity))


def names(conn: Connection) -> list[bytes]:
    """The pseudonyms of all contributions there are."""
    return store.pseudonyms(conn)


def remove_all_but(
    conn: Connection,
    *,
    statistics_key: bytes,
    identities: Iterable[bytes],
    among: Iterable[bytes],
) -> int:
    """Delete contributions of `among` whose identity is not one of these; how many there were.

    `among` are the pseudonyms there were before anybody looked who may be counted: one that came
    later is of somebody whom another run has found since.
    """
    blobs = _blobs(statistics_key)
    kept = {blobs.pseudonym(identity) for identity in identities}
    return sum(store.delete_one(conn, name) for name in among if name not in kept)


def contributes(conn: Connection, *, statistics_key: bytes, identity: bytes) -> bool:
    """Whether this identity would be counted in a release made now."""
    return store.has(conn, _asked(conn, statistics_key, identity))


def present(
    conn: Connection, *, statistics_key: bytes, identities: Collection[bytes]
) -> set[bytes]:
    """Those of these identities that have a contribution."""
    blobs = _blobs(statistics_key)
    names = {blobs.pseudonym(identity): identity for identity in identities}
    return {names[bytes(name)] for name in store.among(conn, list(names))}


def read_all(conn: Connection, *, statistics_key: bytes) -> Iterator[NDArray[np.void]]:
    """All contributions in batches, without their pseudonyms; for counting only."""
    blobs = _blobs(statistics_key)
    for records in store.batches(conn):
        yield blobs.open_records(records)


def verify(conn: Connection, *, statistics_key: bytes) -> tuple[int, list[bytes]]:
    """How many contributions were opened and dropped; pseudonyms of those that do not open."""
    blobs = _blobs(statistics_key)
    opened, broken = 0, []
    for records in store.batches(conn):
        for at in range(0, len(records), store.RECORD):
            record = records[at : at + store.RECORD]
            opened += 1
            try:
                blobs.open_records(record)
            except IntegrityBroken:
                broken.append(record[: store.PSEUDONYM_BYTES])
    return opened, broken


def count(conn: Connection) -> int:
    """How many contributions are kept. An exact number: for the operator's own process only."""
    return store.total(conn)


def _asked(conn: Connection, statistics_key: bytes, identity: bytes) -> bytes:
    """The pseudonym of an identity, whose row may be looked at from here on."""
    pseudonym = _blobs(statistics_key).pseudonym(identity)
    guard.ask(conn, pseudonym)
    return pseudonym


@lru_cache(maxsize=2)
def _blobs(statistics_key: bytes) -> Blobs:
    return Blobs(statistics_key, specification.current())
