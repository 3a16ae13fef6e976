"""Until when categories last: on no day before it is any of them another."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.vocabulary import ALL_CLASSES
from service.domain import life
from service.domain.care import counted, lasting
from service.domain.care.situation import Deed, Situation
from service.domain.days import months_after
from service.domain.risk import change
from service.domain.risk.assess import assess
from service.domain.risk.current import SMOKING_STEPS
from service.domain.risk.person import Person, Reading
from tests.unit.care.room import TODAY, at, born, done, read, somebody

SOON = timedelta(days=10)


def seen(who: Situation, person: Person, now: datetime) -> Situation:
    """The same person and records, looked at on a later day."""
    today = now.astimezone(who.zone).date()
    found = assess(person, who.readings, now, paths=False)  # type: ignore[arg-type]
    pregnant = found.life_stage is life.Stage.PREGNANT
    return replace(
        who,
        today=today,
        assessment=found,
        stage=life.stage(who.birth_date, today, pregnant=pregnant),
    )


def told(who: Situation) -> dict[str, str]:
    return who.assessment.categories() | counted.categories(who, ALL_CLASSES, signed=True)


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "systolic_bp": st.sampled_from([118.0, 135.0, 152.0]),
        "diastolic_bp": st.sampled_from([70.0, 92.0]),
        "glucose_fasting": st.sampled_from([5.0, 6.5, 7.4]),
        "body_weight": st.sampled_from([55.0, 80.0]),
        "body_height": st.just(165.0),
        "waist_circumference": st.sampled_from([78.0, 95.0]),
        "smoking_status": st.sampled_from(["never", "former", "every day"]),
        "alcohol_g_per_day": st.sampled_from([0.0, 20.0]),
        "salt_intake": st.sampled_from([4.0, 9.0]),
        "sleep_duration": st.sampled_from([360.0, 480.0]),
        "exercise_days_week": st.sampled_from([1.0, 4.0]),
        "total_cholesterol": st.sampled_from([4.0, 6.8]),
        "hdl_c": st.just(1.2),
        "post_menopausal": st.sampled_from(["yes", "no"]),
        "copd_ps_total": st.sampled_from([3.0, 7.0]),
        "pregnancy_status": st.sampled_from(["pregnant", "not_pregnant"]),
        "vegetable_intake": st.just(300.0),
        "fruit_intake": st.just(200.0),
    },
)
NEAR = st.integers(-1, 26)
FRESHLY = {"smoking_status": "never", "dxa_t_hip": 0.5}
ENDS = (300, 365, 366, 730, 731, 1095, 1096, 1826)
AGO = st.tuples(st.sampled_from(ENDS), NEAR).map(lambda end: end[0] - end[1])
"""Days ago, of what ends within days from now."""
AGES = st.one_of(
    st.integers(0, 40_000),
    st.tuples(st.sampled_from([18, 35, 40, 45, 50, 65, 75]), NEAR).map(
        lambda end: round(end[0] * 365.2425) - end[1]
    ),
)
DEEDS = st.lists(
    st.tuples(
        AGO,
        st.sampled_from(
            [
                {counted.LITERACY: 85.0},
                {**FRESHLY, "hpv_high_risk": "negative", "mammography": "1"},
                {counted.DEPRESSION: 12.0},
                {"systolic_bp": 130.0},
                {"glucose_fasting": 6.0},
                {"hpv_high_risk": "negative"},
                {"mammography": "1"},
                {"elder_selfcare_total": 1.0},
                {"hemoglobin": 130.0, "urine_protein_strip": "negative", "alt": 20.0},
                {"glucose_fasting": 5.0, "total_cholesterol": 4.0, "ecg_impression": "normal"},
            ]
        ),
        st.booleans(),
    ),
    max_size=1,
)


@given(
    days=AGES,
    sex=st.sampled_from(["female", "male"]),
    records=st.lists(st.tuples(AGO, st.integers(0, 23), VALUES), max_size=2),
    deeds=DEEDS,
    ill=st.sets(st.sampled_from(["hypertension", "diabetes_type_2"])),
)
@settings(max_examples=400, deadline=None)
def test_no_category_changes_before_its_day(
    days: int,
    sex: str,
    records: list[tuple[int, int, dict[str, float | str]]],
    deeds: list[tuple[int, dict[str, float | str], bool]],
    ill: set[str],
) -> None:
    now = at(TODAY, 3)
    born_on = TODAY - timedelta(days=days)
    person = Person(sex=sex, birth_date=born_on, conditions=frozenset(ill))
    readings: dict[str, list[Reading]] = {}
    for ago, hour, values in sorted(records, key=lambda one: (one[0], -one[1])):
        moment = at(TODAY - timedelta(days=ago), hour)
        for name, value in values.items():
            readings.setdefault(name, []).append(Reading(value, moment))
    done_then = [Deed(TODAY - timedelta(days=ago), what, by) for ago, what, by in deeds]
    empty = Situation(
        born_on,
        sex,
        TODAY,
        life.stage(born_on, TODAY, pregnant=False),
        assess(person, readings, now, paths=False),
        conditions=frozenset(ill),
        readings=readings,
    ).with_deeds(sorted(done_then, key=lambda deed: deed.day, reverse=True))
    first = seen(empty, person, now)
    until = lasting.until(first)
    assert TODAY < until <= TODAY + lasting.AT_MOST
    before = told(first)
    day = TODAY + timedelta(days=1)
    while day < until:
        # The run may come at any hour of the day.
        for hour in (0, 23):
            assert told(seen(empty, person, at(day, hour))) == before, day
        day += timedelta(days=1)


def test_nobody_waits_longer_than_a_month() -> None:
    assert lasting.until(somebody(born(40, days=100))) == TODAY + lasting.AT_MOST


@pytest.mark.parametrize(
    ("who", "day"),
    [
        (somebody(born(40, days=355)), born(40, days=355).replace(year=TODAY.year)),
        (
            somebody(
                born(40, days=90), readings=read({"salt_intake": 6.0}, TODAY - timedelta(days=360))
            ),
            TODAY + timedelta(days=5),
        ),
        (
            somebody(
                born(40, days=90), deeds=(done(months_after(TODAY + SOON, -12), "phq9_total"),)
            ),
            TODAY + SOON,
        ),
    ],
)
def test_the_next_change_is_a_birthday_an_old_reading_or_the_end_of_a_year(
    who: Situation, day: date
) -> None:
    assert lasting.until(who) == day


def test_a_screening_that_comes_again_ends_on_the_day_it_is_due() -> None:
    then = months_after(TODAY + SOON, -36)
    tests = (done(then, "cervical_cytology", "mammography"),)
    who = somebody(born(37, days=90), deeds=tests)
    assert told(who)["screening"] == "up_to_date"
    assert lasting.until(who) == TODAY + SOON
    later = somebody(born(37, days=90), deeds=tests, today=TODAY + SOON)
    assert told(later)["screening"] == "due"


def test_years_without_smoking_end_on_their_day() -> None:
    longest = max(SMOKING_STEPS)
    quit_on = at(TODAY + SOON) - longest
    told_of = [Reading("former", at(TODAY - SOON)), Reading("former", quit_on)]
    who = somebody(born(37, days=90), readings={"smoking_status": told_of})
    assert lasting.until(who) == TODAY + SOON


def test_where_the_day_begins_sooner_a_day_less_is_waited() -> None:
    elsewhere = replace(somebody(born(40, days=355)), zone=life.ZoneInfo("Pacific/Kiritimati"))
    birthday = born(40, days=355).replace(year=TODAY.year)
    assert lasting.until(elsewhere) == birthday - timedelta(days=1)


@pytest.mark.parametrize(
    ("today", "year", "end"),
    [
        (date(2026, 1, 31), 2025, date(2026, 2, 1)),
        (date(2026, 2, 1), 2026, date(2027, 2, 1)),
        (date(2026, 12, 31), 2026, date(2027, 2, 1)),
        (date(2027, 1, 1), 2026, date(2027, 2, 1)),
    ],
)
def test_a_year_is_counted_while_it_is_published(today: date, year: int, end: date) -> None:
    assert change.period_start(today).date() == date(year, 1, 1)
    assert change.period_end(today) == end
    assert change.period_start(end).year == end.year


def test_a_no_of_the_menopause_lasts_until_the_day_it_is_over() -> None:
    """A bone-density test is advised from that day, and one who is invited is counted as such."""
    last = TODAY + SOON
    said = months_after(last, -24)
    light = {"body_weight": 38.0, "smoking_status": "never"}
    readings = read(light, TODAY) | read({"post_menopausal": "no"}, said)
    who = somebody(born(66, days=100), readings=readings)
    assert lasting.until(who) <= last
