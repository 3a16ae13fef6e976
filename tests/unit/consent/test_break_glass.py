"""Break-glass: a doctor reads in an emergency, four hours, never grade 5, never unseen."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from consent.decide import PERMIT_LIFE
from consent.request import Actor, Facts
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, DataClass, GranteeKind, Purpose
from tests.unit.consent.people import (
    BODY,
    CLINIC,
    COLLEAGUE,
    DOCTOR,
    LIFESTYLE,
    MENTAL,
    NOW,
    RESIDENT,
    SECOND,
    STATISTICS,
    STRANGER,
    ask,
    facts,
    grant,
    refused,
)

OPEN = facts(emergency_since=NOW - timedelta(hours=1), contract_in_force=False)
OPENING = replace(OPEN, emergency_since=NOW, emergency_opening=True, stepped_up=True)
DAY = timedelta(days=1)
EMERGENCY: dict[str, Any] = {"purpose": Purpose.EMERGENCY, "action": Action.READ}
GRADE_5 = frozenset({DataClass.INFECTIOUS, DataClass.GENETIC})


class TestOpen:
    def test_reads_everything_but_grade_5_without_any_grant(self) -> None:
        answer = ask(DOCTOR, *ALL_CLASSES, known=OPEN, **EMERGENCY)
        assert (answer.allow, answer.rule, answer.grant) == (True, "break-glass", None)
        assert answer.classes == ALL_CLASSES - GRADE_5
        assert answer.withheld == dict.fromkeys(GRADE_5, "break-glass-grade-5")

    def test_owes_the_log_the_notice_and_the_review(self) -> None:
        answer = ask(DOCTOR, BODY, known=OPEN, **EMERGENCY)
        assert answer.obligations == {"log-before-reveal", "notify-subject", "review"}
        assert answer.permit is not None
        assert not answer.permit.owner

    def test_grade_5_alone_is_refused(self) -> None:
        assert refused(ask(DOCTOR, *GRADE_5, known=OPEN, **EMERGENCY), "break-glass-grade-5")

    def test_is_for_that_purpose_alone(self) -> None:
        assert refused(ask(DOCTOR, BODY, known=OPEN), "no-grant")
        assert refused(ask(DOCTOR, BODY, known=OPEN, purpose=Purpose.SELF_CARE), "no-grant")

    @pytest.mark.parametrize("actor", [STRANGER, Actor(ActorKind.SERVICE, "another"), STATISTICS])
    def test_is_for_doctors_alone(self, actor: Actor) -> None:
        assert refused(ask(replace(actor, acr=2), BODY, known=OPEN, **EMERGENCY), "no-rule")

    def test_the_days_asked_for_go_into_the_permit(self) -> None:
        days = replace(grant(BODY)).window._replace(first=NOW.date())
        permit = ask(DOCTOR, BODY, known=OPEN, window=days, **EMERGENCY).permit
        assert permit is not None
        assert permit.window == days

    def test_no_grant_helps_or_is_named(self) -> None:
        granted = grant(*ALL_CLASSES, purposes=frozenset(Purpose))
        answer = ask(DOCTOR, *ALL_CLASSES, known=OPEN, grants=(granted,), **EMERGENCY)
        assert answer == ask(DOCTOR, *ALL_CLASSES, known=OPEN, **EMERGENCY)
        closed = replace(OPEN, emergency_since=None)
        assert refused(
            ask(DOCTOR, BODY, known=closed, grants=(granted,), **EMERGENCY), "break-glass-over"
        )


class TestFourHours:
    @pytest.mark.parametrize(
        ("since", "open_"),
        [
            (NOW, True),
            (NOW - timedelta(hours=4) + SECOND / 1000, True),
            (NOW - timedelta(hours=4), False),
            (NOW - timedelta(days=1), False),
            (NOW + SECOND, False),
            (None, False),
        ],
    )
    def test_to_the_instant(self, since: Any, open_: bool) -> None:
        answer = ask(DOCTOR, BODY, known=replace(OPEN, emergency_since=since), **EMERGENCY)
        assert answer.allow is open_
        assert open_ or refused(answer, "break-glass-over")

    def test_no_permit_outlives_them(self) -> None:
        ending = replace(OPEN, emergency_since=NOW - timedelta(hours=4) + 20 * SECOND)
        permit = ask(DOCTOR, BODY, known=ending, **EMERGENCY).permit
        assert permit is not None
        assert permit.expires_at == NOW + 20 * SECOND
        fresh = ask(DOCTOR, BODY, known=OPEN, **EMERGENCY).permit
        assert fresh is not None
        assert fresh.expires_at == NOW + PERMIT_LIFE


class TestRefusals:
    @pytest.mark.parametrize(
        "action", [Action.WRITE, Action.DERIVE, Action.EXPORT], ids=lambda action: action.value
    )
    def test_reads_and_does_nothing_else(self, action: Action) -> None:
        answer = ask(DOCTOR, BODY, known=OPEN, purpose=Purpose.EMERGENCY, action=action)
        assert refused(answer, "break-glass-only-reads")

    @pytest.mark.parametrize("action", [Action.MANAGE, Action.ERASE])
    def test_never_acts_as_the_owner(self, action: Action) -> None:
        answer = ask(DOCTOR, BODY, known=OPEN, purpose=Purpose.EMERGENCY, action=action)
        assert refused(answer, "owner-only")

    def test_a_password_is_not_enough(self) -> None:
        weak = replace(DOCTOR, acr=1)
        assert refused(ask(weak, BODY, known=OPEN, **EMERGENCY), "break-glass-needs-acr")

    @pytest.mark.parametrize(
        ("ago", "resting"),
        [(timedelta(), True), (DAY - SECOND, True), (DAY, False), (DAY + SECOND, False)],
    )
    def test_is_not_opened_again_for_a_day_once_the_resident_ended_it(
        self, ago: timedelta, resting: bool
    ) -> None:
        known = replace(OPENING, emergency_ended=NOW - ago)
        answer = ask(DOCTOR, BODY, known=known, **EMERGENCY)
        assert answer.rule == ("break-glass-resting" if resting else "break-glass")

    def test_a_rest_ends_no_session_that_is_open(self) -> None:
        """Another one of the clinic's, which the resident can end as well."""
        known = replace(OPEN, emergency_ended=NOW)
        assert ask(DOCTOR, BODY, known=known, **EMERGENCY).allow

    def test_is_opened_by_a_fresh_proof_and_then_looked_at_without_one(self) -> None:
        stale = replace(OPENING, stepped_up=False)
        assert refused(ask(DOCTOR, BODY, known=stale, **EMERGENCY), "break-glass-needs-step-up")
        weak = replace(DOCTOR, acr=1)
        assert refused(ask(weak, BODY, known=stale, **EMERGENCY), "break-glass-needs-acr")
        looking = replace(OPEN, stepped_up=False)
        assert ask(DOCTOR, BODY, known=looking, **EMERGENCY).allow

    def test_not_even_in_an_emergency(self) -> None:
        known = replace(OPEN, emergency_refused=True)
        assert refused(ask(DOCTOR, BODY, known=known, **EMERGENCY), "break-glass-refused")

    def test_somebody_badly_signed_in_does_not_learn_of_a_refusal(self) -> None:
        known = replace(OPEN, emergency_refused=True, emergency_since=None)
        weak = replace(DOCTOR, acr=1)
        assert refused(ask(weak, BODY, known=known, **EMERGENCY), "break-glass-needs-acr")
        assert refused(ask(DOCTOR, BODY, known=known, **EMERGENCY), "break-glass-refused")

    def test_refusing_it_leaves_grants_alone(self) -> None:
        known = replace(OPEN, emergency_refused=True, contract_in_force=True)
        assert ask(DOCTOR, BODY, known=known, grants=(grant(BODY),)).rule == "signed-doctor"

    def test_deny_all_closes_it(self) -> None:
        known = replace(OPEN, deny_all=True)
        assert refused(ask(DOCTOR, BODY, known=known, **EMERGENCY), "deny-all")

    @pytest.mark.parametrize("status", ["erased", "unknown"])
    def test_needs_a_subject(self, status: Any) -> None:
        assert not ask(DOCTOR, BODY, known=replace(OPEN, subject_status=status), **EMERGENCY).allow


class TestDeny:
    def deny(self, *classes: DataClass, **changes: Any) -> tuple[Any, ...]:
        return (grant(*classes, deny=True, **changes),)

    def test_of_everything_closes_it(self) -> None:
        denies = self.deny(purposes=frozenset(), actions=frozenset())
        assert refused(ask(DOCTOR, BODY, known=OPEN, grants=denies, **EMERGENCY), "explicit-deny")

    def test_closes_class_by_class(self) -> None:
        denies = self.deny(MENTAL, purposes=frozenset({Purpose.EMERGENCY}))
        answer = ask(
            DOCTOR,
            LIFESTYLE,
            MENTAL,
            DataClass.GENETIC,
            known=OPEN,
            grants=denies,
            **EMERGENCY,
        )
        assert answer.classes == {LIFESTYLE}
        assert answer.withheld == {
            MENTAL: "explicit-deny",
            DataClass.GENETIC: "break-glass-grade-5",
        }

    def test_of_care_closes_emergencies_as_well(self) -> None:
        denies = self.deny(BODY, purposes=frozenset({Purpose.CARE}))
        assert refused(ask(DOCTOR, BODY, known=OPEN, grants=denies, **EMERGENCY), "explicit-deny")

    def test_of_another_purpose_does_not(self) -> None:
        denies = self.deny(BODY, purposes=frozenset({Purpose.SELF_CARE}))
        assert ask(DOCTOR, BODY, known=OPEN, grants=denies, **EMERGENCY).allow

    def test_of_emergencies_leaves_care_alone(self) -> None:
        denies = self.deny(BODY, number=7, purposes=frozenset({Purpose.EMERGENCY}))
        known = replace(OPEN, contract_in_force=True)
        assert ask(DOCTOR, BODY, known=known, grants=(*denies, grant(BODY))).allow

    def test_to_the_clinic_or_the_role_closes_it_to_each_of_them(self) -> None:
        for kind, name in ((GranteeKind.CLINIC, CLINIC), (GranteeKind.ROLE, f"{CLINIC}:nurse")):
            denies = self.deny(BODY, to=name, kind=kind)
            nurse = replace(COLLEAGUE, roles=frozenset({"nurse"}))
            answer = ask(nurse, BODY, known=OPEN, grants=denies, **EMERGENCY)
            assert refused(answer, "explicit-deny")
            assert ask(DOCTOR, BODY, known=OPEN, grants=denies, **EMERGENCY).allow

    def test_of_a_grade_5_class_is_named_as_the_deny(self) -> None:
        denies = self.deny(DataClass.GENETIC)
        answer = ask(DOCTOR, DataClass.GENETIC, known=OPEN, grants=denies, **EMERGENCY)
        assert refused(answer, "explicit-deny")
        both = ask(DOCTOR, *GRADE_5, known=OPEN, grants=denies, **EMERGENCY)
        assert refused(both, "break-glass-grade-5")


def test_the_owner_needs_no_emergency() -> None:
    assert ask(RESIDENT, BODY, known=OPEN, **EMERGENCY).rule == "own-record"


def test_a_naive_opening_is_no_fact() -> None:
    with pytest.raises(ValueError, match="zone"):
        Facts("active", 1, False, False, False, emergency_since=NOW.replace(tzinfo=None))
