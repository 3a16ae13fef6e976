"""Nothing lasts longer in the night in which the clocks are set back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from consent.instant import in_utc
from consent.vocabulary import Purpose
from tests.unit.consent.people import BODY, DOCTOR, FACTS, RESIDENT, ask, facts, grant, refused

BERLIN = ZoneInfo("Europe/Berlin")
BEFORE = datetime(2026, 10, 25, 2, 58, tzinfo=BERLIN)
AFTER = datetime(2026, 10, 25, 2, 1, tzinfo=BERLIN, fold=1)
"""Three minutes after BEFORE, by a clock that has been set back an hour."""


def test_a_permit_lasts_five_minutes() -> None:
    permit = ask(RESIDENT, BODY, now=BEFORE).permit
    assert permit is not None
    assert permit.expires_at - BEFORE.astimezone(UTC) == timedelta(minutes=5)


def test_a_grant_that_has_ended_opens_nothing() -> None:
    ended = grant(BODY, valid_from=BEFORE - timedelta(days=1), valid_until=BEFORE)
    assert refused(ask(DOCTOR, BODY, grants=(ended,), now=AFTER), "expired")


def test_break_glass_ends_after_four_hours() -> None:
    opened = facts(emergency_since=BEFORE)
    over = BEFORE.astimezone(UTC) + timedelta(hours=4)
    last = (over - timedelta(microseconds=1)).astimezone(BERLIN)
    asked: dict[str, Any] = {"purpose": Purpose.EMERGENCY, "known": opened}
    decision = ask(DOCTOR, BODY, now=last, **asked)
    assert decision.permit is not None
    assert decision.permit.expires_at == over
    assert refused(ask(DOCTOR, BODY, now=over.astimezone(BERLIN), **asked), "break-glass-over")


def test_grants_and_facts_keep_instants_in_utc() -> None:
    assert grant(BODY, valid_until=AFTER).valid_until == datetime(2026, 10, 25, 1, 1, tzinfo=UTC)
    assert replace(FACTS, minor_until=AFTER).minor_until == datetime(2026, 10, 25, 1, 1, tzinfo=UTC)


def test_the_end_of_the_calendar_is_an_instant_anywhere() -> None:
    last = datetime.max.replace(tzinfo=BERLIN)
    assert in_utc(last, "a test") <= datetime.max.replace(tzinfo=UTC)


def test_a_naive_time_is_no_instant() -> None:
    with pytest.raises(ValueError, match="every instant of a test needs a zone"):
        in_utc(datetime(2026, 5, 4), "a test")  # noqa: DTZ001
