"""What the gate makes of grants, contracts and standing, on both databases."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, update

from consent.request import Actor
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, DataClass, Purpose
from service.grants import actions, gate, preview, store
from service.grants.tables import grants
from service.grants.terms import Offer, check
from service.kit.db import Database
from service.kit.errors import (
    IntegrityBroken,
    NotFound,
    Refused,
)
from service.residents import actions as residents
from tests.consent_room import Clinic, care_offer, statistics_offer


@pytest.fixture
def here(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(database, keystore_url, tmp_path)
    yield clinic
    clinic.keystore.close()


def test_nobody_is_let_in_by_default(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    decision = here.asked(zhou, lin)
    assert (decision.allow, decision.permit, decision.rule) == (False, None, "no-grant")


def test_a_signed_doctor_gets_the_granted_classes_and_no_others(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    here.sign(lin, zhou, ["body"])
    decision = here.asked(zhou, lin)
    assert decision.classes == {DataClass.BODY, DataClass.PROFILE}
    assert set(decision.withheld) == ALL_CLASSES - decision.classes
    assert set(decision.withheld.values()) == {"no-grant"}
    assert here.asked(here.doctor_named("王医生"), lin).allow is False
    assert here.asked(zhou, here.resident()).allow is False


def test_a_grant_without_a_contract_opens_nothing_for_care(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    here.give(lin, care_offer(zhou))
    assert here.asked(zhou, lin).rule == "no-contract"


def test_reading_is_not_writing(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    signed = here.sign(lin, zhou)
    assert here.asked(zhou, lin, action=Action.WRITE).allow
    assert signed.grant is not None
    here.withdraw(lin, signed.grant.grant.id)
    here.give(lin, care_offer(zhou))
    assert here.asked(zhou, lin).allow
    assert here.asked(zhou, lin, action=Action.WRITE).rule in {"no-grant", "withdrawn"}


def test_deny_all_shuts_out_everybody_but_the_resident(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    here.sign(lin, zhou)
    here.give(lin, statistics_offer())
    here.act(lin, actions.shut_out, on=True, now=here.now)
    assert here.asked(zhou, lin).rule == "deny-all"
    counted = here.read(
        lambda conn: gate.admit_statistics(conn, here.vault, after=None, limit=9, now=here.now)
    )
    assert {decision.rule for decision in counted.values()} == {"deny-all"}
    assert here.read(lambda conn: residents.profile(conn, here.vault, here.manage(conn, lin)))
    here.act(lin, actions.shut_out, on=False, now=here.now)
    assert here.asked(zhou, lin).allow


@pytest.mark.parametrize("column", ["grantee_id", "sealed_body", "version"])
def test_a_row_that_was_tampered_with_opens_nothing(here: Clinic, column: str) -> None:
    lin, zhou, thief = here.resident(), here.doctor_named(), here.doctor_named("贼")
    here.sign(lin, zhou)
    other = here.give(lin, care_offer(thief, "lifestyle"))
    row = here.read(lambda conn: store.one(conn, lin, other.grant.id))
    assert row is not None
    value = {"grantee_id": str(thief), "sealed_body": row.sealed_body, "version": 9}[column]
    here.write(
        lambda conn: conn.execute(
            update(grants).where(grants.c.grantee_id == str(zhou)).values({column: value})
        )
    )
    asking = thief if column == "grantee_id" else zhou
    with pytest.raises(IntegrityBroken):
        here.asked(asking, lin)


def test_a_refusal_names_its_rule_to_those_who_know_the_resident(here: Clinic) -> None:
    lin, zhou, stranger = here.resident(), here.doctor_named(), here.doctor_named("外人")
    signed = here.sign(lin, zhou)
    assert signed.grant is not None
    here.withdraw(lin, signed.grant.grant.id)

    def told(doctor: UUID, resident: UUID) -> Exception:
        def ask(conn: Connection) -> None:
            gate.permit_or_raise(
                conn,
                here.vault,
                actor=Actor(ActorKind.PRACTITIONER, str(doctor)),
                subject=resident,
                purpose=Purpose.CARE,
                action=Action.READ,
                classes=ALL_CLASSES,
                now=here.now,
            )

        with pytest.raises((Refused, NotFound)) as error:
            here.read(ask)
        return error.value

    known = told(zhou, lin)
    assert isinstance(known, Refused)
    assert (known.rule, bool(known.sentence.zh), bool(known.sentence.en)) == (
        "withdrawn",
        True,
        True,
    )
    assert type(told(stranger, lin)) is type(told(stranger, uuid4())) is NotFound


def test_own_record_costs_one_statement_and_a_doctors_look_two(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'kangma.db'}")
    here = Clinic(database, f"sqlite:///{tmp_path / 'keys.db'}", tmp_path)
    lin, zhou = here.resident(), here.doctor_named()
    here.sign(lin, zhou)

    def counted(ask: Callable[[Connection], Any]) -> int:
        def job(conn: Connection) -> int:
            # Every statement ends at the driver, whichever way it was prepared.
            driver: Any = conn.connection.dbapi_connection
            seen: list[str] = []
            driver.set_trace_callback(seen.append)
            ask(conn)
            driver.set_trace_callback(None)
            return sum(text.startswith("SELECT") for text in seen)

        return database.read(job)

    def look(conn: Connection) -> None:
        gate.admit(
            conn,
            here.vault,
            actor=Actor(ActorKind.PRACTITIONER, str(zhou)),
            subject=lin,
            purpose=Purpose.CARE,
            action=Action.READ,
            classes=ALL_CLASSES,
            now=here.now,
        )

    assert counted(lambda conn: here.manage(conn, lin)) == 1
    assert counted(look) == 2
    database.close()
    here.keystore.close()


def test_a_panel_is_decided_as_each_resident_alone(here: Clinic) -> None:
    zhou, wang = here.doctor_named(), here.doctor_named("王医生")
    people = [here.resident() for _ in range(6)]
    for person in people[:4]:
        here.sign(person, zhou, ["body"] if person == people[0] else ["body", "lifestyle"])
    here.sign(people[4], wang)
    signed = here.act(people[1], actions.every)[0]
    here.withdraw(people[1], signed.grant.id)
    here.act(people[2], actions.shut_out, on=True, now=here.now)
    panel = here.read(
        lambda conn: gate.admit_panel(conn, here.vault, practitioner=zhou, now=here.now)
    )
    assert set(panel) == set(people[:4])
    for person, decision in panel.items():
        alone = here.asked(zhou, person)
        assert (decision.allow, decision.classes) == (alone.allow, alone.classes)
    assert [panel[person].allow for person in people[:4]] == [True, False, False, True]


def test_statistics_grants_are_found_in_pages(here: Clinic) -> None:
    people = sorted((here.resident() for _ in range(5)), key=lambda one: one.bytes)
    for person in people[:4]:
        here.give(person, statistics_offer())
    kept = here.act(people[1], actions.every)[0]
    here.withdraw(people[1], kept.grant.id)

    def after(last: UUID | None) -> list[UUID]:
        found = here.read(
            lambda conn: gate.admit_statistics(conn, here.vault, after=last, limit=2, now=here.now)
        )
        assert all(decision.permit is not None for decision in found.values())
        return list(found)

    assert after(None) == [people[0], people[2]]
    assert after(people[2]) == [people[3]]
    assert after(people[3]) == []


def test_who_sees_what_is_what_the_gate_decides(here: Clinic) -> None:
    lin, zhou, wang = here.resident(), here.doctor_named(), here.doctor_named("王医生")
    here.sign(lin, zhou, ["body"])
    here.give(lin, statistics_offer())

    def sights(proposed: Offer | None = None) -> list[preview.Sight]:
        terms = None if proposed is None else check(proposed, now=here.now)
        return here.act(lin, preview.who_sees_what, proposed=terms, now=here.now)

    found = {(one.grantee.id, one.action): one.decision for one in sights()}
    assert found[str(zhou), Action.READ].classes == here.asked(zhou, lin).classes
    counted = found["statistics", Action.AGGREGATE].classes
    assert counted == {DataClass.PROFILE, DataClass.BODY, DataClass.LIFESTYLE}
    assert (str(wang), Action.READ) not in found
    # Nobody is looking, so nobody holds a permit.
    assert all(decision.permit is None for decision in found.values())
    wider = {
        (one.grantee.id, one.action): one.decision for one in sights(care_offer(zhou, "mental"))
    }
    assert DataClass.MENTAL in wider[str(zhou), Action.READ].classes
    assert here.asked(zhou, lin).classes == found[str(zhou), Action.READ].classes
    here.act(lin, actions.shut_out, on=True, now=here.now)
    assert {one.decision.rule for one in sights()} == {"deny-all"}


@pytest.mark.parametrize("erased", [0, 1])
def test_entering_looks_at_ones_own_standing_and_no_other(here: Clinic, erased: int) -> None:
    both = [here.resident(), here.resident()]
    gone, stays = both[erased], both[1 - erased]
    here.write(
        lambda conn: residents.erase(
            conn,
            gate.own(
                conn,
                here.vault,
                resident=gone,
                action=Action.ERASE,
                now=here.now,
                stepped_up=True,
            ),
        )
    )

    def enter(resident: UUID) -> UUID:
        permit, _ = here.write(
            lambda conn: gate.enter(conn, here.vault, resident=resident, now=here.now)
        )
        return permit.subject

    assert enter(stays) == stays
    with pytest.raises(NotFound):
        enter(gone)
