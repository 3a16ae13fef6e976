"""A guardian acts for a child until the very instant the child turns fourteen."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from consent.decide import PERMIT_LIFE
from consent.life import minor_until
from consent.request import Actor, Facts
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, GranteeKind, Purpose
from tests.unit.consent.people import (
    BODY,
    DOCTOR,
    FACTS,
    LIN,
    MENTAL,
    NOW,
    RESIDENT,
    SECOND,
    STRANGER,
    ask,
    facts,
    grant,
    refused,
)

GUARDIAN = STRANGER
MINOR = facts(guardians=frozenset({GUARDIAN.id}), minor_until=NOW + timedelta(days=900))
GROWN = replace(MINOR, minor_until=NOW)


class TestWhileMinor:
    def test_opens_every_class_as_an_owner_without_a_log(self) -> None:
        answer = ask(GUARDIAN, *ALL_CLASSES, known=MINOR)
        assert (answer.allow, answer.rule, answer.classes) == (True, "guardian", ALL_CLASSES)
        assert answer.permit is not None
        assert answer.permit.owner
        assert answer.permit.actor == GUARDIAN
        assert answer.obligations == frozenset()

    @pytest.mark.parametrize("action", [Action.EXPORT, Action.ERASE])
    def test_exporting_and_erasing_need_a_fresh_sign_in(self, action: Action) -> None:
        assert refused(ask(GUARDIAN, BODY, known=MINOR, action=action), "own-record-needs-step-up")
        fresh = replace(MINOR, stepped_up=True)
        assert ask(GUARDIAN, BODY, known=fresh, action=action).rule == "guardian"

    def test_manages_the_childs_consent(self) -> None:
        assert ask(GUARDIAN, BODY, known=MINOR, action=Action.MANAGE).allow

    def test_is_not_shut_out_with_everybody_else(self) -> None:
        # Or nobody could open the record of a child who has no sign-in of their own again.
        assert ask(GUARDIAN, BODY, known=replace(MINOR, deny_all=True)).allow

    def test_counts_nothing(self) -> None:
        answer = ask(
            GUARDIAN, BODY, known=MINOR, purpose=Purpose.STATISTICS, action=Action.AGGREGATE
        )
        assert refused(answer, "statistics-only-counts")

    def test_the_child_uses_their_own_record_too(self) -> None:
        assert ask(RESIDENT, BODY, known=MINOR).rule == "own-record"

    def test_needs_the_subject_to_be_there(self) -> None:
        assert refused(ask(GUARDIAN, BODY, known=replace(MINOR, subject_status="erased")), "erased")


class TestBirthday:
    def test_ends_at_the_very_instant(self) -> None:
        until = minor_until(date(2012, 5, 4), "Asia/Shanghai")
        known = replace(MINOR, minor_until=until)
        before = ask(GUARDIAN, BODY, known=known, now=until - SECOND / 1000)
        assert before.rule == "guardian"
        assert refused(ask(GUARDIAN, BODY, known=known, now=until), "guardian-ended")

    def test_no_permit_outlives_it(self) -> None:
        known = replace(MINOR, minor_until=NOW + timedelta(minutes=2))
        permit = ask(GUARDIAN, BODY, known=known).permit
        assert permit is not None
        assert permit.expires_at == NOW + timedelta(minutes=2)
        long = ask(GUARDIAN, BODY, known=MINOR).permit
        assert long is not None
        assert long.expires_at == NOW + PERMIT_LIFE

    @pytest.mark.parametrize("action", list(Action))
    def test_a_former_guardian_is_told_so_whatever_they_ask(self, action: Action) -> None:
        answer = ask(GUARDIAN, BODY, known=GROWN, action=action)
        # Counting has a rule of its own, which is asked before.
        expected = "statistics-only-counts" if action is Action.AGGREGATE else "guardian-ended"
        assert refused(answer, expected)
        assert refused(ask(GUARDIAN, BODY, known=replace(GROWN, deny_all=True)), "guardian-ended")

    def test_the_guardian_of_somebody_without_a_birthday_is_none(self) -> None:
        known = replace(MINOR, minor_until=None)
        assert refused(ask(GUARDIAN, BODY, known=known), "guardian-ended")

    def test_the_grown_child_goes_on(self) -> None:
        known = replace(GROWN, guardians=frozenset({GUARDIAN.id, RESIDENT.id}))
        assert ask(RESIDENT, BODY, known=known).rule == "own-record"

    def test_a_naive_birthday_is_no_fact(self) -> None:
        with pytest.raises(ValueError, match="zone"):
            facts(minor_until=datetime(2026, 5, 4))  # noqa: DTZ001


class TestSomebodyElse:
    def test_is_no_guardian(self) -> None:
        other = Actor(ActorKind.RESIDENT, DOCTOR.id)
        assert refused(ask(other, BODY, known=MINOR), "no-rule")
        assert refused(ask(other, BODY, known=MINOR, action=Action.MANAGE), "owner-only")

    @pytest.mark.parametrize("kind", [ActorKind.PRACTITIONER, ActorKind.SERVICE])
    def test_of_the_same_id_but_another_kind_is_no_guardian(self, kind: ActorKind) -> None:
        answer = ask(Actor(kind, GUARDIAN.id, 2), BODY, known=MINOR, purpose=Purpose.CARE)
        assert not answer.allow

    def test_without_being_registered_being_a_child_opens_nothing(self) -> None:
        known = facts(minor_until=NOW + timedelta(days=900))
        assert refused(ask(GUARDIAN, BODY, known=known), "no-rule")


class TestChains:
    def known(self, **changes: Any) -> Facts:
        return replace(MINOR, guardians=frozenset({GUARDIAN.id, DOCTOR.id}), **changes)

    def test_a_doctor_whose_resident_id_is_listed_still_needs_a_grant(self) -> None:
        assert refused(ask(DOCTOR, BODY, known=self.known()), "no-grant")

    def test_a_guardian_needs_no_grant_and_no_deny_reaches_them(self) -> None:
        denies = tuple(grant(BODY, to=GUARDIAN.id, kind=kind, deny=True) for kind in GranteeKind)
        assert ask(GUARDIAN, BODY, known=MINOR, grants=denies).rule == "guardian"

    def test_a_former_guardian_who_is_named_in_a_grant_stays_out(self) -> None:
        granted = tuple(grant(BODY, to=GUARDIAN.id, kind=kind) for kind in GranteeKind)
        assert refused(ask(GUARDIAN, BODY, known=GROWN, grants=granted), "guardian-ended")

    def test_as_a_doctor_the_same_person_has_what_the_doctor_was_granted(self) -> None:
        # Guardian by one sign-in, practitioner by another: each opens what is theirs.
        answer = ask(DOCTOR, BODY, MENTAL, known=self.known(), grants=(grant(BODY),))
        assert (answer.rule, answer.classes) == ("signed-doctor", {BODY})
        assert answer.permit is not None
        assert not answer.permit.owner

    def test_a_guardian_of_one_child_is_nobody_to_another(self) -> None:
        assert refused(ask(GUARDIAN, BODY, known=FACTS), "no-rule")

    def test_a_subject_listed_as_their_own_guardian_is_the_subject(self) -> None:
        known = replace(GROWN, guardians=frozenset({str(LIN)}))
        assert ask(RESIDENT, BODY, known=known).rule == "own-record"


def test_instants_of_two_zones_are_compared_as_instants() -> None:
    until = minor_until(date(2012, 5, 4), "Asia/Shanghai")
    known = replace(MINOR, minor_until=until)
    assert until == datetime(2026, 5, 3, 16, tzinfo=UTC)
    assert refused(
        ask(GUARDIAN, BODY, known=known, now=datetime(2026, 5, 3, 16, tzinfo=UTC)),
        "guardian-ended",
    )
