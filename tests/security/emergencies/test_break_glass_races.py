"""What a resident ended while their doctor was about to close it or to look: two processes.

One process stops right before it takes the resident's row, or in the middle of a decision; the
resident ends the session through the other, and that is committed.
"""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection

from consent.vocabulary import Action
from service.breakglass import actions
from service.emergencies import actions as emergencies
from service.grants import gate, kept
from service.house import build
from service.kit.audience import speaking_for
from service.residents import store as residents
from tests.emergency_room import break_glass, look, ok
from tests.house_room import Person, Town

End = Callable[[str, str], None]


@pytest.fixture
def end(here: Town) -> Iterator[End]:
    """How a resident ends a session through another process."""
    if here.house.db.dialect == "sqlite":
        pytest.skip("SQLite has one writer at a time: nothing is committed meanwhile")
    there = build(here.house.settings, clock=here.house.clock, desk=True)

    def ended(who: str, session: str) -> None:
        now, vault, resident = there.clock(), there.vault, UUID(who)

        def job(conn: Connection) -> None:
            permit = gate.own(conn, vault, resident=resident, action=Action.MANAGE, now=now)
            actions.close(conn, vault, permit, UUID(session), now=now)

        with speaking_for("resident"):
            there.db.write(job)

    yield ended
    there.close()


def test_a_doctor_does_not_close_what_the_resident_ended_meanwhile(
    here: Town, lin: Person, doctor: Person, end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be closed by the doctor then, after whom no rest begins."""
    session = ok(break_glass(here, doctor, lin.id), 201)["session_id"]
    bump = residents.bump_consent

    def late(*given: Any) -> int:
        monkeypatch.setattr(residents, "bump_consent", bump)
        end(lin.id, session)
        return bump(*given)

    monkeypatch.setattr(residents, "bump_consent", late)
    address = f"/v1/doctor/patients/{lin.id}/emergency"
    ok(here.doors.delete(address, headers=doctor.headers), 404)
    assert ok(break_glass(here, doctor, lin.id), 403)["rule"] == "break-glass-resting"


def test_a_resident_who_ends_what_the_doctor_closed_meanwhile_has_their_rest(
    here: Town, lin: Person, doctor: Person, end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = ok(break_glass(here, doctor, lin.id), 201)["session_id"]
    address = f"/v1/doctor/patients/{lin.id}/emergency"
    bump = residents.bump_consent

    def late(*given: Any) -> int:
        monkeypatch.setattr(residents, "bump_consent", bump)
        ok(here.doors.delete(address, headers=doctor.headers))
        return bump(*given)

    monkeypatch.setattr(residents, "bump_consent", late)
    end(lin.id, session)
    # Who closed it is not rewritten, and the rest begins all the same.
    found = kept_session(here, lin, session)
    assert (found.closed_by, found.ended_at) == ("doctor", here.house.clock())
    assert ok(break_glass(here, doctor, lin.id), 403)["rule"] == "break-glass-resting"


def kept_session(here: Town, who: Person, session: str) -> emergencies.Session:
    def job(conn: Connection) -> emergencies.Session | None:
        gate.own(
            conn,
            here.house.vault,
            resident=UUID(who.id),
            action=Action.MANAGE,
            now=here.house.clock(),
        )
        return emergencies.one(conn, here.house.vault, UUID(who.id), UUID(session))

    with speaking_for("resident"):
        found = here.house.db.read(job)
    assert found is not None
    return found


def test_a_session_that_ends_before_the_standing_is_read_opens_nothing(
    here: Town, lin: Person, doctor: Person, end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The permit would name the revision after the end, which the statements that read ask for."""
    session = ok(break_glass(here, doctor, lin.id), 201)["session_id"]
    assert look(here, doctor, lin.id).status_code == 200
    facing, asked = kept.facing, []

    def late(*given: Any) -> Any:
        # The first question is asked for care, and tells that there is an emergency.
        asked.append(given)
        if len(asked) == 2:
            end(lin.id, session)
        return facing(*given)

    monkeypatch.setattr(kept, "facing", late)
    refused = ok(look(here, doctor, lin.id), 403)
    assert len(asked) >= 2
    assert refused["rule"] == "break-glass-over"


def test_a_session_that_ends_after_it_was_read_opens_nothing(
    here: Town, lin: Person, doctor: Person, end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = ok(break_glass(here, doctor, lin.id), 201)["session_id"]
    of_pair = emergencies.of_pair

    def late(*given: Any) -> Any:
        found = of_pair(*given)
        monkeypatch.setattr(emergencies, "of_pair", of_pair)
        end(lin.id, session)
        return found

    monkeypatch.setattr(emergencies, "of_pair", late)
    assert ok(look(here, doctor, lin.id), 403)["rule"] == "withdrawn"
