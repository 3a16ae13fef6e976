"""Imagined residents for the property tests: known, unknown, extreme and contradictory alike."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

from service.domain.risk.person import Person, Reading
from service.domain.vocabulary.codes import CODES

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
Readings = dict[str, list[Reading]]

NUMBERS: dict[str, tuple[float, float, float]] = {
    "systolic_bp": (80, 220, 126),
    "diastolic_bp": (40, 130, 78),
    "resting_heart_rate": (40, 120, 70),
    "body_weight": (35, 150, 64),
    "body_height": (140, 200, 165),
    "bmi": (14, 45, 23),
    "waist_circumference": (55, 140, 82),
    "total_cholesterol": (2, 12, 4.6),
    "hdl_c": (0.4, 3.5, 1.3),
    "ldl_c": (0.5, 9, 2.6),
    "glucose_fasting": (2.5, 22, 5.2),
    "glucose_2h": (3, 25, 6.5),
    "glucose_random": (3, 25, 6),
    "glucose_capillary": (3, 25, 6),
    "hba1c": (4, 14, 5.4),
    "urate": (100, 700, 320),
    "homocysteine": (3, 60, 9),
    "egfr": (5, 140, 95),
    "creatinine": (30, 600, 70),
    "uacr": (0, 600, 8),
    "alt": (5, 300, 25),
    "ast": (5, 300, 24),
    "ggt": (5, 600, 30),
    "platelets": (20, 500, 230),
    "albumin": (20, 55, 44),
    "bilirubin_total": (3, 200, 14),
    "triglycerides": (0.3, 12, 1.5),
    "cigarettes_per_day": (0, 40, 0),
    "secondhand_smoke_days": (0, 7, 0),
    "moderate_activity_week": (0, 600, 150),
    "vigorous_activity_week": (0, 300, 20),
    "exercise_days_week": (0, 7, 3),
    "sleep_duration": (120, 720, 440),
    "salt_intake": (1, 20, 7),
    "vegetable_intake": (0, 800, 280),
    "fruit_intake": (0, 600, 150),
    "alcohol_g_per_day": (0, 120, 3),
    "copd_ps_total": (0, 10, 2),
}
"""Least, most and usual value of each measure."""
OPTIONS: dict[str, list[str]] = {
    "smoking_status": ["never", "former", "some days", "every day"],
    "pregnancy_status": ["pregnant", "not_pregnant", "unknown"],
    "post_menopausal": ["yes", "no"],
}
PLAIN = {"bmi", "creatinine", "egfr", "glucose_capillary", "pregnancy_status"}
"""Left out of ordinary residents now and then, as most people do not have them."""


def _instant(hours_ago: int) -> datetime:
    return NOW - timedelta(hours=hours_ago)


def _codes(dice: Random, kind: str) -> frozenset[str]:
    known = sorted(CODES[kind])
    return frozenset(dice.sample(known, dice.randint(1, 4)) if dice.random() < 0.3 else ())


def person(seed: int, low: int = 0, high: int = 100) -> Person:
    dice = Random(seed)
    return Person(
        sex=dice.choice(["female", "male"]),
        birth_date=date(NOW.year - dice.randint(low, high), 1, 1),
        north=dice.random() < 0.5,
        urban=dice.random() < 0.5,
        conditions=_codes(dice, "condition"),
        medications=_codes(dice, "medication"),
        family_history=_codes(dice, "family_history"),
    )


def people(low: int = 0, high: int = 100) -> st.SearchStrategy[Person]:
    # A seed is drawn rather than fifty values: ten times as many people in the same time.
    return st.integers(0, 2**40).map(lambda seed: person(seed, low, high))


def some_readings(seed: int) -> Readings:
    """Plausible values, most measures there, now and then several readings of one."""
    dice = Random(seed)
    found: Readings = {}
    ill = dice.random() < 0.3
    for code in NUMBERS:
        if dice.random() < 0.2 or (code in PLAIN and dice.random() < 0.5):
            continue
        at = sorted(dice.sample(range(24 * 900), dice.randint(1, 3)))
        found[code] = [Reading(_value(dice, code, ill), _instant(h)) for h in at]
    for code, options in OPTIONS.items():
        if dice.random() < 0.75 and (code not in PLAIN or dice.random() < 0.3):
            at = sorted(dice.sample(range(24 * 900), dice.randint(1, 3)))
            found[code] = [Reading(dice.choice(options), _instant(h)) for h in at]
    if "systolic_bp" in found and "diastolic_bp" in found:
        at = sorted(dice.sample(range(400), dice.randint(1, 5)))
        for code in ("systolic_bp", "diastolic_bp"):
            found[code] = [Reading(_value(dice, code, ill), _instant(h)) for h in at]
    return found


def _value(dice: Random, code: str, ill: bool) -> float:
    low, high, usual = NUMBERS[code]
    if ill:
        return round(dice.uniform(low, high), 1)
    return round(min(high, max(low, dice.gauss(usual, (high - low) / 14))), 1)


def readings() -> st.SearchStrategy[Readings]:
    return st.integers(0, 2**40).map(some_readings)


strange: st.SearchStrategy[Any] = st.one_of(
    st.floats(),
    st.integers(),
    st.booleans(),
    st.text(max_size=5),
    st.sampled_from([0, 0.0, -1, 1e308, -1e308, 1e-308, 10**400, "never", "former", "pregnant"]),
)


@st.composite
def strange_readings(draw: st.DrawFn) -> Readings:
    """Anything at all under any code: wrong types, infinities, the future, unknown measures."""
    codes = [*NUMBERS, *OPTIONS, "height", "unknown_measure"]
    found: Readings = {}
    for code in draw(st.lists(st.sampled_from(codes), unique=True)):
        at = sorted(draw(st.lists(st.integers(-2000, 30000), max_size=4)))
        found[code] = [Reading(draw(strange), _instant(h)) for h in at]
    return found
