"""A log to attack: its tables, its entries, its checkpoints, and what a proof finds in it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.vocabulary import Action, ActorKind, Purpose
from service.audit import actions, tables, verification
from service.audit.entry import Entry
from service.audit.store import Signed
from service.audit.verification import Breach
from service.kit.audience import speaking_for
from service.kit.db import Database
from service.kit.engines import metadata

NOW = datetime(2026, 11, 20, 1, 0, 0, 123456, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = {"audit-1": KEY.public_key()}
TABLES = [
    tables.access_log,
    tables.access_heads,
    tables.access_tree,
    tables.access_nodes,
    tables.access_checkpoints,
    tables.access_buckets,
]


def make_tables(database: Database) -> None:
    metadata.create_all(database.engine, TABLES)


def an_entry(subject: UUID, **changes: Any) -> Entry:
    made = Entry(
        at=NOW,
        actor_kind=ActorKind.PRACTITIONER,
        actor_id="7f3b1c62-0a52-4a0e-9c55-5f3f4b1f0d11",
        actor_name="王医生",
        on_behalf_of="第一社区卫生服务中心",
        subject=subject,
        action=Action.READ,
        purpose=Purpose.CARE,
        classes=b"\0opaque\xff",
        decision="allow",
        rule="signed-doctor",
        grant_id=UUID(int=77),
        revision=4,
        request_id="r-1",
        row_count=12,
    )
    return replace(made, **changes)


def add(log: Database, *entries: Entry) -> None:
    log.write(lambda conn: actions.append(conn, entries))


def fill(log: Database, subjects: Sequence[UUID], count: int, *, start: int = 0) -> None:
    """`count` entries of subjects in turns, no two alike, in groups of seven."""
    made = [
        an_entry(
            subjects[number % len(subjects)],
            at=NOW + timedelta(seconds=number),
            classes=number.to_bytes(4, "big"),
            request_id=f"r-{number}",
        )
        for number in range(start, start + count)
    ]
    for first in range(0, count, 7):
        add(log, *made[first : first + 7])


def checkpoint(log: Database, *, key: Ed25519PrivateKey = KEY) -> Signed:
    with speaking_for("log"):
        seen = log.at_one_moment(actions.survey)
        assert seen is not None
        signed = log.write(
            lambda conn: actions.seal_off(
                conn, seen, kid="audit-1", key=key, issuer="https://kangma.test", now=NOW
            )
        )
    assert signed is not None
    return signed


def proven(
    log: Database, copies: Sequence[str] = (), keys: Mapping[str, Any] = KEYS
) -> Breach | None:
    return log.at_one_moment(lambda conn: verification.verify(conn, keys, copies))
