"""Each rule, where it applies and just where it does not."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from consent.decide import decide
from consent.grant import Grantee
from consent.request import AccessRequest, Actor
from consent.rules import RULES
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, GranteeKind, Purpose
from tests.unit.consent.people import (
    BODY,
    CITY,
    DOCTOR,
    FACTS,
    LIFESTYLE,
    LIN,
    MENTAL,
    NOW,
    OPERATOR,
    OTHER_DOCTOR,
    RESIDENT,
    SOME,
    STATISTICS,
    STRANGER,
    ask,
    facts,
    grant,
    refused,
    statistics_grant,
)


class TestTrivial:
    def test_no_grants_refuse(self) -> None:
        assert refused(ask(DOCTOR, BODY), "no-grant")

    def test_no_classes_refuse_even_the_owner(self) -> None:
        assert refused(ask(RESIDENT), "nothing-asked")

    def test_no_classes_refuse_a_doctor_with_a_grant(self) -> None:
        assert refused(ask(DOCTOR, grants=(grant(BODY),)), "nothing-asked")

    def test_a_grant_of_nothing_opens_nothing(self) -> None:
        assert refused(ask(DOCTOR, BODY, grants=(grant(),)), "no-grant")

    def test_a_naive_instant_is_no_instant(self) -> None:
        with pytest.raises(ValueError, match="zone"):
            ask(RESIDENT, BODY, now=datetime(2026, 5, 4))  # noqa: DTZ001

    def test_every_rule_has_its_own_id_and_both_languages(self) -> None:
        assert len({rule.id for rule in RULES}) == len(RULES)
        assert all(rule.sentence.zh.endswith("。") for rule in RULES)
        assert all(rule.sentence.en.endswith(".") for rule in RULES)


class TestNobodyButTheOwner:
    def test_city_never_reads_a_person(self) -> None:
        granted = grant(*ALL_CLASSES, to="city")
        assert refused(ask(CITY, BODY, grants=(granted,)), "city-no-person")

    @pytest.mark.parametrize("action", list(Action))
    @pytest.mark.parametrize("purpose", list(Purpose))
    @pytest.mark.parametrize("actor", [CITY, OPERATOR])
    def test_city_and_operator_have_no_way_at_all(
        self, actor: Actor, purpose: Purpose, action: Action
    ) -> None:
        everything = tuple(
            grant(
                *ALL_CLASSES,
                to=actor.id,
                kind=kind,
                purposes=frozenset(Purpose),
                actions=frozenset(Action),
            )
            for kind in GranteeKind
        )
        answer = ask(actor, *ALL_CLASSES, grants=everything, purpose=purpose, action=action)
        rule = "city-no-person" if actor is CITY else "operator-no-health"
        assert refused(answer, rule)

    @pytest.mark.parametrize("status", ["active", "erased", "unknown"])
    def test_city_learns_nothing_about_the_subject(self, status: str) -> None:
        assert refused(ask(CITY, BODY, known=facts(subject_status=status)), "city-no-person")

    def test_another_resident_is_refused(self) -> None:
        assert refused(ask(STRANGER, BODY), "no-rule")

    def test_another_service_is_refused_whatever_was_granted(self) -> None:
        service = Actor(ActorKind.SERVICE, "another")
        granted = grant(BODY, to="another", kind=GranteeKind.SERVICE)
        assert refused(
            ask(service, BODY, grants=(granted,), purpose=Purpose.CARE, action=Action.READ),
            "no-rule",
        )

    def test_a_doctor_with_the_subjects_id_is_not_the_subject(self) -> None:
        assert refused(ask(Actor(ActorKind.PRACTITIONER, str(LIN)), BODY), "no-grant")


class TestSubject:
    @pytest.mark.parametrize("actor", [RESIDENT, DOCTOR])
    def test_erased_stays_closed(self, actor: Actor) -> None:
        known = facts(subject_status="erased")
        assert refused(ask(actor, BODY, grants=(grant(BODY),), known=known), "erased")

    def test_unknown_subject(self) -> None:
        assert refused(
            ask(RESIDENT, BODY, known=facts(subject_status="unknown")), "unknown-subject"
        )

    def test_a_status_nobody_knows_is_not_active(self) -> None:
        assert refused(ask(RESIDENT, BODY, known=facts(subject_status="new")), "unknown-subject")


class TestUnknownWords:
    def test_one_unknown_word_refuses_all(self) -> None:
        assert refused(ask(RESIDENT, BODY, unknown=("aura",)), "unknown-word")

    @pytest.mark.parametrize(
        "change",
        [
            {"purpose": "care"},
            {"action": "read"},
            {"classes": frozenset({"aura"})},
            {"classes": SOME | {"aura"}},
        ],
    )
    def test_words_that_slipped_past_the_edge_are_refused(self, change: dict[str, Any]) -> None:
        assert refused(ask(RESIDENT, BODY, **change), "unknown-word")


class TestOwnRecord:
    def test_opens_every_class_without_a_log(self) -> None:
        answer = ask(RESIDENT, *ALL_CLASSES)
        assert (answer.allow, answer.rule, answer.classes) == (True, "own-record", ALL_CLASSES)
        assert answer.permit is not None
        assert answer.permit.owner
        assert answer.obligations == frozenset()
        assert answer.withheld == {}
        assert answer.window is None

    def test_opens_only_what_was_asked(self) -> None:
        assert ask(RESIDENT, BODY).classes == {BODY}

    @pytest.mark.parametrize("action", [Action.EXPORT, Action.ERASE])
    def test_export_and_erase_need_a_fresh_sign_in(self, action: Action) -> None:
        assert refused(ask(RESIDENT, BODY, action=action), "own-record-needs-step-up")
        assert ask(RESIDENT, BODY, action=action, known=facts(stepped_up=True)).allow

    @pytest.mark.parametrize("action", [Action.READ, Action.WRITE, Action.DERIVE, Action.MANAGE])
    def test_everyday_actions_do_not(self, action: Action) -> None:
        assert ask(RESIDENT, BODY, action=action).allow

    def test_needs_no_contract_and_no_grant(self) -> None:
        assert ask(RESIDENT, BODY, known=facts(contract_in_force=False)).allow

    def test_goes_on_when_everybody_else_is_shut_out(self) -> None:
        assert ask(RESIDENT, BODY, known=facts(deny_all=True)).allow

    def test_no_deny_reaches_the_owner(self) -> None:
        denies = tuple(grant(BODY, to=str(LIN), kind=kind, deny=True) for kind in GranteeKind)
        assert ask(RESIDENT, BODY, grants=denies).allow

    def test_is_not_for_statistics(self) -> None:
        answer = ask(RESIDENT, BODY, purpose=Purpose.STATISTICS, action=Action.AGGREGATE)
        assert refused(answer, "statistics-only-counts")


class TestSignedDoctor:
    def test_opens_what_was_granted_and_owes_the_log(self) -> None:
        answer = ask(DOCTOR, LIFESTYLE, BODY, grants=(grant(LIFESTYLE, BODY),))
        assert (answer.rule, answer.classes, answer.grant) == ("signed-doctor", SOME, UUID(int=100))
        assert answer.obligations == {"log-before-reveal"}
        assert answer.permit is not None
        assert not answer.permit.owner
        assert answer.permit.revision == answer.revision == 7

    def test_a_partial_grant_opens_its_part_and_names_the_rest(self) -> None:
        answer = ask(DOCTOR, LIFESTYLE, BODY, MENTAL, grants=(grant(LIFESTYLE),))
        assert answer.classes == {LIFESTYLE}
        assert answer.withheld == {BODY: "no-grant", MENTAL: "no-grant"}

    def test_a_grant_to_another_doctor_opens_nothing(self) -> None:
        assert refused(ask(OTHER_DOCTOR, BODY, grants=(grant(BODY),)), "no-grant")

    @pytest.mark.parametrize("kind", [GranteeKind.CLINIC, GranteeKind.SERVICE, GranteeKind.LINK])
    def test_a_grantee_of_another_kind_is_somebody_else(self, kind: GranteeKind) -> None:
        assert refused(ask(DOCTOR, BODY, grants=(grant(BODY, kind=kind),)), "no-grant")

    def test_another_purpose_or_action_was_not_granted(self) -> None:
        assert refused(ask(DOCTOR, BODY, grants=(grant(BODY),), action=Action.EXPORT), "no-grant")
        answer = ask(DOCTOR, BODY, grants=(grant(BODY),), purpose=Purpose.SELF_CARE)
        assert refused(answer, "no-grant")

    @pytest.mark.parametrize("action", [Action.MANAGE, Action.ERASE])
    def test_manages_and_erases_nothing_even_when_granted(self, action: Action) -> None:
        granted = grant(BODY, actions=frozenset(Action))
        assert refused(ask(DOCTOR, BODY, grants=(granted,), action=action), "owner-only")

    def test_deny_all_shuts_out(self) -> None:
        known = facts(deny_all=True)
        assert refused(ask(DOCTOR, BODY, grants=(grant(BODY),), known=known), "deny-all")

    def test_care_needs_a_contract(self) -> None:
        known = facts(contract_in_force=False)
        assert refused(ask(DOCTOR, BODY, grants=(grant(BODY),), known=known), "no-contract")

    def test_another_purpose_needs_none_unless_granted_by_the_contract(self) -> None:
        known = facts(contract_in_force=False)
        granted = grant(BODY, purposes=frozenset({Purpose.SELF_CARE}))
        asked: dict[str, Any] = {"purpose": Purpose.SELF_CARE, "known": known}
        assert ask(DOCTOR, BODY, grants=(granted,), **asked).rule == "named-doctor"
        by_contract = replace(granted, basis="care-contract")
        assert refused(ask(DOCTOR, BODY, grants=(by_contract,), **asked), "no-contract")

    def test_statistics_are_not_for_doctors(self) -> None:
        granted = grant(BODY, purposes=frozenset(Purpose), actions=frozenset(Action))
        for asked in (
            {"purpose": Purpose.STATISTICS},
            {"action": Action.AGGREGATE},
            {"purpose": Purpose.STATISTICS, "action": Action.AGGREGATE},
        ):
            answer = ask(DOCTOR, BODY, grants=(granted,), **asked)
            assert refused(answer, "statistics-only-counts")


class TestStatistics:
    def test_counts_what_was_agreed_to(self) -> None:
        answer = ask(STATISTICS, *SOME, grants=(statistics_grant(*SOME),))
        assert (answer.rule, answer.classes) == ("statistics-grant", SOME)
        assert answer.obligations == {"log-before-reveal"}

    def test_counts_nobody_who_did_not_agree(self) -> None:
        assert refused(ask(STATISTICS, *SOME), "no-grant")

    def test_needs_separate_consent_too(self) -> None:
        granted = statistics_grant(*SOME, separate_consent=frozenset())
        assert ask(STATISTICS, *SOME, grants=(granted,)).classes == {LIFESTYLE}

    def test_needs_no_contract(self) -> None:
        known = facts(contract_in_force=False)
        assert ask(STATISTICS, BODY, grants=(statistics_grant(BODY),), known=known).allow

    def test_reads_nothing(self) -> None:
        granted = statistics_grant(BODY, actions=frozenset(Action))
        answer = ask(STATISTICS, BODY, grants=(granted,), action=Action.READ)
        assert refused(answer, "statistics-only-counts")

    def test_a_care_grant_counts_nothing(self) -> None:
        care = grant(BODY, to="statistics", kind=GranteeKind.SERVICE)
        assert refused(ask(STATISTICS, BODY, grants=(care,)), "no-grant")

    def test_no_other_service_counts(self) -> None:
        other = Actor(ActorKind.SERVICE, "another")
        granted = replace(statistics_grant(BODY), grantee=Grantee(GranteeKind.SERVICE, "another"))
        assert refused(ask(other, BODY, grants=(granted,)), "statistics-only-counts")

    def test_deny_all_counts_nobody(self) -> None:
        known = facts(deny_all=True)
        answer = ask(STATISTICS, BODY, grants=(statistics_grant(BODY),), known=known)
        assert refused(answer, "deny-all")


def test_withheld_of_a_refusal_names_every_class_asked_for() -> None:
    request = AccessRequest(DOCTOR, LIN, Purpose.CARE, Action.READ, ALL_CLASSES)
    answer = decide(request, (), facts(deny_all=True), NOW)
    assert answer.withheld == dict.fromkeys(ALL_CLASSES, "deny-all")
    assert answer.revision == FACTS.revision
