"""Guardianships on both databases: who is asked, who may act, and what an attacker changes."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import TypeVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, event, select, update

from consent.decision import Decision
from consent.life import minor_until
from consent.request import Actor
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, Purpose
from service.grants import gate
from service.guardians import actions as guardians
from service.guardians import body, store
from service.guardians.actions import Guardianship
from service.guardians.tables import guardian_codes, guardianships
from service.kit import guard, prepared
from service.kit.db import Database
from service.kit.errors import Conflict, IntegrityBroken, Invalid, NotFound
from tests.consent_room import Clinic
from tests.record_room import PROFILE

BORN = date(2016, 3, 9)
MICROSECOND = timedelta(microseconds=1)
ZONE = "Asia/Shanghai"
T = TypeVar("T")


@pytest.fixture
def here(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(database, keystore_url, tmp_path)
    yield clinic
    clinic.keystore.close()


def about(child: UUID, job: Callable[[Connection], T]) -> Callable[[Connection], T]:
    """A job before which the gate was asked about the child."""

    def run(conn: Connection) -> T:
        guard.ask(conn, child)
        return job(conn)

    return run


def begin(here: Clinic, guardian: UUID, *, born: date = BORN, zone: str = ZONE) -> UUID:
    """A child with a file, whose guardian this is."""
    child = here.resident(replace(PROFILE, name="林小乐", birth_date=born, zone=zone))
    here.write(
        lambda conn: guardians.begin(
            conn,
            here.vault,
            here.system,
            child=child,
            child_name="林小乐",
            birth_date=born,
            zone=zone,
            guardian=guardian,
            guardian_name="林梅",
            now=here.now,
        )
    )
    return child


def join(here: Clinic, child: UUID, guardian: UUID, newcomer: UUID) -> None:
    def job(conn: Connection) -> None:
        code = guardians.invite(conn, here.vault, child, guardian, now=here.now).code
        guardians.join(
            conn,
            here.vault,
            here.system,
            code=code,
            guardian=newcomer,
            guardian_name="陈伟",
            now=here.now,
        )

    here.write(about(child, job))


def asked(
    here: Clinic, guardian: UUID, child: UUID, action: Action = Action.READ, **more: bool
) -> Decision:
    return here.read(
        lambda conn: gate.admit(
            conn,
            here.vault,
            actor=Actor(ActorKind.RESIDENT, str(guardian)),
            subject=child,
            purpose=Purpose.SELF_CARE,
            action=action,
            classes=ALL_CLASSES,
            now=here.now,
            **more,
        )
    )


def test_a_guardian_acts_as_owner_and_nobody_else_does(here: Clinic) -> None:
    mother, stranger = here.resident(), here.resident()
    child = begin(here, mother)
    for action in (Action.READ, Action.WRITE, Action.MANAGE, Action.DERIVE):
        decision = asked(here, mother, child, action)
        assert decision.rule == "guardian"
        assert decision.permit is not None
        assert decision.permit.owner
        assert decision.permit.subject == child
        assert asked(here, stranger, child, action).permit is None
    assert asked(here, mother, child, Action.ERASE).rule == "own-record-needs-step-up"
    assert asked(here, mother, child, Action.ERASE, stepped_up=True).allow
    # Nobody acts for an adult, nor a child for its guardian.
    assert asked(here, mother, stranger).permit is None
    assert asked(here, child, mother).permit is None


def test_the_last_microsecond_is_the_guardians(here: Clinic) -> None:
    mother = here.resident()
    child = begin(here, mother, zone="America/New_York")
    end = minor_until(BORN, "America/New_York")
    assert end == datetime(2030, 3, 9, 5, tzinfo=UTC)
    here.now = end - MICROSECOND
    decision = asked(here, mother, child)
    assert decision.permit is not None
    assert decision.permit.expires_at == end
    here.now = end
    assert asked(here, mother, child).rule == "guardian-ended"


def test_a_child_costs_one_statement_more_than_ones_own_record(here: Clinic) -> None:
    mother = here.resident()
    child = begin(here, mother)
    join(here, child, mother, here.resident())
    seen: list[str] = []

    def counted(conn: Connection, asked_for: UUID, actor: UUID) -> int:
        seen.clear()
        gate.admit(
            conn,
            here.vault,
            actor=Actor(ActorKind.RESIDENT, str(actor)),
            subject=asked_for,
            purpose=Purpose.SELF_CARE,
            action=Action.READ,
            classes=ALL_CLASSES,
            now=here.now,
        )
        return len([one for one in seen if one != "BEGIN"])

    def job(conn: Connection) -> tuple[int, int]:
        spied = _Spy(conn, seen)
        with spied:
            return counted(conn, mother, mother), counted(conn, child, mother)

    own, of_child = here.read(job)
    assert (own, of_child) == (1, 2)


class _Spy:
    """Notes every prepared statement that runs: the hot ones never pass SQLAlchemy's events."""

    def __init__(self, conn: Connection, seen: list[str]) -> None:
        self._conn, self._seen = conn, seen

    def __enter__(self) -> None:
        self._rows = prepared.Prepared.rows
        rows, seen = self._rows, self._seen

        def noted(statement: prepared.Prepared, *rest: object) -> object:
            seen.append("prepared")
            return rows(statement, *rest)  # type: ignore[arg-type]

        prepared.Prepared.rows = noted  # type: ignore[method-assign, assignment]
        self._listen = lambda *given: self._seen.append(str(given[2]))
        event.listen(self._conn, "before_cursor_execute", self._listen)

    def __exit__(self, *_: object) -> None:
        prepared.Prepared.rows = self._rows  # type: ignore[method-assign]
        event.remove(self._conn, "before_cursor_execute", self._listen)


def test_of_two_guardians_who_leave_at_once_one_stays(here: Clinic) -> None:
    """Each in a process of their own: without the lock both would find the other still there."""
    mother, father = here.resident(), here.resident()
    child = begin(here, mother)
    join(here, child, mother, father)
    other = Database(here.database.engine.url.render_as_string(hide_password=False))
    gate_ = Barrier(2)

    def leave(database: Database, guardian: UUID) -> bool:
        gate_.wait()
        try:
            database.write(
                lambda conn: guardians.leave(conn, here.vault, child, guardian, now=here.now)
            )
        except Conflict:
            return False
        return True

    try:
        with ThreadPoolExecutor(2) as pool:
            left = list(pool.map(leave, (here.database, other), (mother, father)))
    finally:
        other.close()
    assert sorted(left) == [False, True]
    allowed = [asked(here, one, child).allow for one in (mother, father)]
    assert sorted(allowed) == [False, True]


def test_a_permit_made_before_a_guardian_left_is_void(here: Clinic) -> None:
    mother, father = here.resident(), here.resident()
    child = begin(here, mother)
    join(here, child, mother, father)
    before = asked(here, mother, child)
    here.write(lambda conn: guardians.leave(conn, here.vault, child, mother, now=here.now))
    assert before.revision < asked(here, father, child).revision


def held(here: Clinic, child: UUID) -> list[Guardianship]:
    return here.read(about(child, lambda conn: guardians.of_child(conn, here.vault, child)))


def test_a_guardianship_moved_to_another_child_opens_nothing(here: Clinic) -> None:
    """An attacker at the data store makes somebody the guardian of a child: it fails closed."""
    mother, attacker = here.resident(), here.resident()
    child, own = begin(here, mother), begin(here, attacker)

    def forge(conn: Connection) -> None:
        (mine,) = store.of_child(conn, own)
        mine_at = guardianships.c.resident_id == child
        conn.execute(update(guardianships).where(mine_at).values(sealed_body=mine.sealed_body))

    here.write(forge)
    with pytest.raises(IntegrityBroken):
        asked(here, attacker, child)
    with pytest.raises(IntegrityBroken):
        asked(here, mother, child)


def test_an_older_guardianship_put_back_opens_nothing(here: Clinic) -> None:
    """One that was ended is the same row at an older version: version and tag give it away."""
    mother, father = here.resident(), here.resident()
    child = begin(here, mother)
    join(here, child, mother, father)

    def rows(conn: Connection) -> list[store.GuardianshipRow]:
        return store.of_child(conn, child)

    before = {row.guardianship_id: row for row in here.read(rows)}
    here.write(lambda conn: guardians.leave(conn, here.vault, child, mother, now=here.now))
    (ended,) = [row for row in here.read(rows) if row.tag is None]
    old = before[ended.guardianship_id]
    where = guardianships.c.guardianship_id == ended.guardianship_id
    for values in ({"sealed_body": old.sealed_body}, {"tag": old.tag}):
        here.write(lambda conn, v=values: conn.execute(update(guardianships).where(where), v))
        with pytest.raises(IntegrityBroken):
            asked(here, father, child)
        here.write(
            lambda conn: conn.execute(
                update(guardianships).where(where), {"sealed_body": ended.sealed_body, "tag": None}
            )
        )
    assert asked(here, father, child).allow


def test_no_amendment_moves_the_end_past_the_first_date(here: Clinic) -> None:
    mother = here.resident()
    child = begin(here, mother)
    first = held(here, child)[0].until

    def restated(born: date, zone: str = ZONE) -> datetime:
        here.write(
            about(
                child,
                lambda conn: guardians.restate(
                    conn,
                    here.vault,
                    child,
                    name="林小乐",
                    birth_date=born,
                    zone=zone,
                    now=here.now,
                ),
            )
        )
        (kept,) = held(here, child)
        assert kept.ceiling == first
        return kept.until

    assert restated(date(2020, 1, 1)) == first
    assert restated(BORN, "Pacific/Honolulu") == first
    assert restated(date(2015, 3, 9)) == minor_until(date(2015, 3, 9), ZONE)
    assert restated(BORN) == first


def test_a_code_is_stored_as_a_digest_and_tells_nothing(here: Clinic) -> None:
    mother = here.resident()
    child = begin(here, mother)
    made = here.write(
        about(child, lambda conn: guardians.invite(conn, here.vault, child, mother, now=here.now))
    )
    row = here.read(lambda conn: conn.execute(select(guardian_codes)).one())
    kept = b"".join(bytes(cell) for cell in (row.hash, row.sealed_body))
    for spelling in (made.code, made.code.replace("-", "")):
        assert spelling.encode() not in kept
    assert row.resident_id == child

    def join_by(code: str) -> Guardianship:
        newcomer = here.resident()
        return here.write(
            lambda conn: guardians.join(
                conn,
                here.vault,
                here.system,
                code=code,
                guardian=newcomer,
                guardian_name="陈伟",
                now=here.now,
            )
        )

    wrong = made.code[:-1] + ("a" if made.code[-1] != "a" else "b")
    with pytest.raises(Invalid):
        join_by(wrong)
    assert join_by(made.code).child == child
    with pytest.raises(Invalid):
        join_by(made.code)


def test_a_code_of_a_guardian_who_left_brings_nobody_in(here: Clinic) -> None:
    mother, father, aunt = here.resident(), here.resident(), here.resident()
    child = begin(here, mother)
    join(here, child, mother, father)
    made = here.write(
        about(child, lambda conn: guardians.invite(conn, here.vault, child, mother, now=here.now))
    )
    here.write(lambda conn: guardians.leave(conn, here.vault, child, mother, now=here.now))
    with pytest.raises(Invalid):
        here.write(
            lambda conn: guardians.join(
                conn,
                here.vault,
                here.system,
                code=made.code,
                guardian=aunt,
                guardian_name="林姨",
                now=here.now,
            )
        )
    assert not asked(here, aunt, child).allow


def test_a_code_of_a_guardian_who_left_hands_nothing_over(here: Clinic) -> None:
    mother, father = here.resident(), here.resident()
    child = begin(here, mother)
    join(here, child, mother, father)

    def hand_over(guardian: UUID) -> str:
        return here.write(
            lambda conn: guardians.hand_over(conn, here.vault, child, guardian, now=here.now)
        ).code

    here.now = minor_until(BORN, ZONE) - timedelta(days=7)
    his = hand_over(father)
    here.write(lambda conn: guardians.leave(conn, here.vault, child, father, now=here.now))
    here.now = minor_until(BORN, ZONE)
    with pytest.raises(Invalid):
        here.write(lambda conn: guardians.claimed(conn, here.vault, his, now=here.now))
    hers = hand_over(mother)
    claimed = here.write(lambda conn: guardians.claimed(conn, here.vault, hers, now=here.now))
    assert claimed == child


def test_every_guardianship_is_one_size(here: Clinic) -> None:
    """A long name, an end, a reason: none of it shows in the length of a row."""
    mother, father = here.resident(), here.resident()
    child = begin(here, mother)
    join(here, child, mother, father)
    here.write(lambda conn: guardians.leave(conn, here.vault, child, mother, now=here.now))
    (kept, _) = held(here, child)
    longest = replace(kept, guardian_name="\U0001f600" * 100, child_name="\\" * 100)
    sizes = {len(body.sealed(here.vault, one).sealed_body) for one in (kept, longest)}
    stored = here.read(lambda conn: store.of_child(conn, child))
    assert {len(row.sealed_body) for row in stored} == sizes
    assert len(sizes) == 1


def test_nobody_has_a_guardianship_over_somebody_unknown(here: Clinic) -> None:
    mother = here.resident()
    nobody = uuid4()
    with pytest.raises(NotFound):
        here.read(about(nobody, lambda conn: guardians.held(conn, here.vault, nobody, mother)))
