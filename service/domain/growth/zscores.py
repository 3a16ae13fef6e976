"""Z-scores of WHO: the LMS method, restricted beyond three deviations where weight plays a part."""

from decimal import ROUND_HALF_UP, Decimal
from math import log
from typing import Literal

from . import tables
from .tables import LMS, Sex

DAYS_A_MONTH = 30.4375
LAST_DAY = 1826
"""The last day below 60 months; from the next on the reference of 5 to 19 years holds."""
STANDING_FROM = 731
"""Below, length is measured lying; from this day on, height is measured standing."""
LYING_EXCEEDS = 0.7
"""How many centimetres longer a child is lying than standing."""
SCHOOL_MONTHS = {"height_for_age": (60, 228), "bmi_for_age": (60, 228), "weight_for_age": (60, 120)}
RESTRICTED = frozenset({"weight_for_age", "bmi_for_age", "weight_for_length", "weight_for_height"})
PLAUSIBLE = {
    "length_height_for_age": (-6.0, 6.0),
    "height_for_age": (-6.0, 6.0),
    "weight_for_age": (-6.0, 5.0),
    "bmi_for_age": (-5.0, 5.0),
    "weight_for_length": (-5.0, 5.0),
    "weight_for_height": (-5.0, 5.0),
    "head_circumference_for_age": (-5.0, 5.0),
}
"""Outside, the measurement is asked for again and judged by nobody."""

Position = Literal["lying", "standing"]


def z_score(value: float, lms: LMS, *, restricted: bool) -> float:
    """How many deviations `value` is from the median, to two decimals.

    Restricted: beyond three deviations, in steps as wide as the one between the second and third.
    """
    z = (
        log(value / lms.m) / lms.s
        if lms.l == 0
        else ((value / lms.m) ** lms.l - 1) / (lms.s * lms.l)
    )
    if restricted and z > 3:
        third = at_deviation(lms, 3)
        z = 3 + (value - third) / (third - at_deviation(lms, 2))
    elif restricted and z < -3:
        third = at_deviation(lms, -3)
        z = -3 + (value - third) / (at_deviation(lms, -2) - third)
    return round(z, 2)


def at_deviation(lms: LMS, k: int) -> float:
    """The value that lies `k` deviations from the median."""
    if lms.l == 0:
        raise ValueError("no table of WHO has a power of zero")
    return float(lms.m * (1 + lms.l * lms.s * k) ** (1 / lms.l))


def adjusted(centimetres: float, age_days: int, position: Position | None) -> float:
    """Length below 731 days, height from then on; None means measured as the age asks for."""
    if age_days < STANDING_FROM and position == "standing":
        return centimetres + LYING_EXCEEDS
    if age_days >= STANDING_FROM and position == "lying":
        return centimetres - LYING_EXCEEDS
    return centimetres


def by_day(indicator: str, sex: Sex, age_days: int, value: float) -> float:
    """Z-score at an age of 0 to 1826 days; `KeyError` outside. Lengths are already adjusted."""
    lms = tables.grid(indicator, sex).row(age_days)
    return z_score(value, lms, restricted=indicator in RESTRICTED)


def by_month(indicator: str, sex: Sex, age_months: float, value: float) -> float:
    """Z-score from 60 to 228 months (weight: to 120); `KeyError` outside."""
    low, high = SCHOOL_MONTHS[indicator]
    if not low <= age_months <= high:
        raise KeyError(indicator)
    lms = tables.between(f"{indicator}_5_19", sex, age_months)
    return z_score(value, lms, restricted=indicator in RESTRICTED)


def by_size(indicator: str, sex: Sex, centimetres: float, weight: float) -> float:
    """Weight for length (45-110 cm) or height (65-120 cm); `KeyError` outside.

    WHO prints every millimetre: what is finer is rounded half up to it.
    """
    place = int((Decimal(repr(float(centimetres))) * 10).to_integral_value(ROUND_HALF_UP))
    lms = tables.grid(indicator, sex).row(place)
    return z_score(weight, lms, restricted=True)


def plausible(indicator: str, z: float) -> bool:
    low, high = PLAUSIBLE[indicator]
    return low <= z <= high
