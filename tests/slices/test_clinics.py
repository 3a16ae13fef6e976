"""Clinics and roles on both databases: who is of them, and what a grant to them opens."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from uuid import UUID

import pytest
from sqlalchemy import Connection

from consent.vocabulary import ALL_CLASSES, DataClass
from service.clinics import actions as clinics
from service.clinics import store
from service.grants import actions as grants
from service.grants.terms import Offer
from service.identity import actions as people
from service.kit.db import Database
from service.kit.errors import Invalid, NotFound
from service.panel import actions as panel
from tests.consent_room import Clinic
from tests.meanwhile import ONE_WRITER, PATIENCE, Meanwhile
from tests.record_room import REGIONS, pressure

RIVER, HILL = "河街卫生站", "山上卫生站"


@pytest.fixture
def here(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(database, keystore_url, tmp_path)
    yield clinic
    clinic.keystore.close()


def offer(
    here: Clinic, *classes: str, role: str = "", clinic: str = RIVER, **more: object
) -> Offer:
    """An offer to everybody of a clinic, or to a role there."""
    name = str(here.clinic_named(clinic))
    kind = "role" if role else "clinic"
    terms: dict[str, object] = {
        "grantee_kind": kind,
        "grantee_id": f"{name}:{role}" if role else name,
        "purposes": ["care"],
        "data_classes": list(classes),
        "separate_consent": True,
    }
    return Offer(**terms | more)  # type: ignore[arg-type]  # a test may give any term


def opened(here: Clinic, doctor: UUID, resident: UUID) -> frozenset[DataClass]:
    return here.asked(doctor, resident).classes


def on_panel(here: Clinic, doctor: UUID) -> dict[UUID, int | None]:
    """Residents on the panel with the level shown of them."""
    rows = here.write(
        lambda conn: panel.rows(
            conn, here.vault, practitioner=doctor, regions=REGIONS, now=here.now
        )
    )
    return {row.resident: row.card.level for row in rows}


def test_a_clinic_is_one_in_every_spelling_of_its_name(here: Clinic) -> None:
    names = ["河街 卫生站", "  河街  卫生站 ", "河街　卫生站", "River  St", "river st", "RIVER ST"]
    found = [here.write(lambda conn, n=name: clinics.find_or_make(conn, n)) for name in names]
    assert len({one.clinic_id for one in found}) == 2
    assert found[1].name == "河街 卫生站"
    with pytest.raises(Invalid):
        here.write(lambda conn: clinics.find_or_make(conn, "  "))
    with pytest.raises(Invalid):
        here.write(
            lambda conn: clinics.take_post(
                conn, UUID(int=1), clinic=found[0], role="manager", now=here.now
            )
        )


def test_a_colleague_reads_exactly_what_the_clinics_grant_opens(here: Clinic) -> None:
    lin, zhou, wang = (
        here.resident(),
        here.doctor_named(),
        here.doctor_named("王护士", role="nurse"),
    )
    stranger = here.doctor_named("外人", clinic=HILL)
    here.sign(lin, zhou, ["body", "screening"])
    assert opened(here, wang, lin) == set()
    here.give(lin, offer(here, "profile", "body"))
    assert opened(here, wang, lin) == {DataClass.PROFILE, DataClass.BODY}
    assert here.asked(wang, lin).rule == "clinic-grant"
    assert opened(here, stranger, lin) == set()
    assert DataClass.SCREENING in opened(here, zhou, lin)


def test_a_role_is_only_of_its_clinic(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    nurse = here.doctor_named("王护士", role="nurse")
    other = here.doctor_named("李护士", role="nurse", clinic=HILL)
    public = here.doctor_named("赵", role="public-health")
    here.sign(lin, zhou, ["body"])
    here.give(lin, offer(here, "lifestyle", role="nurse"))
    assert opened(here, nurse, lin) == {DataClass.LIFESTYLE}
    assert opened(here, other, lin) == opened(here, public, lin) == set()
    assert here.asked(nurse, lin).rule == "role-grant"


def test_care_by_a_clinic_needs_a_contract_with_somebody_of_it(here: Clinic) -> None:
    lin, zhou, wang = here.resident(), here.doctor_named(), here.doctor_named("王医生")
    here.give(lin, offer(here, "profile"))
    assert here.asked(wang, lin).rule == "no-contract"
    here.sign(lin, zhou, ["body"])
    assert here.asked(wang, lin).allow
    # The doctor whom the resident signed with goes elsewhere, and with them the contract.
    here.move(zhou, HILL)
    assert here.asked(wang, lin).rule == "no-contract"
    here.move(zhou, RIVER)
    assert here.asked(wang, lin).allow
    here.end(lin)
    assert here.asked(wang, lin).rule == "no-contract"


@pytest.mark.parametrize("how", ["moves", "another role", "disabled"])
def test_the_next_request_knows_where_somebody_works(
    here: Clinic, how: str, database_url: str
) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    nurse = here.doctor_named("王护士", role="nurse")
    here.log(lin, pressure(192, 118))
    here.sign(lin, zhou, ["body"])
    here.give(lin, offer(here, "profile", "body", role="nurse"))
    elsewhere = Database(database_url)
    vault = here.another_vault()

    def asked() -> frozenset[DataClass]:
        return here.asked(nurse, lin, database=elsewhere, vault=vault).classes

    assert asked() == {DataClass.PROFILE, DataClass.BODY}
    assert on_panel(here, nurse) == {lin: 5}
    if how == "moves":
        here.move(nurse, HILL, "nurse")
    elif how == "another role":
        here.move(nurse, RIVER, "public-health")
    else:
        here.write(lambda conn: people.disable_practitioner(conn, nurse, now=here.now))
    assert asked() == set()
    assert on_panel(here, nurse) == {}
    elsewhere.close()


def test_a_disabled_doctor_holds_nothing_that_was_granted(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    here.sign(lin, zhou, ["body"])
    assert here.asked(zhou, lin).allow
    here.write(lambda conn: people.disable_practitioner(conn, zhou, now=here.now))
    assert here.asked(zhou, lin).rule == "no-grant"
    with pytest.raises(Invalid):
        here.sign(here.resident(), zhou, ["body"])


def test_a_contract_with_somebody_who_left_is_none_with_the_clinic(here: Clinic) -> None:
    lin, zhou, wang = here.resident(), here.doctor_named(), here.doctor_named("王医生")
    here.sign(lin, zhou, ["body"])
    here.give(lin, offer(here, "profile"))
    assert on_panel(here, wang) == {lin: None}
    here.write(lambda conn: people.disable_practitioner(conn, zhou, now=here.now))
    assert here.asked(wang, lin).rule == "no-contract"
    assert on_panel(here, wang) == {}
    assert here.read(lambda conn: store.post_at(conn, zhou, here.now)) is None


def test_a_panel_holds_the_clinics_residents_and_shows_what_each_grant_opens(here: Clinic) -> None:
    zhou, wang = here.doctor_named(), here.doctor_named("王医生")
    shared, narrow, own, private = (here.resident() for _ in range(4))
    for person in (shared, narrow, own, private):
        here.log(person, pressure(192, 118))
    for person in (shared, narrow, private):
        here.sign(person, zhou, ["body"])
    here.sign(own, wang, ["body"])
    here.give(shared, offer(here, "profile", "body"))
    here.give(narrow, offer(here, "profile"))
    assert on_panel(here, wang) == {shared: 5, narrow: None, own: 5}
    assert on_panel(here, zhou) == {shared: 5, narrow: 5, private: 5}
    here.end(shared)
    assert on_panel(here, wang) == {narrow: None, own: 5}


def test_a_card_of_the_wider_role_is_not_shown_in_the_narrower(here: Clinic) -> None:
    """Both roles see the name, so a card that was kept would be shown with the level on it."""
    lin, zhou = here.resident(), here.doctor_named()
    nurse = here.doctor_named("王护士", role="nurse")
    here.log(lin, pressure(192, 118))
    here.sign(lin, zhou, ["body"])
    here.give(lin, offer(here, "profile", "body", role="nurse"))
    here.give(lin, offer(here, "profile"))
    assert on_panel(here, nurse) == {lin: 5}
    here.move(nurse, RIVER, "public-health")
    assert on_panel(here, nurse) == {lin: None}


def test_a_card_loses_its_level_when_the_grant_of_it_runs_out(here: Clinic) -> None:
    lin, zhou, wang = here.resident(), here.doctor_named(), here.doctor_named("王医生")
    here.log(lin, pressure(192, 118))
    here.sign(lin, zhou, ["body"])
    here.give(lin, offer(here, "profile"))
    until = here.now + timedelta(minutes=1)
    here.give(lin, offer(here, "profile", "body", valid_until=until))
    assert on_panel(here, wang) == {lin: 5}
    here.now = until
    assert on_panel(here, wang) == {lin: None}


def test_a_clinic_can_be_shut_out_as_a_whole(here: Clinic) -> None:
    lin, zhou, wang = here.resident(), here.doctor_named(), here.doctor_named("王医生")
    here.sign(lin, zhou, ["body"])
    here.give(lin, offer(here, "profile"))
    deny = here.give(lin, offer(here, deny=True, purposes=[], separate_consent=[]))
    for doctor in (zhou, wang):
        decision = here.asked(doctor, lin)
        assert (decision.allow, set(decision.withheld.values())) == (False, {"explicit-deny"})
        assert on_panel(here, doctor) == {}
    here.withdraw(lin, deny.grant.id)
    assert here.asked(wang, lin).allow
    assert on_panel(here, zhou) == {lin: None}


@pytest.mark.parametrize("id", ["no-clinic", "", ":nurse", f"{UUID(int=7)}"])
def test_a_grant_to_no_clinic_is_refused(here: Clinic, id: str) -> None:
    lin = here.resident()
    wish = Offer("clinic", id, ["care"], ["profile"])
    with pytest.raises(Invalid):
        here.give(lin, wish)
    with pytest.raises(Invalid):
        here.give(lin, Offer("role", f"{here.clinic_named()}:director", ["care"], ["profile"]))
    assert here.act(lin, grants.every) == []


def test_posts_of_the_past_are_kept(here: Clinic) -> None:
    zhou, start = here.doctor_named(), here.now
    here.now += timedelta(days=1)
    here.move(zhou, HILL, "nurse")

    def at(moment: datetime) -> tuple[UUID, str] | None:
        post = here.read(lambda conn: store.post_at(conn, zhou, moment))
        return None if post is None else (post.clinic_id, post.role)

    assert at(start - timedelta(microseconds=1)) is None
    assert at(start) == (here.clinic_named(RIVER), "family-doctor")
    assert at(here.now - timedelta(microseconds=1)) == at(start)
    assert at(here.now) == (here.clinic_named(HILL), "nurse")
    assert at(datetime(2100, 1, 1, tzinfo=UTC)) == at(here.now)


def test_classes_of_a_clinic_grant_are_in_force_for_nobody_outside(here: Clinic) -> None:
    """A caller that says it is of the clinic is not believed: the store is asked."""
    lin, zhou = here.resident(), here.doctor_named()
    stranger = here.doctor_named("外人", clinic=HILL)
    here.sign(lin, zhou, ["body"])
    here.give(lin, offer(here, "profile"))
    claimed = here.asked(stranger, lin, clinic=str(here.clinic_named(RIVER)))
    assert (claimed.allow, set(claimed.withheld)) == (False, set(ALL_CLASSES))


def test_who_is_disabled_while_they_are_moved_works_nowhere_ever_after(
    here: Clinic, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One operator has seen that somebody is in office, and another disables them just then."""
    if here.database.dialect == "sqlite":
        pytest.skip(ONE_WRITER)
    zhou, other = here.doctor_named(), Database(database_url)
    moved = here.now + timedelta(seconds=1)

    def disable(conn: Connection) -> None:
        people.disable_practitioner(conn, zhou, now=here.now + timedelta(milliseconds=500))

    disabling = Meanwhile(other.engine, lambda: other.write(disable))
    monkeypatch.setattr(clinics, "take_post", disabling.before(clinics.take_post))
    with suppress(NotFound):
        here.write(
            lambda conn: people.move_practitioner(conn, zhou, clinic=HILL, role="nurse", now=moved)
        )
    disabling.result()
    other.close()
    later = moved + timedelta(days=1)
    assert here.read(lambda conn: store.post_at(conn, zhou, later)) is None


def test_a_look_within_a_move_leaves_nothing_of_the_old_post(
    here: Clinic, database_url: str
) -> None:
    """A card is made that the move does not find, and looked at before the move is committed."""
    if here.database.dialect == "sqlite":
        pytest.skip(ONE_WRITER)
    lin, zhou = here.resident(), here.doctor_named()
    nurse = here.doctor_named("王护士", role="nurse")
    here.log(lin, pressure(192, 118))
    here.sign(lin, zhou, ["body"])
    here.give(lin, offer(here, "profile", "body", role="nurse"))
    here.give(lin, offer(here, "profile"))
    other = Database(database_url)
    here.now += timedelta(seconds=1)

    def move(conn: Connection) -> None:
        people.move_practitioner(conn, nurse, clinic=RIVER, role="public-health", now=here.now)
        panel.clear(conn, nurse)
        cleared.set()
        # What the first look made is committed by now, and the move is not.
        looking.wait(PATIENCE)
        assert on_panel(here, nurse) == {lin: 5}

    def look(conn: Connection) -> None:
        panel.rows(conn, here.vault, practitioner=nurse, regions=REGIONS, now=here.now)
        made.set()
        cleared.wait(PATIENCE)

    made, cleared, looking = Event(), Event(), Event()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(copy_context().run, lambda: here.write(look))
        made.wait(PATIENCE)
        moving = pool.submit(copy_context().run, lambda: other.write(move))
        first.result(PATIENCE)
        looking.set()
        moving.result(PATIENCE)
    other.close()
    assert on_panel(here, nurse) == {lin: None}
