"""Units: known values, round trips, and no guessing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.vocabulary.measures import MEASURES
from service.domain.vocabulary.units import ALIASES, UnitFault, canonical, express, tidy, ucum

CONVERTED = [(m.code, unit) for m in MEASURES.values() for unit in m.conversions]


@pytest.mark.parametrize(
    ("code", "value", "unit", "stored"),
    [
        ("glucose_fasting", 126, "mg/dL", 6.993783),
        ("glucose_fasting", 180.16, "mg/dl", 10),
        ("total_cholesterol", 386.7, "mg/dL", 10),
        ("triglycerides", 88.57, "mg/dL", 1),
        ("body_weight", 130, "斤", 65),
        ("body_weight", 100, "lbs", 45.359237),
        ("waist_circumference", 2.4, "市尺", 80),
        ("waist_circumference", 30, "inches", 76.2),
        ("body_height", 1.75, "m", 175),
        ("systolic_bp", 16, "kPa", 120.00992),
        ("body_temperature", 98.6, "°F", 37),
        ("body_temperature", 37.2, "℃", 37.2),
        ("spo2", 0.97, "1", 97),
        ("body_fat_pct", 0.25, "1", 25),
        ("sleep_duration", 7.5, "h", 450),
        ("sleep_duration", 7.5, "h/d", 450),
        ("hba1c", 48, "mmol/mol", 6.541985),
        ("salt_intake", 2000, "mg{sodium}", 5.08),
        ("heart_rate", 72, "count/min", 72),
        ("steps", 8000, "count", 8000),
        ("active_energy", 1000, "kJ", 239.006),
        ("tsh", 2.5, "μIU/mL", 2.5),
    ],
)
def test_known_conversions(code: str, value: float, unit: str, stored: float) -> None:
    assert canonical(MEASURES[code], value, unit) == stored


def test_the_unit_decides_and_never_the_magnitude() -> None:
    assert canonical(MEASURES["body_fat_pct"], 0.97, "%") == 0.97
    assert canonical(MEASURES["body_fat_pct"], 0.97) == 0.97


@pytest.mark.parametrize(
    ("code", "unit"),
    [
        ("body_height", "furlong"),
        ("body_height", "mmol/L"),
        ("urea", "mg/dL"),  # urea or urea nitrogen: 2.14 times apart
        ("moderate_activity_week", "min/d"),
        ("sleep_duration", "h/wk"),
        ("smoking_status", "1"),
        ("body_weight", ""),
    ],
)
def test_other_units_are_refused_without_the_value(code: str, unit: str) -> None:
    with pytest.raises(UnitFault) as caught:
        canonical(MEASURES[code], 4242.4242, unit)
    assert "4242" not in str(caught.value) + repr(caught.value)
    assert caught.value.code == "unknown-unit"


@given(st.sampled_from(CONVERTED), st.floats(0, 1))
def test_round_trip_through_every_accepted_unit(pair: tuple[str, str], share: float) -> None:
    m, unit = MEASURES[pair[0]], pair[1]
    low, high = m.plausible
    assert low is not None
    assert high is not None
    stored = tidy(low + share * (high - low))
    rule = m.conversions[unit]
    sent = (stored - rule.offset) / rule.factor
    # One unit in the last kept place, or what a double can hold of a large number.
    assert canonical(m, sent, unit) == pytest.approx(stored, abs=1e-6, rel=1e-12)
    shown = express(m, stored, unit)
    assert shown == pytest.approx(sent, abs=1e-6, rel=1e-12)


@given(st.integers(-(10**9), 10**9))
def test_whole_numbers_have_one_spelling(number: int) -> None:
    assert type(tidy(float(number))) is int
    assert tidy(float(number)) == number


def test_huge_numbers_stay_numbers() -> None:
    assert canonical(MEASURES["body_height"], 1e308, "m") == float("inf")


def test_a_spelling_never_means_two_units() -> None:
    for spelling, unit in ALIASES.items():
        assert ucum(unit) == unit, spelling
