"""Grants kept opened: the next question opens none, and never decides otherwise for it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection, delete, update

from consent.request import Actor
from consent.vocabulary import Action, ActorKind, DataClass, Purpose
from service.contracts.tables import contracts
from service.grants import actions, body, gate, uses
from service.grants.kept import MOST_GRANTS
from service.grants.tables import grants
from service.keys.vault import Vault
from service.kit.db import Database
from service.kit.errors import IntegrityBroken
from service.residents import actions as residents
from tests.consent_room import Clinic, care_offer
from tests.guarded_room import carrying

BODY, LIFESTYLE, PROFILE = DataClass.BODY, DataClass.LIFESTYLE, DataClass.PROFILE


@pytest.fixture
def here(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(database, keystore_url, tmp_path)
    yield clinic
    clinic.keystore.close()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The residents whose grants were opened, one for each row."""
    seen: list[UUID] = []
    really = body.opened

    def noted(vault: Vault, row: body.store.GrantRow) -> body.Kept:
        seen.append(row.resident_id)
        return really(vault, row)

    monkeypatch.setattr(body, "opened", noted)
    return seen


def signed(here: Clinic, *classes: str) -> tuple[UUID, UUID]:
    """A resident and their doctor, whose grants are kept by now."""
    lin, zhou = here.resident(), here.doctor_named()
    here.sign(lin, zhou, classes or ("body",))
    assert here.asked(zhou, lin).allow
    return lin, zhou


def beside(vault: Vault, resident: UUID) -> bool:
    """Whether anything opened of this resident lies in memory, in use or not."""
    return resident.int in vault._cache._beside


def test_the_second_question_opens_nothing(here: Clinic, opened: list[UUID]) -> None:
    lin, zhou = signed(here)
    before = len(opened)
    assert before > 0
    assert here.asked(zhou, lin).classes == {BODY, PROFILE}
    assert len(opened) == before
    other = here.doctor_named("王医生")
    assert here.asked(other, lin).rule == "no-grant"
    assert here.asked(zhou, here.resident()).rule == "no-grant"


def test_a_practitioner_whose_id_is_none_holds_nothing(here: Clinic) -> None:
    """No such practitioner is in office, whatever a row of grants names."""
    lin, zhou = signed(here)
    change = {"grantee_id": "zhou"}
    here.write(
        lambda conn: conn.execute(
            update(grants).where(grants.c.grantee_id == str(zhou)).values(change)
        )
    )
    decision = here.read(
        lambda conn: gate.admit(
            conn,
            here.vault,
            actor=Actor(ActorKind.PRACTITIONER, "zhou"),
            subject=lin,
            purpose=Purpose.CARE,
            action=Action.READ,
            classes=frozenset({BODY}),
            now=here.now,
        )
    )
    assert (decision.allow, decision.rule) == (False, "no-grant")


def test_a_withdrawal_wins_at_once_here_and_on_another_process(here: Clinic) -> None:
    lin, zhou = signed(here)
    grant = here.give(lin, care_offer(zhou, "lifestyle")).grant.id
    other = here.another_vault()
    for vault in (here.vault, other):
        for _ in range(2):
            assert LIFESTYLE in here.asked(zhou, lin, vault=vault).classes
    here.withdraw(lin, grant)
    assert not beside(here.vault, lin)
    for vault in (here.vault, other):
        assert here.asked(zhou, lin, vault=vault).withheld[LIFESTYLE] == "withdrawn"


def test_a_grant_that_was_given_meanwhile_counts(here: Clinic) -> None:
    lin, zhou = signed(here)
    assert LIFESTYLE not in here.asked(zhou, lin).classes
    here.give(lin, care_offer(zhou, "lifestyle"))
    assert LIFESTYLE in here.asked(zhou, lin).classes


def test_what_was_seen_in_an_undone_transaction_counts_for_nothing(here: Clinic) -> None:
    lin, zhou = signed(here)

    class Undo(Exception):
        pass

    def give_and_fail(conn: Connection) -> None:
        permit = here.manage(conn, lin)
        offer = care_offer(zhou, "lifestyle")
        actions.give(conn, here.vault, permit, offer=offer, now=here.now, stepped_up=True)
        assert LIFESTYLE in here.decided(conn, zhou, lin).classes
        raise Undo

    with pytest.raises(Undo):
        here.write(give_and_fail)
    assert beside(here.vault, lin)
    # The same consent revision is reached again, with another grant.
    here.give(lin, care_offer(zhou, "mental"))
    decision = here.asked(zhou, lin)
    assert LIFESTYLE in decision.withheld
    assert DataClass.MENTAL in decision.classes


def test_time_is_judged_at_each_question(here: Clinic) -> None:
    lin, zhou = signed(here)
    begins, ends = here.now + timedelta(minutes=1), here.now + timedelta(minutes=3)
    here.give(lin, care_offer(zhou, "lifestyle", valid_from=begins, valid_until=ends))
    start = here.now
    for minutes, open_ in ((0, False), (1, True), (2, True), (3, False)):
        here.now = start + timedelta(minutes=minutes)
        assert (LIFESTYLE in here.asked(zhou, lin).classes) is open_, minutes


def test_the_last_use_is_the_last(here: Clinic) -> None:
    lin, zhou = signed(here)
    here.give(lin, care_offer(zhou, "lifestyle", uses=2))

    def look(conn: Connection) -> bool:
        decision = here.decided(conn, zhou, lin, classes=frozenset({LIFESTYLE}))
        if decision.permit is not None:
            uses.spend(conn, here.vault, decision, subject=lin, now=here.now)
        return decision.allow

    assert [here.write(look) for _ in range(4)] == [True, True, False, False]


@pytest.mark.parametrize("column", ["grantee_kind", "sealed_body", "version"])
def test_a_row_that_was_written_into_is_noticed(here: Clinic, column: str) -> None:
    lin, zhou = signed(here)
    other = here.give(lin, care_offer(here.doctor_named("王医生"), "lifestyle"))
    row = here.read(lambda conn: actions.store.one(conn, lin, other.grant.id))
    assert row is not None
    assert here.asked(zhou, lin).allow
    change = {
        "grantee_kind": {"grantee_kind": "clinic", "grantee_id": str(here.clinic_named())},
        "sealed_body": {"sealed_body": row.sealed_body},
        "version": {"version": 9},
    }[column]
    here.write(
        lambda conn: conn.execute(
            update(grants).where(grants.c.grantee_id == str(zhou)).values(change)
        )
    )
    with pytest.raises(IntegrityBroken):
        here.asked(zhou, lin)


@pytest.mark.parametrize("column", ["active", "practitioner_id"])
def test_a_contract_that_was_written_into_opens_nothing(here: Clinic, column: str) -> None:
    """There is a grant beside it, which needs a contract in force with the doctor or the clinic."""
    lin, zhou = signed(here)
    wang = here.doctor_named("王医生", clinic="东区医院")
    for doctor in (zhou, wang):
        here.give(lin, care_offer(doctor, "body"))
    if column == "active":
        here.end(lin)
    asker, change = (zhou, {"active": True})
    if column == "practitioner_id":
        asker, change = (wang, {"practitioner_id": wang})
    assert not here.asked(asker, lin).allow
    here.write(
        lambda conn: conn.execute(
            update(contracts).where(contracts.c.resident_id == lin).values(change)
        )
    )
    for _ in range(2):
        with pytest.raises(IntegrityBroken):
            here.asked(asker, lin)


def test_a_row_that_was_taken_away_opens_nothing(here: Clinic) -> None:
    lin, zhou = signed(here)
    here.write(lambda conn: conn.execute(delete(grants).where(grants.c.resident_id == lin)))
    assert here.asked(zhou, lin).rule == "no-grant"


def test_shredding_takes_what_was_kept_along(here: Clinic) -> None:
    lin, _ = signed(here)
    mei, _ = signed(here)
    assert (beside(here.vault, lin), beside(here.vault, mei)) == (True, True)
    here.vault.shred(lin, now=here.now, reason="asked")
    assert (beside(here.vault, lin), beside(here.vault, mei)) == (False, True)


def test_the_end_of_a_class_takes_what_was_kept_along(here: Clinic) -> None:
    lin, _ = signed(here)
    stone = here.vault.condemn(lin, LIFESTYLE, now=here.now, reason="asked")
    assert not beside(here.vault, lin)
    here.vault.bury(stone)
    assert not beside(here.vault, lin)


def test_nobody_is_let_into_an_erased_file_on_what_was_kept(here: Clinic) -> None:
    lin, zhou = signed(here)
    other = here.another_vault()
    assert here.asked(zhou, lin, vault=other).allow

    def erase(conn: Connection) -> None:
        residents.erase(conn, here.manage(conn, lin))

    here.write(erase)
    here.vault.shred(lin, now=here.now, reason="asked")
    # The other process has not heard of it and holds the grants still.
    assert beside(other, lin)
    assert here.asked(zhou, lin, vault=other).rule == "erased"
    assert here.asked(zhou, lin).rule == "erased"


def test_keys_that_are_evicted_take_what_was_kept_along(here: Clinic) -> None:
    small = Vault(here.keystore, here.keystore.deployment, clock=lambda: here.now, capacity=1)
    lin, zhou = signed(here)
    mei, wang = signed(here)
    assert here.asked(zhou, lin, vault=small).allow
    assert here.asked(wang, mei, vault=small).allow
    assert (beside(small, lin), beside(small, mei)) == (False, True)


def test_very_many_grants_are_not_kept(
    here: Clinic, opened: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.grants.kept.MOST_GRANTS", 1)
    assert MOST_GRANTS > 1
    lin, zhou = signed(here)
    here.give(lin, care_offer(zhou, "lifestyle"))
    here.vault.forget(lin)
    assert here.asked(zhou, lin).allow
    before = len(opened)
    assert here.asked(zhou, lin).allow
    assert len(opened) == before + 2


def test_a_permit_that_somebody_kept_is_void_all_the_same(here: Clinic) -> None:
    lin, zhou = signed(here)
    permit = here.asked(zhou, lin).permit
    assert permit is not None
    here.end(lin)
    looking = carrying(permit, lambda conn: residents.profile(conn, here.vault, permit))
    with pytest.raises(residents.store.Withdrawn):
        here.read(looking)
