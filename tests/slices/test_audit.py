"""The access log on both databases: added to, read by its subject, and provably unchanged."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, delete, event, update

from consent.vocabulary import Action, ActorKind, Purpose
from service.audit import actions, store
from service.audit.entry import GENESIS, Entry, Head, Logged, canonical, link
from service.audit.tables import access_heads, access_log
from service.kit.db import Database, metadata
from service.kit.guard import guard_of

NOW = datetime(2026, 11, 20, 1, 0, 0, 123456, tzinfo=UTC)
SUBJECTS = [UUID(int=n) for n in (3, 1, 2)]


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


@pytest.fixture
def log(database: Database) -> Database:
    metadata.create_all(database.engine, [access_log, access_heads])
    return database


def add(log: Database, *entries: Entry) -> None:
    log.write(lambda conn: actions.append(conn, entries))


def pages(log: Database, subject: UUID, **named: Any) -> list[Logged]:
    def job(conn: Connection) -> list[Logged]:
        # Who reads a log has shown a permit before.
        guard_of(conn).permitted.add(subject.bytes)
        return actions.page(conn, subject, **named)

    return log.read(job)


def filled(log: Database, each: int = 4) -> None:
    """Chains of `each` entries for three subjects, added in turns."""
    for number in range(each):
        add(log, *(an_entry(one, request_id=f"r-{number}") for one in SUBJECTS))


def change(log: Database, statement: Any) -> None:
    def job(conn: Any) -> int:
        return int(conn.execute(statement).rowcount)

    assert log.write(job) != 0


def test_an_empty_log_is_intact(log: Database) -> None:
    assert log.read(actions.verify) is None
    add(log)
    assert log.read(actions.verify) is None


def test_an_entry_comes_back_as_it_was_written(log: Database) -> None:
    full = an_entry(SUBJECTS[0])
    bare = an_entry(
        SUBJECTS[0],
        actor_name=None,
        on_behalf_of=None,
        grant_id=None,
        automatic=True,
        decision="deny",
        rule="no-rule",
        classes=b"",
        row_count=0,
    )
    add(log, full, bare)
    kept = pages(log, SUBJECTS[0])
    assert [one.entry for one in kept] == [bare, full]
    assert [one.link.seq for one in kept] == [2, 1]
    assert kept[1].link.previous_hash == GENESIS
    assert kept[0].link.previous_hash == kept[1].link.hash
    assert log.read(actions.verify) is None


def test_pages_are_newest_first_and_miss_nothing(log: Database) -> None:
    filled(log, each=7)
    seen: list[int] = []
    before = None
    while part := pages(log, SUBJECTS[1], before=before, limit=3):
        seen += [one.link.seq for one in part]
        before = part[-1].link.seq
        # An entry that comes in between pages moves nothing.
        add(log, an_entry(SUBJECTS[1]))
    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_a_subject_sees_only_their_own_entries(log: Database) -> None:
    filled(log)
    kept = pages(log, SUBJECTS[0])
    assert {one.entry.subject for one in kept} == {SUBJECTS[0]}
    assert pages(log, uuid4()) == []


def test_a_panel_is_logged_in_few_statements(log: Database) -> None:
    panel = [uuid4() for _ in range(50)]
    counted: list[str] = []
    for _ in range(2):
        counted.clear()
        with Counting(log.engine, counted):
            add(log, *(an_entry(one) for one in panel))
    assert len(counted) == 3
    for one in panel:
        assert len(pages(log, one)) == 2
    assert log.read(actions.verify) is None


def test_a_look_that_fails_leaves_no_entry_and_no_gap(log: Database) -> None:
    filled(log, each=1)

    def failing(conn: Any) -> None:
        actions.append(conn, [an_entry(SUBJECTS[0])])
        raise RuntimeError("the look failed")

    with pytest.raises(RuntimeError):
        log.write(failing)
    filled(log, each=1)
    kept = pages(log, SUBJECTS[0])
    assert [one.link.seq for one in kept] == [2, 1]
    assert log.read(actions.verify) is None


def test_processes_that_write_at_once_make_one_chain(log: Database, database_url: str) -> None:
    others = [Database(database_url), Database(database_url)]
    failed: list[Exception] = []

    def work(db: Database) -> None:
        try:
            for _ in range(15):
                add(db, an_entry(SUBJECTS[0]), an_entry(SUBJECTS[1]))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(db,)) for db in (log, *others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for db in others:
        db.close()
    assert failed == []
    kept = pages(log, SUBJECTS[0], limit=100)
    assert [one.link.seq for one in kept] == list(range(45, 0, -1))
    assert log.read(actions.verify) is None


EDITS: dict[str, Any] = {
    "at": NOW + timedelta(microseconds=1),
    "actor_kind": "resident",
    "actor_id": "somebody else",
    "actor_name": None,
    "on_behalf_of": "another clinic",
    "automatic": True,
    "action": "export",
    "purpose": "self_care",
    "classes": b"fewer",
    "decision": "deny",
    "rule": "own-record",
    "grant_id": UUID(int=78),
    "revision": 5,
    "request_id": "r-9",
    "row_count": 13,
    "previous_hash": bytes(32),
    "hash": bytes(32),
}


def test_the_edits_below_cover_every_column() -> None:
    assert {*EDITS, "resident_id", "seq"} == set(access_log.c.keys())


@pytest.mark.parametrize("column", EDITS)
def test_an_edited_entry_is_named(log: Database, column: str) -> None:
    filled(log)
    mine = (access_log.c.resident_id == SUBJECTS[2]) & (access_log.c.seq == 3)
    change(log, update(access_log).where(mine).values({column: EDITS[column]}))
    breach = log.read(actions.verify)
    assert breach is not None
    assert (breach.subject, breach.seq) == (SUBJECTS[2], 3)


@pytest.mark.parametrize("seq", [1, 2, 3, 4])
def test_a_deleted_entry_is_named(log: Database, seq: int) -> None:
    filled(log)
    mine = (access_log.c.resident_id == SUBJECTS[0]) & (access_log.c.seq == seq)
    change(log, delete(access_log).where(mine))
    breach = log.read(actions.verify)
    assert breach is not None
    assert (breach.subject, breach.seq) == (SUBJECTS[0], seq)


def test_a_whole_chain_deleted_is_named(log: Database) -> None:
    filled(log)
    change(log, delete(access_log).where(access_log.c.resident_id == SUBJECTS[1]))
    breach = log.read(actions.verify)
    assert breach is not None
    assert (breach.subject, breach.seq) == (SUBJECTS[1], 1)


def test_a_deleted_head_is_named(log: Database) -> None:
    filled(log)
    change(log, delete(access_heads).where(access_heads.c.resident_id == SUBJECTS[1]))
    breach = log.read(actions.verify)
    assert breach is not None
    assert breach.subject == SUBJECTS[1]


def test_reordered_entries_are_named(log: Database) -> None:
    filled(log)
    ids = access_log.c.resident_id == SUBJECTS[0]
    for old, new in ((2, 99), (3, 2), (99, 3)):
        change(log, update(access_log).where(ids & (access_log.c.seq == old)).values(seq=new))
    breach = log.read(actions.verify)
    assert breach is not None
    assert (breach.subject, breach.seq) == (SUBJECTS[0], 2)


def test_an_entry_moved_to_another_subject_is_named(log: Database) -> None:
    filled(log)
    last = (access_log.c.resident_id == SUBJECTS[0]) & (access_log.c.seq == 4)
    change(log, update(access_log).where(last).values(resident_id=SUBJECTS[1], seq=5))
    breach = log.read(actions.verify)
    assert breach is not None
    assert (breach.subject, breach.seq) == (SUBJECTS[1], 5)


def test_an_inserted_entry_is_named(log: Database) -> None:
    filled(log)
    subject = SUBJECTS[0]
    forged = link(an_entry(subject), Head(4, GENESIS))
    row = {name: value for name, value in EDITS.items() if name not in ("previous_hash", "hash")}
    change(
        log,
        access_log.insert().values(
            resident_id=subject, seq=5, previous_hash=forged.previous_hash, hash=forged.hash, **row
        ),
    )
    breach = log.read(actions.verify)
    assert breach is not None
    assert (breach.subject, breach.seq) == (subject, 5)


def test_a_long_log_is_walked_in_pages(log: Database) -> None:
    add(log, *(an_entry(one) for one in SUBJECTS for _ in range(800)))
    assert log.read(actions.verify) is None
    mine = (access_log.c.resident_id == SUBJECTS[0]) & (access_log.c.seq == 800)
    change(log, update(access_log).where(mine).values(row_count=1))
    breach = log.read(actions.verify)
    assert breach is not None
    assert (breach.subject, breach.seq) == (SUBJECTS[0], 800)


def test_entries_added_during_a_proof_are_no_breach(
    log: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(log)
    every_entry = store.every_entry

    def late(conn: Any) -> Any:
        adding = threading.Thread(target=filled, args=(log, 1))
        adding.start()
        adding.join()
        return every_entry(conn)

    monkeypatch.setattr(store, "every_entry", late)
    assert log.read(actions.verify) is None


def test_the_canonical_text_keeps_fields_apart() -> None:
    left = an_entry(SUBJECTS[0], actor_id='a","b', on_behalf_of="c")
    right = an_entry(SUBJECTS[0], actor_id="a", on_behalf_of='b","c')
    assert canonical(left, 1) != canonical(right, 1)
    assert canonical(left, 1) != canonical(left, 2)
    assert canonical(left, 1).isascii()


class Counting:
    """Collects the statements an engine runs, transactions aside."""

    def __init__(self, engine: Engine, into: list[str]) -> None:
        self.engine, self.into = engine, into

    def __enter__(self) -> None:
        event.listen(self.engine, "before_cursor_execute", self._seen)

    def __exit__(self, *_: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._seen)

    def _seen(self, conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            self.into.append(statement)
