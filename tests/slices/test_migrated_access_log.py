"""A log from before the tree: the step makes its entries the first leaves, and proofs hold."""

from collections import Counter
from uuid import UUID, uuid4

from alembic import command
from sqlalchemy import MetaData, Table, select

from service import migrations
from service.audit.tables import access_log
from service.kit.db import Database
from service.kit.engines import open_engine
from service.kit.guard import Crossing, dangerously_without_permit
from tests.audit_room import NOW, add, an_entry, checkpoint, proven

ENTRIES = 600
"""More than two complete subtrees of 256."""


def grow_before_the_tree(url: str, subjects: list[UUID]) -> list[dict[str, object]]:
    """A store of the step before, with entries in turns; hashes were made in another way then."""
    engine = open_engine(url)
    config = migrations.configuration("data")
    with engine.execution_options(kangma_writes=True).begin() as conn:
        config.attributes["connection"] = conn
        with dangerously_without_permit(conn, Crossing.MIGRATION):
            command.upgrade(config, "clinics")
        log, heads = (
            Table(name, MetaData(), autoload_with=conn) for name in ("access_log", "access_heads")
        )
        seqs: Counter[UUID] = Counter()
        rows = []
        for number in range(ENTRIES):
            subject = subjects[number % len(subjects)]
            seqs[subject] += 1
            entry = an_entry(subject, classes=number.to_bytes(4, "big"), request_id=f"r-{number}")
            rows.append(
                {
                    "resident_id": subject.bytes,
                    "seq": seqs[subject],
                    "at": int(NOW.timestamp() * 1_000_000) + number,
                    "actor_kind": entry.actor_kind.value,
                    "actor_id": entry.actor_id,
                    "actor_name": entry.actor_name if number % 2 else None,
                    "on_behalf_of": entry.on_behalf_of,
                    "automatic": False,
                    "action": entry.action.value,
                    "purpose": entry.purpose.value,
                    "classes": entry.classes,
                    "decision": entry.decision,
                    "rule": entry.rule,
                    "grant_id": None if number % 3 else UUID(int=77).bytes,
                    "revision": entry.revision,
                    "request_id": entry.request_id,
                    "row_count": number,
                    "previous_hash": bytes(32),
                    "hash": number.to_bytes(32, "big"),
                }
            )
        conn.execute(log.insert(), rows)
        ends = [{"resident_id": one.bytes, "seq": seqs[one], "hash": bytes(32)} for one in subjects]
        conn.execute(heads.insert(), ends)
    engine.dispose()
    return rows


def test_entries_of_before_are_leaves_of_the_tree(database_url: str) -> None:
    subjects = [uuid4() for _ in range(7)]
    before = grow_before_the_tree(database_url, subjects)
    engine = open_engine(database_url)
    migrations.upgrade("data", engine)
    engine.dispose()
    log = Database(database_url)
    try:
        assert proven(log) is None
        with log.engine.connect() as conn:
            kept = conn.execute(select(access_log).order_by(access_log.c.leaf)).all()
        assert [row.leaf for row in kept] == list(range(ENTRIES))
        told = {(row.resident_id.bytes, row.seq, row.request_id, row.row_count) for row in kept}
        assert told == {
            (row["resident_id"], row["seq"], row["request_id"], row["row_count"]) for row in before
        }
        # It goes on where the step left off, under a checkpoint of all of it.
        signed = checkpoint(log)
        assert signed.size == ENTRIES
        add(log, *(an_entry(one) for one in (*subjects, uuid4())))
        assert checkpoint(log).size == ENTRIES + 8
        assert proven(log, [signed.text]) is None
        with log.engine.begin() as conn:
            conn.exec_driver_sql("UPDATE access_log SET row_count = 9 WHERE leaf = 300")
        breach = proven(log)
        assert breach is not None
        assert (breach.subject, breach.seq) == (kept[300].resident_id, kept[300].seq)
    finally:
        log.close()
