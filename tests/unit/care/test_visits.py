"""Schedules by age and by week: boundary days, leap years, what counts as made."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.care.visits import antenatal_windows, child_windows, scheduled
from service.domain.life import Stage, age, age_at, reached, stage
from tests.unit.care.room import TODAY, done, somebody

births = st.dates(date(2000, 1, 1), date(2032, 12, 31))
DAY = timedelta(days=1)


def items(birth_date: date, today: date, *deeds: object, **more: object) -> list[str]:
    who = somebody(birth_date, today=today, deeds=deeds, **more)  # type: ignore[arg-type]
    return [one.item for one in scheduled(who)]


@given(births, st.integers(0, 120))
def test_twelve_months_are_completed_on_the_birthday(birth_date: date, years: int) -> None:
    day = reached(birth_date, 12 * years)
    assert age(birth_date, day) == years
    assert age(birth_date, day - DAY) == years - 1


@given(births, st.integers(0, 200))
def test_months_of_life_follow_each_other(birth_date: date, months: int) -> None:
    one, next_one = reached(birth_date, months), reached(birth_date, months + 1)
    assert timedelta(days=28) <= next_one - one <= timedelta(days=32)


@pytest.mark.parametrize(
    ("birth_date", "months", "day"),
    [
        (date(2024, 2, 29), 12, date(2025, 3, 1)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 8, 31), 6, date(2027, 3, 1)),
        (date(2027, 8, 31), 6, date(2028, 3, 1)),
        (date(2027, 8, 29), 6, date(2028, 2, 29)),
        (date(2026, 8, 28), 6, date(2027, 2, 28)),
        (date(2026, 10, 31), 1, date(2026, 12, 1)),
        (date(2026, 12, 31), 2, date(2027, 3, 1)),
    ],
)
def test_a_day_that_a_month_does_not_have_is_the_first_of_the_next(
    birth_date: date, months: int, day: date
) -> None:
    assert reached(birth_date, months) == day


def test_the_schedule_has_the_thirteen_visits_of_the_norm() -> None:
    found = child_windows(date(2026, 1, 10))
    assert [one.opens for one in found] == [
        date(2026, 1, 10),
        date(2026, 2, 7),
        date(2026, 4, 10),
        date(2026, 7, 10),
        date(2026, 9, 10),
        date(2027, 1, 10),
        date(2027, 7, 10),
        date(2028, 1, 10),
        date(2028, 7, 10),
        date(2029, 1, 10),
        date(2030, 1, 10),
        date(2031, 1, 10),
        date(2032, 1, 10),
    ]
    assert found[-1].last == date(2033, 1, 9)


@given(births)
def test_visits_leave_no_gap_and_never_overlap(birth_date: date) -> None:
    found = child_windows(birth_date)
    assert found[0].opens == birth_date
    for one, next_one in pairwise(found):
        assert one.last + DAY == next_one.opens
    assert age(birth_date, found[-1].last) == 6
    assert age(birth_date, found[-1].last + DAY) == 7


@given(births, st.integers(0, 7 * 366))
def test_a_child_always_has_the_open_visit_and_the_next(birth_date: date, days: int) -> None:
    today = birth_date + timedelta(days=days)
    found = scheduled(somebody(birth_date, today=today))
    if stage(birth_date, today) is not Stage.CHILD:
        assert found == []
        return
    assert found[0].on <= today <= (found[0].until or today)
    assert all(one.on > today for one in found[1:])
    assert len(found) == (1 if found[0].item == "child_visit_6_years" else 2)


def test_a_visit_opens_on_its_day_and_not_the_day_before() -> None:
    born = date(2026, 8, 20)
    assert items(born, date(2026, 11, 19))[0] == "child_visit_28_days"
    assert items(born, date(2026, 11, 20))[0] == "child_visit_3_months"


def test_a_birthday_begins_at_midnight_where_the_child_lives() -> None:
    born = date(2019, 11, 20)
    before = datetime(2026, 11, 19, 15, 59, 59, tzinfo=UTC)
    shanghai, urumqi = ZoneInfo("Asia/Shanghai"), ZoneInfo("Asia/Urumqi")
    assert age_at(born, before, shanghai) == 6
    assert age_at(born, before + timedelta(seconds=1), shanghai) == 7
    assert age_at(born, before + timedelta(seconds=1), urumqi) == 6
    assert items(born, before.astimezone(shanghai).date()) == ["child_visit_6_years"]
    assert items(born, (before + timedelta(seconds=1)).astimezone(shanghai).date()) == []


@pytest.mark.parametrize(("early", "made"), [(14, True), (15, False), (0, True), (-13, True)])
def test_up_to_two_weeks_early_is_the_visit(early: int, made: bool) -> None:
    born = date(2025, 11, 10)
    today = date(2026, 11, 24)
    deed = done(date(2026, 11, 10) - timedelta(days=early), body_weight=9.8)
    found = items(born, today, deed)
    assert (found[0] == "child_visit_18_months") is made


def test_a_scale_at_home_is_no_visit() -> None:
    born = date(2025, 11, 10)
    home = done(date(2026, 11, 12), clinical=False, body_weight=9.8)
    assert items(born, TODAY, home)[0] == "child_visit_12_months"


@given(st.dates(date(2026, 1, 1), date(2026, 12, 31)))
def test_antenatal_visits_are_in_order_and_end_with_week_40(first: date) -> None:
    found = antenatal_windows(first)
    assert [(one.opens - first).days // 7 for one in found] == [0, 16, 21, 28, 37]
    assert [(one.last + DAY - first).days / 7 for one in found] == [13, 21, 25, 37, 41]
    for one, next_one in pairwise(found):
        assert one.last < next_one.opens


def expecting(weeks: float, *deeds: object, ago: int = 0) -> list[str]:
    day = TODAY - timedelta(days=ago)
    dated = done(day, clinical=True, gestational_age=weeks)
    who = somebody(
        date(1996, 5, 1),
        pregnant=True,
        deeds=(dated, *deeds),  # type: ignore[arg-type]
    )
    return [one.item for one in scheduled(who)]


@pytest.mark.parametrize(
    ("days", "first"),
    [
        (13 * 7 - 1, "antenatal_16_20_weeks"),
        (13 * 7, "antenatal_16_20_weeks"),
        (20 * 7 + 6, "antenatal_21_24_weeks"),
        (36 * 7 + 6, "antenatal_37_40_weeks"),
    ],
)
def test_a_check_of_this_window_leaves_the_next(days: int, first: str) -> None:
    assert expecting(days / 7)[0] == first


def test_the_week_moves_on_by_itself() -> None:
    assert expecting(12.0, ago=28)[0] == "antenatal_16_20_weeks"
    assert expecting(12.0, ago=27) == ["antenatal_16_20_weeks"]
    assert expecting(12.0, ago=27 + 36) == ["antenatal_21_24_weeks", "antenatal_28_36_weeks"]


def test_without_a_week_the_first_check_is_asked_for() -> None:
    assert items(date(1996, 5, 1), TODAY, pregnant=True) == ["antenatal_week_unknown"]


def test_the_week_of_an_earlier_pregnancy_dates_nothing() -> None:
    assert expecting(38.0, ago=4 * 7) == []
    assert expecting(38.0, ago=4 * 7 + 1) == ["antenatal_week_unknown"]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (0, ["postpartum_home_visit", "postpartum_42_days"]),
        (41, ["postpartum_home_visit", "postpartum_42_days"]),
        (42, ["postpartum_42_days"]),
        (83, ["postpartum_42_days"]),
        (84, []),
    ],
)
def test_after_birth_two_visits_are_asked_for(days: int, expected: list[str]) -> None:
    birth = done(TODAY - timedelta(days=days), "procedure:delivery")
    assert items(date(1996, 5, 1), TODAY, birth) == expected


def test_a_visit_after_birth_leaves_the_check_of_42_days() -> None:
    birth = done(TODAY - timedelta(days=9), "procedure:caesarean")
    visit = done(TODAY - timedelta(days=3), pregnancy_status="postpartum")
    assert items(date(1996, 5, 1), TODAY, birth, visit) == ["postpartum_42_days"]
