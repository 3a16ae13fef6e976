"""Giving, changing and withdrawing grants, and what the gate makes of them, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from consent.vocabulary import DataClass
from service.grants import actions, store
from service.grants.tables import grants
from service.grants.terms import Offer
from service.kit import caps
from service.kit.db import Database
from service.kit.errors import (
    Conflict,
    Invalid,
    NotFound,
    StepUpRequired,
)
from service.residents import actions as residents
from service.residents import store as states
from tests.consent_room import Clinic, care_offer, statistics_offer
from tests.guarded_room import carrying


@pytest.fixture
def here(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(database, keystore_url, tmp_path)
    yield clinic
    clinic.keystore.close()


def revision(here: Clinic, resident: UUID) -> int:
    return here.read(lambda conn: here.revision(conn, resident))


def kept_rows(here: Clinic) -> int:
    return here.read(
        lambda conn: conn.execute(select(func.count()).select_from(grants)).scalar_one()
    )


def test_a_grant_is_shown_in_the_shape_of_the_contract(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    until = here.now + timedelta(days=30)
    offer = care_offer(
        zhou, "screening", "body", valid_until=until, observations_from=date(2026, 1, 1)
    )
    shown = actions.shown(here.give(lin, offer), here.now)
    assert dict(shown) | {"id": ""} == {
        "id": "",
        "grantee": {"kind": "practitioner", "id": str(zhou)},
        "purposes": ["care"],
        "data_classes": ["body", "screening"],
        "actions": ["read"],
        "observations_from": date(2026, 1, 1),
        "observations_to": None,
        "valid_from": here.now,
        "valid_until": until,
        "separate_consent": ["body", "screening"],
        "uses_left": None,
        "deny": False,
        "status": "active",
        "notice": "care",
        "notice_version": "4",
        "needs_renewal": False,
        "renew_by": None,
    }


def test_a_statistics_grant_may_only_aggregate(here: Clinic) -> None:
    kept = here.give(here.resident(), statistics_offer())
    shown = actions.shown(kept, here.now)
    assert shown["grantee"] == {"kind": "service", "id": "statistics"}
    assert shown["actions"] == ["aggregate"]
    assert shown["separate_consent"] == ["body"]


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"data_classes": ["body", "aura"]}, {"/data_classes/1"}),
        ({"data_classes": []}, {"/data_classes"}),
        ({"purposes": ["marketing"]}, {"/purposes/0"}),
        ({"purposes": []}, {"/purposes"}),
        ({"purposes": ["statistics"]}, {"/purposes"}),
        ({"actions": ["read", "sell"]}, {"/actions/1"}),
        ({"actions": ["erase"]}, {"/actions"}),
        ({"separate_consent": []}, {"/separate_consent"}),
        ({"separate_consent": ["screening"]}, {"/separate_consent"}),
        ({"separate_consent": ["aura", "body"]}, {"/separate_consent/0"}),
        ({"grantee_id": "nobody"}, {"/grantee"}),
        ({"grantee_kind": "city"}, {"/grantee"}),
        ({"grantee_kind": "service"}, {"/grantee"}),
        ({"grantee_id": str(uuid4())}, {"/grantee/id"}),
        (
            {"observations_from": date(2026, 2, 1), "observations_to": date(2026, 1, 1)},
            {"/observations_to"},
        ),
    ],
)
def test_what_cannot_be_granted_is_named_and_nothing_is_kept(
    here: Clinic, change: dict[str, Any], pointers: set[str]
) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    before = revision(here, lin)
    with pytest.raises(Invalid) as told:
        here.give(lin, replace(care_offer(zhou, "body"), **change))
    assert {fault.pointer for fault in told.value.faults} == pointers
    assert kept_rows(here) == 0
    assert revision(here, lin) == before


def test_an_end_in_the_past_or_before_the_beginning_is_refused(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    hour = timedelta(hours=1)
    for more in (
        {"valid_until": here.now},
        {"valid_from": here.now + hour, "valid_until": here.now + hour / 2},
        {"valid_from": here.now - 2 * hour, "valid_until": here.now - hour},
    ):
        with pytest.raises(Invalid) as told:
            here.give(lin, care_offer(zhou, "body", **more))
        assert [fault.pointer for fault in told.value.faults] == ["/valid_until"]


def test_a_class_of_grade_five_needs_a_fresh_sign_in(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    with pytest.raises(StepUpRequired):
        here.give(lin, care_offer(zhou, "genetic"), stepped_up=False)
    assert kept_rows(here) == 0
    assert here.give(lin, care_offer(zhou, "genetic")).grant.data_classes == {DataClass.GENETIC}
    assert here.give(lin, care_offer(zhou, "mental"), stepped_up=False)


def test_every_change_voids_the_permits_made_before(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()

    def stale_after(change: Any) -> None:
        permit = here.read(lambda conn: here.manage(conn, lin))
        change()
        with pytest.raises(states.Withdrawn):
            here.read(carrying(permit, lambda conn: residents.profile(conn, here.vault, permit)))

    given: list[UUID] = []
    stale_after(lambda: given.append(here.give(lin, care_offer(zhou)).grant.id))
    stale_after(
        lambda: here.act(
            lin, actions.change, given[0], offer=care_offer(zhou, "body"), now=here.now
        )
    )
    stale_after(lambda: here.withdraw(lin, given[0]))
    stale_after(lambda: here.act(lin, actions.shut_out, on=True, now=here.now))
    stale_after(lambda: here.sign(lin, zhou))
    stale_after(lambda: here.end(lin))


def test_nobody_has_grants_without_end_but_may_always_refuse(
    here: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(caps.CAPS, "grants", caps.CAPS["grants"]._replace(most=2))
    lin, wei, zhou = here.resident(), here.resident(), here.doctor_named()
    first = here.give(lin, care_offer(zhou))
    here.give(lin, care_offer(zhou))
    with pytest.raises(Conflict) as refused:
        here.give(lin, care_offer(zhou))
    assert refused.value.code == "too-many"
    here.give(wei, care_offer(zhou))
    here.give(lin, replace(care_offer(zhou), deny=True))
    here.withdraw(lin, first.grant.id)
    with pytest.raises(Conflict):
        here.give(lin, care_offer(zhou))
    (second, *_) = [one for one in here.act(lin, actions.every) if not one.withdrawn]
    here.withdraw(lin, second.grant.id)
    here.give(lin, care_offer(zhou))


def test_withdrawing_twice_is_withdrawing_once(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    signed = here.sign(lin, zhou)
    assert signed.grant is not None
    first = here.withdraw(lin, signed.grant.grant.id)
    at = revision(here, lin)
    here.now += timedelta(minutes=1)
    assert here.withdraw(lin, signed.grant.grant.id) == first
    assert revision(here, lin) == at
    assert here.asked(zhou, lin).rule == "withdrawn"


def test_another_residents_grant_is_not_found(here: Clinic) -> None:
    lin, wang, zhou = here.resident(), here.resident(), here.doctor_named()
    kept = here.give(lin, care_offer(zhou))
    with pytest.raises(NotFound):
        here.withdraw(wang, kept.grant.id)
    assert here.act(wang, actions.every) == []
    assert [one.grant.id for one in here.act(lin, actions.every)] == [kept.grant.id]


def test_a_change_keeps_grantee_and_id_and_a_withdrawn_grant_stays_withdrawn(here: Clinic) -> None:
    lin, zhou, wang = here.resident(), here.doctor_named(), here.doctor_named("王医生")
    kept = here.give(lin, care_offer(zhou))

    def change(offer: Offer) -> Any:
        return here.act(lin, actions.change, kept.grant.id, offer=offer, now=here.now)

    changed = change(care_offer(zhou, "lifestyle"))
    assert (changed.grant.id, changed.grant.version) == (kept.grant.id, 2)
    assert changed.grant.data_classes == {DataClass.LIFESTYLE}
    assert [event.what for event in changed.events] == ["given", "changed"]
    with pytest.raises(Invalid):
        change(care_offer(wang))
    here.withdraw(lin, kept.grant.id)
    with pytest.raises(Conflict):
        change(care_offer(zhou))


def test_no_word_of_a_grant_stands_in_the_clear(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    here.sign(lin, zhou, ["infectious", "body"])
    row = here.read(lambda conn: store.of_resident(conn, lin))[0]
    for word in (b"infectious", b"body", b"care-contract", b"read"):
        assert word not in row.sealed_body
