"""From readings to facts: which value of a measure counts now.

Product rules in `data/assessment.json`: how old a reading may be, blood pressure as the mean of two
or three readings, kidney stages from two values three months apart.
Readings from the future, of the wrong type or too old are as if they were not there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from . import blood_pressure, control, kidney, screens
from .catalogue import MODELS, read
from .done import done
from .facts import Facts
from .histories import histories
from .person import Person, Reading

RULES = read("assessment")
FRESH = {code: timedelta(days=days) for code, days in RULES["fresh_days"].items()}
_PRESSURE = RULES["pressure"]
WINDOW = timedelta(days=_PRESSURE["window_days"])
PAIRS: int = _PRESSURE["readings"]
MEAN_OF: int = MODELS["five_level_mapping"].parameters["pressure_mean_of"]
CONTROL_READINGS: int = _PRESSURE["control_readings"]
APART = timedelta(days=RULES["kidney"]["apart_days"])
SMOKING = frozenset(RULES["smoking"]["current"])
FORMER: str = RULES["smoking"]["former"]
NEVER: str = RULES["smoking"]["never"]
PAST = "yes"
"""The answer of a woman who is past the menopause."""
_LONG, _SHORT = SMOKING_STEPS = tuple(
    timedelta(days=365.25 * years) for years in RULES["smoking"]["years"]
)
"""How long ago somebody quit, from which it counts for something else."""
ACTIVE_DAYS: int = RULES["activity"]["days"]
ACTIVE_MINUTES: int = RULES["activity"]["minutes"]
SIZES: tuple[float, float] = tuple(RULES["usable_height_cm"])
GLUCOSE = ("glucose_fasting", "glucose_random", "glucose_2h", "glucose_capillary")

LIVER = {
    **{code: code for code in ("alt", "ast", "ggt", "platelets", "albumin", "triglycerides")},
    "bilirubin_total": "bilirubin",
}
"""Measures of the liver models, and the fact each sets."""

Readings = Mapping[str, Sequence[Reading]]


class Pair(NamedTuple):
    """Systolic and diastolic of one instant."""

    systolic: float
    diastolic: float | None
    at: datetime
    clinical: bool = False


class Newest:
    """The newest usable reading of each measure at `now`."""

    __slots__ = ("_readings", "now")

    def __init__(self, readings: Readings, now: datetime) -> None:
        self._readings = readings
        self.now = now

    def all(self, code: str) -> Sequence[Reading]:
        return self._readings.get(code, ())

    def everything(self) -> Iterable[tuple[str, Sequence[Reading]]]:
        """Every measure and history with its readings, old and future ones among them."""
        return self._readings.items()

    def numbers(self, code: str) -> Iterable[Reading]:
        """Fresh numeric readings, newest first."""
        limit = FRESH[code]
        for reading in self._readings.get(code, ()):
            if reading.at <= self.now and _is_number(reading.value):
                if self.now - reading.at > limit:
                    return
                yield reading

    def reading(self, code: str) -> Reading | None:
        for reading in self.numbers(code):
            return reading
        return None

    def number(self, code: str) -> float | None:
        if code not in self._readings:
            return None
        for reading in self.numbers(code):
            return reading.value  # type: ignore[return-value]
        return None

    def text(self, code: str) -> Reading | None:
        for reading in self._readings.get(code, ()):
            if reading.at <= self.now and isinstance(reading.value, str):
                return reading if self.now - reading.at <= FRESH[code] else None
        return None


def _is_number(value: object) -> bool:
    # Within this range a few added up stay finite; no comparison holds for NaN.
    return type(value) in (int, float) and -(2**53) <= value <= 2**53  # type: ignore[operator]


def facts_of(person: Person, readings: Readings, now: datetime, age: int) -> Facts:
    """Everything the models may ask about this person at this moment."""
    newest = Newest(readings, now)
    facts = Facts(person.sex, age, person.north, person.urban)
    if person.conditions or person.medications or person.family_history:
        histories(facts, person)
    status = newest.text("pregnancy_status") if person.sex == "female" else None
    facts.pregnant = status is not None and status.value == "pregnant"
    _pressure(facts, newest)
    _body(facts, newest)
    _lipids(facts, newest)
    _glucose(facts, newest)
    _smoking(facts, newest)
    _habits(facts, newest)
    _laboratory(facts, newest)
    _screens(facts, newest)
    facts.done = done(readings, now)
    return facts


def pressures(newest: Newest) -> list[Pair]:
    """The pairs that make the blood pressure now, newest first: those of the newest pair's week.

    Where a week holds one of the person's own, the one before it is taken with it. Where there are
    no pairs at all, systolic pressures alone are taken likewise.
    """
    found = list(islice(_pairs(newest), PAIRS)) or list(islice(_systolic(newest), PAIRS))
    week = [pair for pair in found if found[0].at - pair.at <= WINDOW]
    return week if len(week) >= MEAN_OF or (week[:1] and week[0].clinical) else found[:MEAN_OF]


def are_mean(pairs: Sequence[Pair]) -> bool:
    """Whether these make a blood pressure, or are a single elevated or normal reading.

    `cn_bp_grade_and_cv_stratification`, population: the mean of at least two readings, and a
    single entry in an app is no more than a reading. A practice enters what it found so.
    """
    return len(pairs) >= MEAN_OF or any(pair.clinical for pair in pairs)


def _pairs(newest: Newest) -> Iterator[Pair]:
    systolic = list(newest.numbers("systolic_bp"))
    diastolic = list(newest.numbers("diastolic_bp"))
    i = j = 0
    while i < len(systolic) and j < len(diastolic):
        upper, lower = systolic[i], diastolic[j]
        if upper.at == lower.at:
            yield Pair(float(upper.value), float(lower.value), upper.at, upper.clinical)
        # Of two readings the newer one has no partner; of a pair both are used up.
        i += upper.at >= lower.at
        j += lower.at >= upper.at


def _systolic(newest: Newest) -> Iterator[Pair]:
    for reading in newest.numbers("systolic_bp"):
        yield Pair(float(reading.value), None, reading.at, reading.clinical)


def _pressure(facts: Facts, newest: Newest) -> None:
    facts.newest_sbp = newest.number("systolic_bp")
    facts.newest_dbp = newest.number("diastolic_bp")
    if facts.newest_sbp is None:
        return
    if control.pressure_urgent(facts.newest_sbp, facts.newest_dbp):
        facts.pressure_seen = _attended(newest, newest.reading("systolic_bp"))
    found = pressures(newest)
    if not are_mean(found):
        return
    recent = found[:CONTROL_READINGS]
    facts.sbp = sum(pair.systolic for pair in found) / len(found)
    facts.control_sbp = max(pair.systolic for pair in recent)
    lows = [pair.diastolic for pair in found if pair.diastolic is not None]
    if lows:
        facts.dbp = sum(lows) / len(lows)
        facts.control_dbp = max(lows[:CONTROL_READINGS])


def _attended(newest: Newest, alarming: Reading | None) -> bool:
    """Whether a practitioner entered anything that models look at after an alarming reading."""
    return alarming is not None and any(
        reading.clinical and alarming.at < reading.at <= newest.now
        for _, told in newest.everything()
        for reading in told
    )


def _body(facts: Facts, newest: Newest) -> None:
    facts.waist = facts.waist_par = newest.number("waist_circumference")
    direct = newest.reading("bmi")
    weight, height = newest.reading("body_weight"), newest.number("body_height")
    # A BMI that was entered as such counts when it is newer than the weight.
    newer = weight is not None and (direct is None or weight.at >= direct.at)
    if newer and weight is not None and height is not None and SIZES[0] <= height <= SIZES[1]:
        facts.weight, facts.height = float(weight.value), height
        facts.bmi = facts.weight / (height / 100) ** 2
    elif direct is not None:
        facts.bmi = float(direct.value)


def _lipids(facts: Facts, newest: Newest) -> None:
    facts.tc = newest.number("total_cholesterol")
    facts.hdl = newest.number("hdl_c")
    facts.ldl = newest.number("ldl_c")
    if facts.tc is not None and facts.hdl is not None:
        facts.non_hdl = max(0.0, facts.tc - facts.hdl)
    else:
        facts.non_hdl = newest.number("non_hdl_c")


def _glucose(facts: Facts, newest: Newest) -> None:
    facts.fpg = newest.number("glucose_fasting")
    facts.ogtt_2h = newest.number("glucose_2h")
    facts.random = newest.number("glucose_random")
    facts.hba1c = newest.number("hba1c")
    if facts.diabetes and facts.random is None:
        # A finger-prick value judges the control of a known diabetes, never a category.
        facts.random = newest.number("glucose_capillary")
    last = newest_glucose(newest)
    if last is not None:
        code, reading = last
        alarm = control.glucose_urgent(float(reading.value))
        fasting = alarm == "high" and code == "glucose_fasting"
        facts.glucose_alarm = "fasting_high" if fasting else alarm
        facts.glucose_seen = alarm is not None and _attended(newest, reading)


def newest_glucose(newest: Newest) -> tuple[str, Reading] | None:
    """The last glucose of any kind: a repeat normal reading ends an alarm."""
    found = [(code, reading) for code in GLUCOSE if (reading := newest.reading(code)) is not None]
    return max(found, key=lambda pair: pair[1].at, default=None)


def _smoking(facts: Facts, newest: Newest) -> None:
    status = newest.text("smoking_status")
    cigarettes = newest.reading("cigarettes_per_day")
    smokes = cigarettes is not None and float(cigarettes.value) > 0
    if smokes and (status is None or (cigarettes is not None and cigarettes.at > status.at)):
        facts.smoker, facts.nicotine = True, "current"
    elif status is not None:
        if status.value in SMOKING:
            facts.smoker, facts.nicotine = True, "current"
        elif status.value == FORMER:
            facts.smoker, facts.nicotine = False, _former(newest)
        elif status.value == NEVER:
            facts.smoker, facts.nicotine = False, "never"
    if facts.nicotine is not None:
        facts.ever_smoked = facts.nicotine != "never"
    days = newest.number("secondhand_smoke_days")
    facts.passive_smoking = days is not None and days >= blood_pressure.RISK["secondhand_days_from"]


def _former(newest: Newest) -> str:
    """How long ago somebody quit, as far as the readings tell; the middle row when they do not."""
    since, smoked = newest.now, False
    for reading in newest.all("smoking_status"):
        if reading.at > newest.now:
            continue
        if reading.value != FORMER:
            smoked = reading.value in SMOKING
            break
        since = reading.at
    for_long = newest.now - since
    if for_long >= _LONG:
        return "former >=5 y"
    return "former <1 y" if smoked and for_long < _SHORT else "former 1-<5 y"


def _habits(facts: Facts, newest: Newest) -> None:
    moderate = newest.number("moderate_activity_week")
    vigorous = newest.number("vigorous_activity_week")
    if moderate is not None or vigorous is not None:
        facts.activity_minutes = (moderate or 0.0) + 2 * (vigorous or 0.0)
    days = newest.number("exercise_days_week")
    if days is not None:
        facts.inactive = days < ACTIVE_DAYS
    elif facts.activity_minutes is not None:
        facts.inactive = facts.activity_minutes < ACTIVE_MINUTES
    sleep = newest.number("sleep_duration")
    facts.sleep_hours = None if sleep is None else sleep / 60
    vegetables, fruit = newest.number("vegetable_intake"), newest.number("fruit_intake")
    if vegetables is not None and fruit is not None:
        facts.vegetables_and_fruit = vegetables + fruit
    facts.salt = newest.number("salt_intake")


def _laboratory(facts: Facts, newest: Newest) -> None:
    facts.homocysteine = newest.number("homocysteine")
    facts.urate = newest.number("urate")
    facts.heart_rate = newest.number("resting_heart_rate")
    urine = newest.number("uacr")
    if urine is not None:
        facts.clinical_disease |= urine >= blood_pressure.CLINICAL["uacr_from"]
        facts.organ_damage |= urine >= blood_pressure.DAMAGE["uacr_from"]
    for code, name in LIVER.items():
        value = newest.number(code)
        # What the models would refuse as an input is as if it were not there.
        if value is not None and screens.accepts(name, value):
            setattr(facts, name, value)
    persistent = _persistent_egfr(facts, newest)
    if persistent is not None:
        facts.egfr_stage = kidney.stage(persistent)
        grown = {"G3a": 3, "G3b": 3, "G4": 4, "G5": 4}.get(facts.egfr_stage, 0)
        facts.ckd = max(facts.ckd, grown)


def _screens(facts: Facts, newest: Newest) -> None:
    """What only OSTA and COPD-PS ask for."""
    if facts.sex == "female":
        told = newest.text("post_menopausal")
        facts.post_menopausal = told is not None and told.value == PAST
    weight, total = newest.number("body_weight"), newest.number("copd_ps_total")
    if weight is not None and screens.accepts("body_weight", weight):
        facts.body_weight = weight
    if total is not None and screens.accepts("copd_ps_total", total):
        facts.copd_ps = total


def _persistent_egfr(facts: Facts, newest: Newest) -> float | None:
    """The better of two values at least three months apart; a single low one moves nothing."""
    values = [(reading.at, float(reading.value)) for reading in newest.numbers("egfr")]
    if not values:
        values = [
            (reading.at, kidney.filtration_umol(facts.sex, facts.age, float(reading.value)))
            for reading in newest.numbers("creatinine")
            if float(reading.value) > 0
        ]
    for at, value in values[1:]:
        if values[0][0] - at >= APART:
            return max(values[0][1], value)
    return None
