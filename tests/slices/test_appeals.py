"""Appeals as they lie in the store: sealed in one size, bound to their row, opened by permits."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, select, update

from consent.vocabulary import DataClass
from service.appeals import actions, body, store
from service.appeals.body import DAYS, FRAME, Appeal, Outcome
from service.appeals.tables import appeals
from service.kit.db import Database
from service.kit.errors import Conflict, Invalid, NotFound
from service.kit.errors import IntegrityBroken as Broken
from service.kit.guard import NoPermit
from service.residents.store import bump_consent
from tests.consent_room import Clinic
from tests.guarded_room import carrying
from tests.record_room import pressure

LONGEST = "\u0001🩺" * 500
"""A thousand characters that take as many bytes as characters can."""


@pytest.fixture
def home(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    made = Clinic(database, keystore_url, tmp_path)
    yield made
    made.keystore.close()


def record(home: Clinic, resident: UUID) -> UUID:
    found = home.log(resident, pressure(141, 88, home.now.isoformat()))[0][0].id
    assert found is not None
    return found


def file(home: Clinic, resident: UUID, about: UUID, **more: Any) -> Appeal:
    terms = {"kind": "record", "reason": "not mine", "for_doctor": True, "now": home.now} | more
    return home.write(
        lambda conn: actions.file(conn, home.vault, home.own(conn, resident), about=about, **terms)
    )


def every(home: Clinic, resident: UUID) -> list[Appeal]:
    return home.read(lambda conn: actions.every(conn, home.vault, home.own(conn, resident)))


def answer(
    home: Clinic,
    doctor: UUID,
    resident: UUID,
    appeal: UUID,
    outcome: Outcome = "upheld",
    reason: str = "again",
) -> Appeal:
    def job(conn: Connection) -> Appeal:
        permit = home.decided(conn, doctor, resident, classes=actions.READS).permit
        assert permit is not None
        return actions.answer(
            conn,
            home.vault,
            permit,
            appeal,
            practitioner=doctor,
            outcome=outcome,
            reason=reason,
            now=home.now,
        )

    return home.write(job)


def signed(home: Clinic) -> tuple[UUID, UUID]:
    doctor, resident = home.doctor_named(), home.resident()
    home.sign(resident, doctor, ["profile", "body"])
    return doctor, resident


def test_an_appeal_goes_through_its_states(home: Clinic) -> None:
    doctor, resident = signed(home)
    filed = file(home, resident, record(home, resident))
    assert (filed.state, every(home, resident)) == ("open", [filed])
    last = filed.deadline
    assert last - timedelta(days=DAYS + 1) <= home.now < last - timedelta(days=DAYS)
    assert not filed.overdue(last - timedelta(microseconds=1))
    assert filed.overdue(last)
    answered = answer(home, doctor, resident, filed.id, "rejected")
    assert (answered.state, answered.overdue(last)) == ("answered", False)
    assert every(home, resident) == [answered]
    with pytest.raises(Conflict):
        home.write(
            lambda conn: actions.withdraw(
                conn, home.vault, home.own(conn, resident), filed.id, now=home.now
            )
        )


def test_nothing_is_filed_about_what_is_not_there(home: Clinic) -> None:
    lin, wei = home.resident(), home.resident()
    theirs = record(home, wei)
    for kind in ("record", "explanation"):
        with pytest.raises(Invalid):
            file(home, lin, theirs, kind=kind)
    assert every(home, lin) == []


def test_the_longest_words_fit_and_every_row_has_one_size(home: Clinic) -> None:
    doctor, resident = signed(home)
    long = file(home, resident, record(home, resident), reason=LONGEST)
    file(home, resident, record(home, resident), reason="x", for_doctor=False)
    assert answer(home, doctor, resident, long.id, reason=LONGEST).reason == LONGEST

    def sizes(conn: Connection) -> set[int]:
        permit = home.own(conn, resident)
        mine = appeals.c.resident_id == permit.subject
        return {len(bytes(row)) for row in conn.scalars(select(appeals.c.sealed_body).where(mine))}

    assert home.read(sizes) == {FRAME + 40}


@pytest.mark.parametrize(
    "changed", [{"for_doctor": True}, {"open": False}, {"due": 1}, {"version": 2}]
)
def test_what_lies_in_the_clear_is_held_against_what_is_sealed(
    home: Clinic, changed: dict[str, Any]
) -> None:
    """Who can write to the database gives no doctor leave, and closes or delays nothing."""
    _, resident = signed(home)
    file(home, resident, record(home, resident), for_doctor=False)

    def forge(conn: Connection) -> None:
        permit = home.own(conn, resident)
        mine = appeals.c.resident_id == permit.subject
        conn.execute(update(appeals).where(mine).values(**changed))

    home.write(forge)
    with pytest.raises(Broken):
        every(home, resident)


def test_an_appeal_of_somebody_else_does_not_open_here(home: Clinic) -> None:
    lin, wei = home.resident(), home.resident()
    first, second = (file(home, who, record(home, who)) for who in (lin, wei))

    def swap(conn: Connection) -> None:
        for who, what, body_ in ((lin, first, rows[1]), (wei, second, rows[0])):
            permit = home.own(conn, who)
            conn.execute(
                update(appeals)
                .where(appeals.c.resident_id == permit.subject, appeals.c.appeal_id == what.id)
                .values(sealed_body=body_)
            )

    def body_of(who: UUID) -> bytes:
        (row,) = home.read(lambda conn: store.of_resident(conn, home.own(conn, who)))
        return bytes(row.sealed_body)

    rows = [body_of(lin), body_of(wei)]
    home.write(swap)
    for who in (lin, wei):
        with pytest.raises(Broken):
            every(home, who)


def test_without_a_permit_no_appeal_is_read(home: Clinic) -> None:
    resident = home.resident()
    filed = file(home, resident, record(home, resident))
    permit = home.read(lambda conn: home.own(conn, resident))
    with pytest.raises(NoPermit):
        home.read(lambda conn: actions.every(conn, home.vault, permit))
    # A withdrawal wins over a permit that was made before it.
    home.write(lambda conn: bump_consent(conn, _asked(home, conn, resident)))
    for look in (
        lambda conn: actions.every(conn, home.vault, permit),
        lambda conn: list(actions.reviews(conn, home.vault, permit)),
    ):
        assert home.read(carrying(permit, look)) == []
    with pytest.raises(NotFound):
        home.read(carrying(permit, lambda conn: actions.one(conn, home.vault, permit, filed.id)))


def _asked(home: Clinic, conn: Connection, resident: UUID) -> UUID:
    return home.own(conn, resident).subject


def test_a_doctor_opens_only_what_they_may_answer(home: Clinic) -> None:
    doctor, resident = signed(home)
    shared = file(home, resident, record(home, resident))
    file(home, resident, record(home, resident), for_doctor=False)
    opened = home.vault.openings

    def look(conn: Connection) -> list[Appeal]:
        seen = actions.waiting_for(conn, home.vault, practitioner=doctor, now=home.now)
        for one in seen:
            opened.keep_back(one.decision.permit)
        return [one.appeal for one in seen]

    assert home.write(look) == [shared]
    home.end(resident)
    assert home.write(look) == []


def test_the_profile_class_is_what_opens_an_appeal() -> None:
    assert frozenset({DataClass.PROFILE}) == actions.READS
    assert body.DAYS == 15
