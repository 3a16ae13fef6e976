"""What a resident ended is not opened anew for a day: by whom, by whose clinic, and until when."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from consent.decision import Decision
from service.breakglass import actions
from service.identity import actions as identity
from service.identity import store
from service.kit.audience import speaking_for
from tests.conftest import MovingClock
from tests.emergency_room import (
    again,
    break_glass,
    ok,
    stranger,
)
from tests.house_room import Person, Town

DAY = timedelta(hours=24)


def colleague_elsewhere(here: Town) -> Person:
    """A doctor of another clinic, signed in with two proofs."""
    doctor = stranger(here)
    with speaking_for("operator"):
        here.house.db.write(
            lambda conn: identity.move_practitioner(
                conn,
                UUID(doctor.id),
                clinic=f"clinic {doctor.login}",
                role="family-doctor",
                now=here.house.clock(),
            )
        )
    return doctor


def ended(here: Town, who: Person, session: str) -> None:
    ok(here.doors.delete(f"/v1/me/emergency/{session}", headers=who.headers))


@pytest.mark.parametrize("closed_first", [False, True])
def test_what_the_resident_ended_their_clinic_does_not_open_anew_for_a_day(
    here: Town, lin: Person, doctor: Person, clock: MovingClock, *, closed_first: bool
) -> None:
    start = clock.now
    try:
        opened = ok(break_glass(here, doctor, lin.id), 201)
        if closed_first:
            address = f"/v1/doctor/patients/{lin.id}/emergency"
            ok(here.doors.delete(address, headers=doctor.headers))
        ended(here, lin, opened["session_id"])
        for who in (doctor, stranger(here)):
            refused = ok(break_glass(here, who, lin.id), 403)
            assert refused["rule"] == "break-glass-resting"
            assert refused["advice"]
        # Whoever is called to the resident elsewhere is not shut out by it.
        ok(break_glass(here, colleague_elsewhere(here), lin.id), 201)
        clock.now = start + DAY - timedelta(seconds=1)
        assert ok(break_glass(here, here.strong(doctor), lin.id), 403)["rule"] == (
            "break-glass-resting"
        )
        clock.now = start + DAY
        # Ending the same one again begins no second rest.
        ended(here, again(here, clock, lin), opened["session_id"])
        ok(break_glass(here, here.strong(doctor), lin.id), 201)
    finally:
        clock.now = start


def test_a_rest_follows_the_clinic_where_the_glass_was_broken(
    here: Town, lin: Person, doctor: Person
) -> None:
    """Not the one where its practitioner works by now; the practitioner rests wherever they go."""
    moved = colleague_elsewhere(here)
    opened = ok(break_glass(here, doctor, lin.id), 201)
    with speaking_for("operator"):
        known = here.house.db.read(lambda conn: store.practitioner(conn, UUID(moved.id)))
        assert known is not None
        here.house.db.write(
            lambda conn: identity.move_practitioner(
                conn,
                UUID(doctor.id),
                clinic=known.clinic,
                role="family-doctor",
                now=here.house.clock(),
            )
        )
    ended(here, lin, opened["session_id"])
    ok(break_glass(here, moved, lin.id), 201)
    for who in (doctor, stranger(here)):
        assert ok(break_glass(here, who, lin.id), 403)["rule"] == "break-glass-resting"


def test_the_resident_may_let_them_in_again(here: Town, lin: Person, doctor: Person) -> None:
    opened = ok(break_glass(here, doctor, lin.id), 201)
    ended(here, lin, opened["session_id"])
    ok(here.doors.put("/v1/me/emergency", json={"allowed": True}, headers=lin.headers))
    ok(break_glass(here, doctor, lin.id), 201)


def test_an_opening_that_raced_with_the_resident_is_refused(
    here: Town, lin: Person, doctor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was decided before the resident ended the session is decided anew behind their row."""
    opened = ok(break_glass(here, doctor, lin.id), 201)
    first = actions.foreseen
    early: list[Decision] = []

    def foreseen(*args: Any, **asked: Any) -> Decision:
        """The first answer is from a moment before the resident ended it."""
        decision = first(*args, **asked)
        if not early:
            early.append(replace(decision, allow=True, rule="break-glass"))
            return early[0]
        return decision

    ended(here, lin, opened["session_id"])
    monkeypatch.setattr(actions, "foreseen", foreseen)
    assert ok(break_glass(here, doctor, lin.id), 403)["rule"] == "break-glass-resting"
