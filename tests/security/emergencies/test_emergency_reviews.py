"""What follows an emergency: its review, and a log that could not be written."""

import pytest

from service.audit import actions as audit
from service.breakglass import actions as breakglass
from service.breakglass import store as reviews
from service.kit.errors import Invalid, NotFound
from tests.emergency_room import (
    REASON,
    break_glass,
    look,
    notices,
    ok,
)
from tests.house_room import Person, Town


def test_operators_review_without_the_reason_and_the_resident_hears_the_outcome(
    here: Town, lin: Person, doctor: Person
) -> None:
    house = here.house
    opened = ok(break_glass(here, doctor, lin.id), 201)
    found = house.db.read(lambda conn: reviews.every(conn, closed=False))
    (review,) = [one for one in found if str(one.session_id) == opened["session_id"]]
    assert (str(review.resident_id), str(review.practitioner_id)) == (lin.id, doctor.id)
    assert REASON not in str(found)

    def close(outcome: str, by: str = "审查员甲") -> reviews.Review:
        return house.db.write(
            lambda conn: breakglass.close_review(
                conn,
                house.vault,
                review.review_id,
                outcome=outcome,
                reviewer=by,
                now=house.clock(),
            )
        )

    for wrong in (("fine", "甲"), ("justified", " ")):
        with pytest.raises(Invalid):
            close(*wrong)
    assert close("unjustified").outcome == "unjustified"
    with pytest.raises(NotFound):
        close("justified")
    assert "emergency-unjustified" in {one["kind"] for one in notices(here, lin)}
    left = house.db.read(lambda conn: reviews.every(conn, closed=False))
    assert review.review_id not in {one.review_id for one in left}


def test_a_review_of_somebody_who_left_can_still_be_closed(
    here: Town, lin: Person, doctor: Person
) -> None:
    house = here.house
    opened = ok(break_glass(here, doctor, lin.id), 201)
    ok(here.doors.delete("/v1/me", headers=lin.headers))
    found = house.db.read(lambda conn: reviews.every(conn, closed=False))
    (review,) = [one for one in found if str(one.session_id) == opened["session_id"]]
    closed = house.db.write(
        lambda conn: breakglass.close_review(
            conn,
            house.vault,
            review.review_id,
            outcome="justified",
            reviewer="甲",
            now=house.clock(),
        )
    )
    assert closed.closed_at is not None
    assert look(here, doctor, lin.id).status_code == 404


def test_where_the_notice_cannot_be_written_nothing_is_opened(
    here: Town, lin: Person, doctor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError("no room for a notice")

    with monkeypatch.context() as broken:
        broken.setattr("service.notices.actions.tell", fails)
        assert break_glass(here, doctor, lin.id).status_code == 500
    assert look(here, doctor, lin.id).status_code == 404
    with monkeypatch.context() as broken:
        broken.setattr("service.breakglass.store.add", fails)
        assert break_glass(here, doctor, lin.id).status_code == 500
    assert look(here, doctor, lin.id).status_code == 404
    assert notices(here, lin) == []


def test_where_the_look_cannot_be_logged_nothing_is_shown(
    here: Town, lin: Person, doctor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok(break_glass(here, doctor, lin.id), 201)

    def fails(*_: object, **__: object) -> None:
        raise OSError("no room for an entry")

    with monkeypatch.context() as broken:
        broken.setattr(audit, "append", fails)
        answer = look(here, doctor, lin.id)
    assert answer.status_code == 500
    assert "林梅" not in answer.text
