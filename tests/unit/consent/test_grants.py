"""What grants open and close, alone and together, and which rule is named when they do not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from consent.decide import PERMIT_LIFE
from consent.rules import MISSES
from consent.vocabulary import ALL_CLASSES, Action, DataClass, Purpose
from tests.unit.consent.people import (
    BODY,
    DOCTOR,
    LIFESTYLE,
    MENTAL,
    NOW,
    RESIDENT,
    SECOND,
    ask,
    day,
    grant,
    refused,
    window,
)

YEAR: dict[str, Any] = {
    "observations_from": day("2025-01-01"),
    "observations_to": day("2025-12-31"),
}
GONE: dict[str, dict[str, Any]] = {
    "withdrawn": {"withdrawn_at": NOW - SECOND},
    "expired": {"valid_until": NOW},
    "not-yet-valid": {"valid_from": NOW + SECOND},
    "notice-outdated": {"outdated_from": NOW},
    "no-uses-left": {"uses_left": 0},
    "separate-consent": {"separate_consent": frozenset()},
}


class TestTime:
    def test_valid_from_its_first_second_to_before_its_last(self) -> None:
        granted = grant(BODY, valid_from=NOW, valid_until=NOW + 10 * SECOND)
        assert refused(ask(DOCTOR, BODY, grants=(granted,), now=NOW - SECOND), "not-yet-valid")
        assert ask(DOCTOR, BODY, grants=(granted,), now=NOW).allow
        assert ask(DOCTOR, BODY, grants=(granted,), now=NOW + 9 * SECOND).allow
        assert refused(ask(DOCTOR, BODY, grants=(granted,), now=NOW + 10 * SECOND), "expired")

    def test_without_an_end_it_goes_on(self) -> None:
        later = NOW + timedelta(days=20_000)
        assert ask(DOCTOR, BODY, grants=(grant(BODY, valid_until=None),), now=later).allow

    @pytest.mark.parametrize("offset", [-SECOND, timedelta(0), timedelta(days=1)])
    def test_a_withdrawal_counts_whatever_clock_stamped_it(self, offset: timedelta) -> None:
        granted = grant(BODY, withdrawn_at=NOW + offset)
        assert refused(ask(DOCTOR, BODY, grants=(granted,)), "withdrawn")

    def test_a_permit_ends_with_its_grant_and_soon_anyway(self) -> None:
        short = grant(BODY, valid_until=NOW + 20 * SECOND)
        answer = ask(DOCTOR, BODY, grants=(short,))
        assert answer.permit is not None
        assert answer.permit.expires_at == NOW + 20 * SECOND
        own = ask(RESIDENT, BODY)
        assert own.permit is not None
        assert own.permit.expires_at == NOW + PERMIT_LIFE

    def test_a_permit_ends_where_a_deny_begins(self) -> None:
        soon = grant(BODY, deny=True, valid_from=NOW + 20 * SECOND)
        void = grant(BODY, deny=True, valid_from=NOW + SECOND, withdrawn_at=NOW)
        answer = ask(DOCTOR, BODY, grants=(grant(BODY), soon, void))
        assert answer.permit is not None
        assert answer.permit.expires_at == NOW + 20 * SECOND
        late = NOW + 20 * SECOND
        assert refused(ask(DOCTOR, BODY, grants=(grant(BODY), soon), now=late), "explicit-deny")


class TestNotice:
    def test_counts_until_the_very_instant_it_is_replaced(self) -> None:
        granted = grant(BODY, outdated_from=NOW + SECOND)
        assert ask(DOCTOR, BODY, grants=(granted,)).allow
        answer = ask(DOCTOR, BODY, grants=(granted,), now=NOW + SECOND)
        assert refused(answer, "notice-outdated")

    def test_no_permit_outlives_it(self) -> None:
        granted = grant(BODY, outdated_from=NOW + 20 * SECOND, valid_until=NOW + 30 * SECOND)
        permit = ask(DOCTOR, BODY, grants=(granted,)).permit
        assert permit is not None
        assert permit.expires_at == NOW + 20 * SECOND

    def test_a_deny_needs_no_renewal(self) -> None:
        deny = grant(BODY, number=2, deny=True, outdated_from=NOW - SECOND)
        assert refused(ask(DOCTOR, BODY, grants=(grant(BODY, number=1), deny)), "explicit-deny")


class TestUses:
    def test_none_left(self) -> None:
        assert refused(ask(DOCTOR, BODY, grants=(grant(BODY, uses_left=0),)), "no-uses-left")

    def test_one_left_is_to_be_spent(self) -> None:
        answer = ask(DOCTOR, BODY, grants=(grant(BODY, uses_left=1),))
        assert answer.obligations == {"log-before-reveal", "spend-use"}

    def test_grants_of_limited_uses_never_add_up(self) -> None:
        limited = grant(BODY, number=1, uses_left=5)
        answer = ask(DOCTOR, BODY, LIFESTYLE, grants=(limited, grant(LIFESTYLE, number=2)))
        assert answer.grant == UUID(int=2)
        assert answer.classes == {LIFESTYLE}
        assert answer.withheld == {BODY: "another-grant"}
        assert answer.obligations == {"log-before-reveal"}
        assert ask(DOCTOR, BODY, grants=(limited,)).grant == UUID(int=1)


class TestSeparateConsent:
    def test_a_sensitive_class_needs_its_own_yes(self) -> None:
        granted = grant(LIFESTYLE, BODY, MENTAL, separate_consent=frozenset({BODY}))
        answer = ask(DOCTOR, LIFESTYLE, BODY, MENTAL, grants=(granted,))
        assert answer.classes == {LIFESTYLE, BODY}
        assert answer.withheld == {MENTAL: "separate-consent"}

    @pytest.mark.parametrize("data_class", list(DataClass))
    def test_class_by_class(self, data_class: DataClass) -> None:
        granted = grant(data_class, separate_consent=frozenset())
        answer = ask(DOCTOR, data_class, grants=(granted,))
        assert answer.allow is not data_class.separate_consent
        assert answer.allow or refused(answer, "separate-consent")

    def test_a_yes_to_a_class_that_was_not_granted_opens_nothing(self) -> None:
        granted = grant(LIFESTYLE, separate_consent=ALL_CLASSES)
        assert refused(ask(DOCTOR, MENTAL, grants=(granted,)), "no-grant")


class TestExplicitDeny:
    def test_takes_its_classes_away(self) -> None:
        grants = (grant(LIFESTYLE, BODY, number=1), grant(BODY, number=2, deny=True))
        answer = ask(DOCTOR, LIFESTYLE, BODY, grants=grants)
        assert answer.classes == {LIFESTYLE}
        assert answer.withheld == {BODY: "explicit-deny"}

    def test_refuses_when_nothing_is_left(self) -> None:
        grants = (grant(BODY, number=1), grant(BODY, number=2, deny=True))
        assert refused(ask(DOCTOR, BODY, grants=grants), "explicit-deny")

    def test_an_empty_list_means_all(self) -> None:
        deny = grant(number=2, deny=True, purposes=frozenset(), actions=frozenset())
        assert refused(ask(DOCTOR, BODY, grants=(grant(BODY, number=1), deny)), "explicit-deny")

    def test_alone_opens_nothing(self) -> None:
        assert not ask(DOCTOR, BODY, LIFESTYLE, grants=(grant(BODY, deny=True),)).allow

    @pytest.mark.parametrize(
        "change",
        [
            {"withdrawn_at": NOW - SECOND},
            {"valid_until": NOW},
            {"valid_from": NOW + SECOND},
            {"actions": frozenset({Action.EXPORT})},
            {"purposes": frozenset({Purpose.SELF_CARE})},
        ],
    )
    def test_works_only_for_its_time_purpose_and_action(self, change: dict[str, Any]) -> None:
        deny = replace(grant(BODY, number=2, deny=True), **change)
        assert ask(DOCTOR, BODY, grants=(grant(BODY, number=1), deny)).allow

    def test_uses_do_not_end_it(self) -> None:
        deny = grant(BODY, number=2, deny=True, uses_left=0)
        assert refused(ask(DOCTOR, BODY, grants=(grant(BODY, number=1), deny)), "explicit-deny")


class TestWindow:
    def test_of_the_grant_goes_into_the_permit(self) -> None:
        answer = ask(DOCTOR, BODY, grants=(grant(BODY, **YEAR),))
        assert answer.permit is not None
        assert answer.window == answer.permit.window == window("2025-01-01", "2025-12-31")

    def test_is_narrowed_to_the_days_asked_for(self) -> None:
        asked = window("2025-06-01", None)
        answer = ask(DOCTOR, BODY, grants=(grant(BODY, **YEAR),), window=asked)
        assert answer.window == window("2025-06-01", "2025-12-31")

    def test_without_a_day_in_common_nothing_opens(self) -> None:
        asked = window("2026-01-01", None)
        answer = ask(DOCTOR, BODY, grants=(grant(BODY, **YEAR),), window=asked)
        assert refused(answer, "window")
        upside_down = window("2025-02-02", "2025-02-01")
        assert refused(ask(DOCTOR, BODY, grants=(grant(BODY),), window=upside_down), "window")

    def test_one_day_in_common_is_enough(self) -> None:
        asked = window("2025-12-31", None)
        answer = ask(DOCTOR, BODY, grants=(grant(BODY, **YEAR),), window=asked)
        assert answer.window == window("2025-12-31", "2025-12-31")

    def test_same_days_add_up(self) -> None:
        grants = (grant(BODY, number=1, **YEAR), grant(LIFESTYLE, number=2, **YEAR))
        answer = ask(DOCTOR, BODY, LIFESTYLE, grants=grants)
        assert answer.classes == {BODY, LIFESTYLE}
        assert answer.window == window("2025-01-01", "2025-12-31")

    def test_a_sum_lasts_as_long_as_the_part_that_ends_first(self) -> None:
        grants = (
            grant(BODY, number=1, valid_until=NOW + 30 * SECOND),
            grant(LIFESTYLE, number=2, valid_until=None),
        )
        answer = ask(DOCTOR, BODY, LIFESTYLE, grants=grants)
        assert answer.permit is not None
        assert answer.permit.expires_at == NOW + 30 * SECOND

    def test_other_days_do_not_add_up_and_most_classes_win(self) -> None:
        grants = (grant(MENTAL, number=1), grant(BODY, LIFESTYLE, number=2, **YEAR))
        answer = ask(DOCTOR, BODY, LIFESTYLE, MENTAL, grants=grants)
        assert answer.grant == UUID(int=2)
        assert answer.withheld == {MENTAL: "another-grant"}
        assert answer.window == window("2025-01-01", "2025-12-31")
        alone = ask(DOCTOR, MENTAL, grants=grants)
        assert (alone.grant, alone.window) == (UUID(int=1), None)

    def test_of_equals_the_one_with_more_days_is_taken(self) -> None:
        grants = (grant(BODY, number=1, **YEAR), grant(BODY, number=2))
        assert ask(DOCTOR, BODY, grants=grants).window is None
        assert ask(DOCTOR, BODY, grants=grants[::-1]).grant == UUID(int=2)

    def test_of_full_equals_the_lowest_id_whatever_the_order(self) -> None:
        grants = (grant(BODY, number=2), grant(BODY, number=1))
        assert ask(DOCTOR, BODY, grants=grants).grant == UUID(int=1)
        assert ask(DOCTOR, BODY, grants=grants[::-1]).grant == UUID(int=1)


class TestTheMostHelpfulRule:
    @pytest.mark.parametrize("rule", list(GONE))
    def test_is_named_rather_than_no_grant(self, rule: str) -> None:
        unhelpful = grant(LIFESTYLE, number=1)
        near = grant(BODY, number=2, **GONE[rule])
        assert refused(ask(DOCTOR, BODY, grants=(unhelpful, near)), rule)

    @pytest.mark.parametrize("nearer", list(GONE))
    @pytest.mark.parametrize("farther", list(GONE))
    def test_is_that_of_the_grant_that_came_nearest(self, farther: str, nearer: str) -> None:
        if MISSES.index(farther) > MISSES.index(nearer):
            farther, nearer = nearer, farther
        grants = (
            grant(BODY, number=1, **GONE[farther]),
            grant(BODY, number=2, **GONE[nearer]),
        )
        assert refused(ask(DOCTOR, BODY, grants=grants), nearer)
        assert refused(ask(DOCTOR, BODY, grants=grants[::-1]), nearer)

    def test_names_the_nearest_over_all_classes_and_each_for_itself(self) -> None:
        grants = (grant(LIFESTYLE, number=1, withdrawn_at=NOW),)
        answer = ask(DOCTOR, LIFESTYLE, BODY, grants=grants)
        assert refused(answer, "withdrawn")
        assert answer.withheld == {LIFESTYLE: "withdrawn", BODY: "no-grant"}

    def test_a_withdrawn_grant_for_something_else_is_no_help(self) -> None:
        elsewhere = grant(BODY, withdrawn_at=NOW, actions=frozenset({Action.WRITE}))
        assert refused(ask(DOCTOR, BODY, grants=(elsewhere,)), "no-grant")
