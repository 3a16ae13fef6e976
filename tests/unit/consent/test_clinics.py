"""Grants to a clinic and to a role in it."""

from dataclasses import replace
from typing import Any

import pytest

from consent.grant import Grantee, grantees_of
from consent.request import Actor
from consent.vocabulary import ActorKind, GranteeKind, Purpose
from tests.unit.consent.people import (
    BODY,
    CITY,
    CLINIC,
    COLLEAGUE,
    DOCTOR,
    HE,
    LIFESTYLE,
    MENTAL,
    NURSE,
    OPERATOR,
    OTHER_CLINIC,
    OTHER_DOCTOR,
    RESIDENT,
    STATISTICS,
    ask,
    facts,
    grant,
    refused,
)

SIGNED = facts(contract_in_force=False, clinic_contract=True)
CLINIC_GRANT: dict[str, Any] = {"to": CLINIC, "kind": GranteeKind.CLINIC}
NURSES: dict[str, Any] = {"to": f"{CLINIC}:nurse", "kind": GranteeKind.ROLE}


class TestClinic:
    def test_opens_to_whoever_works_there(self) -> None:
        for actor in (COLLEAGUE, NURSE, replace(DOCTOR, clinic=CLINIC)):
            answer = ask(actor, BODY, known=SIGNED, grants=(grant(BODY, **CLINIC_GRANT),))
            assert (answer.rule, answer.classes) == ("clinic-grant", {BODY})
            assert answer.obligations == {"log-before-reveal"}

    @pytest.mark.parametrize(
        "actor",
        [
            OTHER_DOCTOR,
            replace(COLLEAGUE, clinic=OTHER_CLINIC),
            replace(COLLEAGUE, clinic=None),
            Actor(ActorKind.PRACTITIONER, CLINIC, 2),
        ],
        ids=["works nowhere", "works elsewhere", "left", "has the clinic's id as their own"],
    )
    def test_opens_to_nobody_else(self, actor: Actor) -> None:
        granted = grant(BODY, **CLINIC_GRANT)
        assert refused(ask(actor, BODY, known=SIGNED, grants=(granted,)), "no-grant")

    def test_care_needs_a_contract_with_somebody_there(self) -> None:
        granted = grant(BODY, **CLINIC_GRANT)
        unsigned = facts(contract_in_force=True, clinic_contract=False)
        assert refused(ask(COLLEAGUE, BODY, known=unsigned, grants=(granted,)), "no-contract")

    def test_another_purpose_needs_none(self) -> None:
        granted = grant(BODY, **CLINIC_GRANT, purposes=frozenset({Purpose.SELF_CARE}))
        known = facts(contract_in_force=False)
        asked: dict[str, Any] = {"known": known, "purpose": Purpose.SELF_CARE}
        assert ask(COLLEAGUE, BODY, grants=(granted,), **asked).rule == "clinic-grant"
        by_contract = replace(granted, basis="care-contract")
        assert refused(ask(COLLEAGUE, BODY, grants=(by_contract,), **asked), "no-contract")

    def test_a_clinics_contract_is_none_for_a_doctors_own_grant(self) -> None:
        granted = grant(BODY, to=HE)
        assert refused(ask(COLLEAGUE, BODY, known=SIGNED, grants=(granted,)), "no-contract")


class TestRole:
    def test_opens_to_those_who_hold_it_there(self) -> None:
        answer = ask(NURSE, BODY, known=SIGNED, grants=(grant(BODY, **NURSES),))
        assert (answer.rule, answer.classes) == ("role-grant", {BODY})

    @pytest.mark.parametrize(
        "actor",
        [
            COLLEAGUE,
            replace(NURSE, clinic=OTHER_CLINIC),
            replace(NURSE, clinic=None),
            replace(NURSE, roles=frozenset()),
            replace(NURSE, roles=frozenset({"nurse "})),
        ],
        ids=["another role", "another clinic", "no clinic", "no role", "nearly that role"],
    )
    def test_opens_to_nobody_else(self, actor: Actor) -> None:
        granted = grant(BODY, **NURSES)
        assert refused(ask(actor, BODY, known=SIGNED, grants=(granted,)), "no-grant")

    def test_care_needs_a_contract_with_somebody_there(self) -> None:
        granted = grant(BODY, **NURSES)
        unsigned = facts(contract_in_force=True, clinic_contract=False)
        assert refused(ask(NURSE, BODY, known=unsigned, grants=(granted,)), "no-contract")


class TestTogether:
    def test_own_clinics_and_roles_grants_add_up(self) -> None:
        grants = (
            grant(BODY, to=NURSE.id, number=3),
            grant(LIFESTYLE, number=2, **CLINIC_GRANT),
            grant(MENTAL, number=1, **NURSES),
        )
        known = facts(contract_in_force=True, clinic_contract=True)
        answer = ask(NURSE, BODY, LIFESTYLE, MENTAL, known=known, grants=grants)
        assert answer.classes == {BODY, LIFESTYLE, MENTAL}
        # All bring one class, so the lowest id is named, and with it its rule.
        assert (answer.rule, answer.grant) == ("role-grant", grants[2].id)

    def test_the_rule_is_that_of_the_grant_that_brings_most(self) -> None:
        grants = (
            grant(BODY, number=1, **NURSES),
            grant(BODY, LIFESTYLE, number=2, **CLINIC_GRANT),
        )
        assert ask(NURSE, BODY, LIFESTYLE, known=SIGNED, grants=grants).rule == "clinic-grant"

    @pytest.mark.parametrize("denied", [CLINIC_GRANT, NURSES])
    def test_a_deny_to_clinic_or_role_closes_a_persons_own_grant(
        self, denied: dict[str, Any]
    ) -> None:
        known = facts(clinic_contract=True)
        grants = (grant(BODY, to=NURSE.id, number=1), grant(BODY, number=2, deny=True, **denied))
        assert refused(ask(NURSE, BODY, known=known, grants=grants), "explicit-deny")

    def test_a_deny_to_one_person_leaves_the_colleagues_alone(self) -> None:
        grants = (
            grant(BODY, number=1, **CLINIC_GRANT),
            grant(BODY, to=NURSE.id, number=2, deny=True),
        )
        assert refused(ask(NURSE, BODY, known=SIGNED, grants=grants), "explicit-deny")
        assert ask(COLLEAGUE, BODY, known=SIGNED, grants=grants).allow


def test_nobody_asks_as_a_link() -> None:
    linked = grant(BODY, kind=GranteeKind.LINK)
    for actor in (DOCTOR, NURSE, RESIDENT, STATISTICS):
        to_them = replace(linked, grantee=Grantee(GranteeKind.LINK, actor.id))
        known = facts(clinic_contract=True)
        assert ask(actor, BODY, known=known, grants=(to_them,)) == ask(actor, BODY, known=known)


class TestNames:
    def test_of_a_doctor(self) -> None:
        assert grantees_of(DOCTOR) == (Grantee(GranteeKind.PRACTITIONER, DOCTOR.id),)

    def test_of_somebody_in_a_clinic(self) -> None:
        assert grantees_of(NURSE) == (
            Grantee(GranteeKind.PRACTITIONER, NURSE.id),
            Grantee(GranteeKind.CLINIC, CLINIC),
            Grantee(GranteeKind.ROLE, f"{CLINIC}:nurse"),
            Grantee(GranteeKind.ROLE, f"{CLINIC}:public-health"),
        )

    def test_roles_without_a_clinic_are_none(self) -> None:
        assert len(grantees_of(replace(NURSE, clinic=None))) == 1

    def test_of_those_who_hold_no_grants(self) -> None:
        assert [grantees_of(actor) for actor in (RESIDENT, CITY, OPERATOR)] == [(), (), ()]
        assert grantees_of(STATISTICS) == (Grantee(GranteeKind.SERVICE, "statistics"),)
        # Working in a clinic makes nobody but a practitioner a part of it.
        assert grantees_of(replace(RESIDENT, clinic=CLINIC)) == ()
