"""The access log on both databases: added to, read by its subject, and provably unchanged."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4, uuid5

import pytest
from sqlalchemy import Connection, delete, update

from service.audit import actions, additions, heads, store, tree
from service.audit.checkpoint import digest, read
from service.audit.entry import GENESIS, Head, Logged, canonical, link
from service.audit.tables import access_heads, access_log
from service.kit.db import Database
from service.kit.guard import guard_of
from service.kit.prepared import Prepared
from tests.audit_room import KEY, KEYS, NOW, add, an_entry, checkpoint, fill, make_tables, proven

T = TypeVar("T")
SUBJECTS = [UUID(int=n) for n in (3, 1, 2)]


@pytest.fixture
def log(database: Database) -> Database:
    make_tables(database)
    return database


def pages(log: Database, subject: UUID, **named: Any) -> list[Logged]:
    return of_the_owner(log, subject, lambda conn: actions.page(conn, subject, **named))


def proof_of(log: Database, subject: UUID) -> actions.Proof | None:
    return of_the_owner(log, subject, lambda conn: actions.proof(conn, subject))


def of_the_owner(log: Database, subject: UUID, job: Callable[[Connection], T]) -> T:
    """A read by somebody who has shown a permit before."""

    def run(conn: Connection) -> T:
        guard_of(conn).permitted.add(subject.bytes)
        return job(conn)

    return log.read(run)


def filled(log: Database, each: int = 4) -> None:
    """Chains of `each` entries for three subjects, added in turns."""
    for number in range(each):
        add(log, *(an_entry(one, request_id=f"r-{number}") for one in SUBJECTS))


def change(log: Database, statement: Any) -> None:
    def job(conn: Any) -> int:
        return int(conn.execute(statement).rowcount)

    assert log.write(job) != 0


def test_an_empty_log_is_intact(log: Database) -> None:
    assert proven(log) is None
    add(log)
    assert proven(log) is None


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
    assert proven(log) is None


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


def test_a_panel_is_logged_in_few_statements(
    log: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = [uuid4() for _ in range(50)]
    counted: list[Prepared] = []
    really = Prepared._on

    def counting(self: Prepared, connection: Connection) -> Any:
        counted.append(self)
        return really(self, connection)

    with monkeypatch.context() as patch:
        patch.setattr(Prepared, "_on", counting)
        for _ in range(2):
            counted.clear()
            add(log, *(an_entry(one) for one in panel))
    # Lock the tree, find the heads, add the entries, move the heads and the tree.
    assert len(counted) == 5
    for one in panel:
        assert len(pages(log, one)) == 2
    assert proven(log) is None


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
    assert proven(log) is None


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
    assert proven(log) is None


def test_a_process_that_plants_the_tree_first_is_no_break(
    log: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes begin a log: one plants, adds and commits while the other is about to plant."""
    if log.dialect == "sqlite":
        pytest.skip("SQLite has one writer at a time: nothing is committed meanwhile")
    other, plant = Database(database_url), additions._plant

    def late(conn: Connection) -> None:
        monkeypatch.setattr(additions, "_plant", plant)
        add(other, an_entry(SUBJECTS[0]))
        plant(conn)

    monkeypatch.setattr(additions, "_plant", late)
    add(log, an_entry(SUBJECTS[0]))
    other.close()
    assert [one.link.seq for one in pages(log, SUBJECTS[0])] == [2, 1]
    assert proven(log) is None


EDITS: dict[str, Any] = {
    "at": NOW + timedelta(microseconds=1),
    "leaf": 99,
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
    breach = proven(log)
    assert breach is not None
    assert (breach.subject, breach.seq) == (SUBJECTS[2], 3)


@pytest.mark.parametrize("seq", [1, 2, 3, 4])
def test_a_deleted_entry_is_named(log: Database, seq: int) -> None:
    filled(log)
    mine = (access_log.c.resident_id == SUBJECTS[0]) & (access_log.c.seq == seq)
    change(log, delete(access_log).where(mine))
    breach = proven(log)
    assert breach is not None
    assert (breach.subject, breach.seq) == (SUBJECTS[0], seq)


def test_a_whole_chain_deleted_is_named(log: Database) -> None:
    filled(log)
    change(log, delete(access_log).where(access_log.c.resident_id == SUBJECTS[1]))
    breach = proven(log)
    assert breach is not None
    assert (breach.subject, breach.seq) == (SUBJECTS[1], 1)


def test_a_deleted_head_is_named(log: Database) -> None:
    filled(log)
    change(log, delete(access_heads).where(access_heads.c.resident_id == SUBJECTS[1]))
    breach = proven(log)
    assert breach is not None
    assert breach.subject == SUBJECTS[1]


def test_a_head_without_entries_is_named(log: Database) -> None:
    """Planted as if its chain had just begun, it would be under the next checkpoint."""
    filled(log)
    stranger = uuid4()
    planted = {"resident_id": stranger, "seq": 0, "hash": bytes(32)}
    assert Head() == Head(0, bytes(32))
    change(log, access_heads.insert().values(planted))
    breach = proven(log)
    assert breach is not None
    assert breach.subject == stranger


def test_reordered_entries_are_named(log: Database) -> None:
    filled(log)
    ids = access_log.c.resident_id == SUBJECTS[0]
    for old, new in ((2, 99), (3, 2), (99, 3)):
        change(log, update(access_log).where(ids & (access_log.c.seq == old)).values(seq=new))
    breach = proven(log)
    assert breach is not None
    assert (breach.subject, breach.seq) == (SUBJECTS[0], 2)


def test_an_entry_moved_to_another_subject_is_named(log: Database) -> None:
    filled(log)
    last = (access_log.c.resident_id == SUBJECTS[0]) & (access_log.c.seq == 4)
    change(log, update(access_log).where(last).values(resident_id=SUBJECTS[1], seq=5))
    breach = proven(log)
    assert breach is not None
    assert (breach.subject, breach.seq) == (SUBJECTS[1], 5)


def test_an_inserted_entry_is_named(log: Database) -> None:
    filled(log)
    subject = SUBJECTS[0]
    forged = link(an_entry(subject), Head(4, GENESIS), 99)
    row = {name: value for name, value in EDITS.items() if name not in ("previous_hash", "hash")}
    change(
        log,
        access_log.insert().values(
            resident_id=subject, seq=5, previous_hash=forged.previous_hash, hash=forged.hash, **row
        ),
    )
    breach = proven(log)
    assert breach is not None
    assert (breach.subject, breach.seq) == (subject, 5)


def test_a_long_log_is_walked_in_pages(log: Database) -> None:
    add(log, *(an_entry(one) for one in SUBJECTS for _ in range(800)))
    assert proven(log) is None
    mine = (access_log.c.resident_id == SUBJECTS[0]) & (access_log.c.seq == 800)
    change(log, update(access_log).where(mine).values(row_count=1))
    breach = proven(log)
    assert breach is not None
    assert (breach.subject, breach.seq) == (SUBJECTS[0], 800)


def test_entries_added_during_a_proof_are_no_breach(
    log: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(log)
    every_row = store.every_row

    def late(conn: Any) -> Any:
        adding = threading.Thread(target=filled, args=(log, 1))
        adding.start()
        adding.join()
        return every_row(conn)

    monkeypatch.setattr(store, "every_row", late)
    assert proven(log) is None


def test_a_checkpoint_is_signed_over_the_one_before(log: Database) -> None:
    filled(log)
    first = checkpoint(log)
    assert log.at_one_moment(actions.survey) is None
    filled(log)
    second = checkpoint(log)
    claims = read(second.text, KEYS)
    assert (first.number, first.size, second.number, second.size) == (1, 12, 2, 24)
    assert claims.previous == digest(first.text)
    assert claims.at == second.at
    assert proven(log) is None
    assert proven(log, [first.text, second.text]) is None


def test_of_two_processes_one_makes_the_checkpoint(log: Database) -> None:
    filled(log)
    seen = log.at_one_moment(actions.survey)
    assert seen is not None
    signing = {"kid": "audit-1", "key": KEY, "issuer": "https://kangma.test", "now": NOW}
    made = [log.write(lambda conn: actions.seal_off(conn, seen, **signing)) for _ in range(2)]
    assert made[0] is not None
    assert made[1] is None
    assert proven(log) is None


def test_entries_added_while_a_checkpoint_is_made_are_in_the_next(log: Database) -> None:
    filled(log)
    seen = log.at_one_moment(actions.survey)
    assert seen is not None
    filled(log)
    signing = {"kid": "audit-1", "key": KEY, "issuer": "https://kangma.test", "now": NOW}
    made = log.write(lambda conn: actions.seal_off(conn, seen, **signing))
    assert made is not None
    assert made.size == 12
    assert proven(log) is None
    assert checkpoint(log).size == 24


def test_proofs_hold_across_tiles(log: Database) -> None:
    """More than 65,536 entries would take long; 700 cross two of the 256-entry tiles."""
    people = [uuid5(SUBJECTS[0], str(number)) for number in range(40)]
    fill(log, people, 300)
    first = read(checkpoint(log).text, KEYS)
    fill(log, people, 400, start=300)
    second = read(checkpoint(log).text, KEYS)
    path = log.read(lambda conn: actions.consistency(conn, first.size, second.size))
    assert tree.is_consistent(first.size, second.size, first.root, second.root, path)
    for person in people:
        proof = proof_of(log, person)
        assert proof is not None
        link_ = proof.last.link
        leaf = tree.leaf_hash(link_.hash)
        assert tree.is_included(leaf, link_.leaf, second.size, proof.inclusion, second.root)
        head = Head(link_.seq, link_.hash)
        assert heads.holds(proof.head, person, head, second.heads)
        assert not heads.holds(proof.head, person, Head(link_.seq - 1, link_.hash), second.heads)
        assert not heads.holds(proof.head, uuid4(), head, second.heads)
    assert proven(log) is None


def test_nobody_without_entries_has_a_proof(log: Database) -> None:
    assert proof_of(log, SUBJECTS[0]) is None
    filled(log)
    assert proof_of(log, SUBJECTS[0]) is None
    checkpoint(log)
    assert proof_of(log, uuid4()) is None
    assert proof_of(log, SUBJECTS[0]) is not None


def test_the_canonical_text_keeps_fields_apart() -> None:
    left = an_entry(SUBJECTS[0], actor_id='a","b', on_behalf_of="c")
    right = an_entry(SUBJECTS[0], actor_id="a", on_behalf_of='b","c')
    assert canonical(left, 1, 0) != canonical(right, 1, 0)
    assert canonical(left, 1, 0) != canonical(left, 2, 0)
    assert canonical(left, 1, 0).isascii()
