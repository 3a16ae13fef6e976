"""Replay: what is told of a moment in the past is what the gate decided at that moment."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from consent.request import AccessRequest, Actor
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, Purpose
from service.grants import gate, preview
from service.guardians import actions as guardians
from service.history.tables import policy_history
from service.kit import guard
from service.kit.db import Database
from tests.consent_room import Clinic
from tests.life_room import Life, Recorded, differences, told
from tests.slices.test_guardians import ZONE, begin, join


@pytest.fixture
def here(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(database, keystore_url, tmp_path)
    yield clinic
    clinic.keystore.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_every_decision_of_a_random_life_is_replayed(here: Clinic, seed: int) -> None:
    life = Life(here, seed)
    life.live(45)
    rules = {one.decision.rule for one in life.recorded}
    rules |= {rule for one in life.recorded for rule in one.decision.withheld.values()}
    assert {"signed-doctor", "explicit-deny", "break-glass", "withdrawn", "no-grant"} <= rules
    assert len(life.recorded) > 900
    assert differences(here, life) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 13))
def test_every_decision_of_many_random_lives_is_replayed(here: Clinic, seed: int) -> None:
    life = Life(here, seed)
    life.live(160)
    assert differences(here, life) == []


def test_a_forgotten_act_is_a_difference(here: Clinic) -> None:
    """The comparison can fail: with one act missing from the history it does."""
    life = Life(here, 1)
    life.live(10)
    count = select(func.count()).select_from(policy_history)
    assert here.read(lambda conn: conn.execute(count).scalar_one()) >= 6
    first = select(policy_history.c.row_id).where(policy_history.c.resident_id == life.lin)
    rows = here.read(lambda conn: conn.execute(first).scalars().all())
    found = 0
    for row in rows[:6]:
        here.write(
            lambda conn, r=row: conn.execute(
                policy_history.delete().where(policy_history.c.row_id == r)
            )
        )
        found += bool(differences(here, life))
    assert found > 0


def test_replay_and_simulate_tell_the_same_of_now(here: Clinic) -> None:
    life = Life(here, 5)
    life.live(30)

    def both(conn: Connection) -> tuple[list[Any], list[Any]]:
        permit = here.manage(conn, life.lin)
        now = here.now
        then = preview.who_could_see_what(conn, here.vault, permit, at=now)
        seen = preview.who_sees_what(conn, here.vault, permit, proposed=None, now=now)
        return rows(then), rows(seen)

    def rows(sights: list[preview.Sight]) -> list[Any]:
        found = [(str(one.grantee), one.purpose, one.action, told(one.decision)) for one in sights]
        return sorted(found, key=lambda row: row[:3])

    then, seen = here.read(both)
    assert len(seen) > 3
    assert then == seen


def test_before_anything_was_given_there_is_nothing_but_emergencies(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    before = here.now - timedelta(microseconds=1)
    here.sign(lin, zhou)
    sights = here.read(
        lambda conn: preview.who_could_see_what(conn, here.vault, here.manage(conn, lin), at=before)
    )
    assert [(one.grantee, one.purpose) for one in sights] == [(preview.ANYBODY, Purpose.EMERGENCY)]


def test_guardians_of_every_moment_are_replayed(here: Clinic) -> None:
    """Two guardians begin, join, amend and leave, and the child turns 14 in between."""
    mother, father, stranger = here.resident(), here.resident(), here.resident()
    start = here.now
    born = date(2012, 11, 22)
    child = begin(here, mother, born=born)
    recorded: list[Recorded] = []

    def record() -> None:
        for person in (mother, father, stranger):
            actor = Actor(ActorKind.RESIDENT, str(person))
            asked = AccessRequest(actor, child, Purpose.SELF_CARE, Action.READ, ALL_CLASSES)
            decision = here.read(
                lambda conn, a=actor: gate.admit(
                    conn,
                    here.vault,
                    actor=a,
                    subject=child,
                    purpose=Purpose.SELF_CARE,
                    action=Action.READ,
                    classes=ALL_CLASSES,
                    now=here.now,
                )
            )
            recorded.append(Recorded(here.now, asked, decision))
        here.now += timedelta(hours=1)

    def amend(day: date) -> None:
        def job(conn: Connection) -> None:
            guard.ask(conn, child)
            guardians.restate(
                conn,
                here.vault,
                child,
                name="林小乐",
                birth_date=day,
                zone=ZONE,
                now=here.now,
            )

        here.write(job)

    def leave(conn: Connection, who: Any) -> None:
        guard.ask(conn, child)
        guardians.leave(conn, here.vault, child, who, now=here.now)

    record()
    join(here, child, mother, father)
    record()
    amend(date(2012, 11, 20))
    record()
    amend(born)
    record()
    here.write(lambda conn: leave(conn, father))
    record()
    here.now = datetime(2026, 11, 21, 16, tzinfo=UTC) - timedelta(hours=1)
    record()
    record()
    rules = [one.decision.rule for one in recorded]
    assert {"guardian", "guardian-ended", "no-rule"} <= set(rules)

    def compare(conn: Connection) -> list[Recorded]:
        permit = here.manage(conn, child)
        return [
            one
            for one in recorded
            if told(
                preview.foreseen(
                    preview.policy_at(conn, here.vault, permit, one.at),
                    preview.posts_at(conn, one.at),
                    one.request,
                    now=one.at,
                )
            )
            != told(one.decision)
        ]

    assert here.read(compare) == []
    sights = here.read(
        lambda conn: preview.who_could_see_what(
            conn, here.vault, here.manage(conn, child), at=start
        )
    )
    assert (sights[0].grantee.kind, sights[0].grantee.id) == ("guardian", str(mother))
