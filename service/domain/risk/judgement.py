"""From facts to a level: every item that can be evaluated, its level, and the worst of them.

Items and their levels are those of the rule pack in force. Control relief lowers, once and by one,
an item that a diagnosis fixes, when its targets are met and the person does not smoke.
"""

from dataclasses import dataclass, field

from . import (
    blood_pressure,
    china_par,
    composite,
    control,
    essential_eight,
    glucose,
    lipids,
    ncdrs,
    stroke,
)
from .body_size import CENTRAL_FROM, OBESE_FROM
from .facts import Facts
from .rules import Rules, in_force
from .screens import Screen, is_of_age_alone, screened

PAR_AGES = (20, 85)
URGENT_ITEMS = frozenset({"urgent_blood_pressure", "urgent_glucose"})
"""Items of an alarming reading, which are gone with a repeated normal one."""


@dataclass(slots=True)
class Judgement:
    """What each model said, the level of each item, and the worst of them (None: no item)."""

    level: int | None = None
    items: dict[str, int] = field(default_factory=dict)
    china_par: float | None = None
    bp_grade: int | None = None
    bp_stratum: str | None = None
    bp_risk_factors: int = 0
    lipid: lipids.Stratum | None = None
    stroke: str | None = None
    stroke_factors: tuple[str, ...] = ()
    glucose_class: str | None = None
    ncdrs: int | None = None
    indices: tuple[int | None, ...] = ()
    composite: float | None = None
    pressure_met: bool = False
    glucose_met: bool = False
    relieved: tuple[str, ...] = ()
    screens: dict[str, Screen] = field(default_factory=dict)

    @property
    def lasting(self) -> int | None:
        """The worst of the items that no single reading makes or ends."""
        levels = (level for item, level in self.items.items() if item not in URGENT_ITEMS)
        return max(levels, default=None)

    @property
    def alarm(self) -> int | None:
        """The level of an alarming reading, when there is one."""
        levels = (level for item, level in self.items.items() if item in URGENT_ITEMS)
        return max(levels, default=None)


def judge(facts: Facts) -> Judgement:
    """Total: any combination of known and unknown facts of an adult gives a judgement."""
    found, rules = Judgement(), in_force()
    found.glucose_class = glucose.classify(facts.glucose)
    found.pressure_met = facts.control_sbp is not None and control.pressure_satisfied(
        facts.age, facts.control_sbp, facts.control_dbp
    )
    found.glucose_met = _glucose_met(facts, found.glucose_class)
    _china_par(facts, found, rules)
    _blood_pressure(facts, found, rules)
    if not facts.pregnant:
        _lipids(facts, found, rules)
        _stroke(facts, found, rules)
    _glucose(facts, found, rules)
    _screens(facts, found, rules)
    _others(facts, found, rules)
    found.level = max(found.items.values(), default=None)
    return found


def _glucose_met(facts: Facts, category: str | None) -> bool:
    if facts.diabetes:
        return glucose.controlled(facts.glucose) is True
    return category != "diabetes_range"


def _relieve(found: Judgement, rules: Rules, item: str, level: int, earned: bool) -> None:
    if earned and level >= rules.relief_from:
        found.relieved += (item,)
        level = max(rules.chronic_floor, level - 1)
    found.items[item] = level


def par_input(facts: Facts) -> china_par.Input | None:
    """The equation's input, each value moved to the edge of what the model accepts; None if any
    is missing, with established disease, in pregnancy, or outside the ages the site computes."""
    waist = facts.waist_par
    if facts.ascvd or facts.prior_stroke or facts.pregnant:
        return None
    if facts.smoker is None or waist is None:
        return None
    if facts.sbp is None or facts.tc is None or facts.hdl is None:
        return None
    if not PAR_AGES[0] <= facts.age <= PAR_AGES[1]:
        return None
    within = china_par.LIMITS
    scale = china_par.MMOL_PER_MG_DL
    return china_par.Input(
        sex=facts.sex,
        age=facts.age,
        sbp=_inside(facts.sbp, within["sbp"]),
        treated=facts.bp_treated,
        tc=_inside(facts.tc, within["tc"]) / scale,
        hdl=_inside(facts.hdl, within["hdl"]) / scale,
        waist=_inside(waist, within["waist"]),
        smoker=facts.smoker,
        diabetes=facts.diabetes or (facts.fpg is not None and facts.fpg >= glucose.DIABETES["fpg"]),
        north=facts.north,
        urban=facts.urban,
        family_history=facts.family_ascvd,
    )


def _inside(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])


def _china_par(facts: Facts, found: Judgement, rules: Rules) -> None:
    given = par_input(facts)
    if given is None:
        return
    found.china_par = china_par.risk_pct(given)
    # Below the derivation age the number is shown with a flag and moves nothing.
    if facts.age >= china_par.DERIVATION_AGE[0]:
        levels = rules.steps["china_par_pct"]
        found.items["china_par_10y"] = levels.at(china_par.judged_pct(given))


def dyslipidaemic(facts: Facts) -> bool:
    """The risk-factor definition of the hypertension guideline."""
    limits = blood_pressure.RISK
    return (
        (facts.tc is not None and facts.tc >= limits["tc_from"])
        or (facts.ldl is not None and facts.ldl >= limits["ldl_from"])
        or (facts.hdl is not None and facts.hdl < limits["hdl_below"])
    )


def obese(facts: Facts) -> bool:
    return (facts.waist is not None and facts.waist >= CENTRAL_FROM[facts.sex]) or (
        facts.bmi is not None and facts.bmi >= OBESE_FROM
    )


def risk_factors(facts: Facts, glucose_class: str | None) -> tuple[str, ...]:
    """The nine risk factors of the 2024 list that this person has."""
    limits = blood_pressure.RISK
    checks = (
        ("age", facts.age > limits["age_over"][facts.sex]),
        ("smoking", facts.smoker is True or facts.passive_smoking),
        ("impaired_glucose", glucose_class in ("ifg", "igt", "ifg_igt")),
        ("dyslipidaemia", dyslipidaemic(facts)),
        ("early_family_history", facts.family_early_cvd),
        ("obesity", obese(facts)),
        (
            "homocysteine",
            facts.homocysteine is not None and facts.homocysteine >= limits["homocysteine_from"],
        ),
        ("urate", facts.urate is not None and facts.urate >= limits["urate_from"][facts.sex]),
        (
            "heart_rate",
            facts.heart_rate is not None and facts.heart_rate > limits["resting_heart_rate_over"],
        ),
    )
    return tuple(name for name, holds in checks if holds)


def _blood_pressure(facts: Facts, found: Judgement, rules: Rules) -> None:
    found.bp_risk_factors = len(risk_factors(facts, found.glucose_class))
    if facts.sbp is None:
        return
    row = blood_pressure.row(
        risk_factors=found.bp_risk_factors,
        organ_damage=facts.organ_damage,
        ckd3=facts.ckd == 3,
        diabetes=facts.diabetes or found.glucose_class == "diabetes_range",
        clinical=facts.clinical_disease or facts.diabetes_complications or facts.ckd >= 4,
    )
    found.bp_grade = blood_pressure.grade(facts.sbp, facts.dbp)
    found.bp_stratum = blood_pressure.stratum(facts.sbp, facts.dbp, row, facts.htn_dx)
    level = blood_pressure.level(rules.tables["bp_stratum"], found.bp_stratum, found.bp_grade)
    earned = facts.htn_dx and found.pressure_met and facts.smoker is False
    _relieve(found, rules, "bp_stratum", level, earned)


def lipid_input(facts: Facts) -> lipids.Input:
    early = facts.family_early_cvd
    abnormal = lipids.abnormal(facts.tc, facts.ldl, facts.hdl) is True
    return lipids.Input(
        age=facts.age,
        sex=facts.sex,
        ldl=facts.ldl,
        tc=facts.tc,
        hdl=facts.hdl,
        htn=facts.hypertensive,
        smoking=facts.smoker is True,
        diabetes=facts.diabetes,
        ckd=facts.ckd >= 3,
        sbp=facts.sbp,
        dbp=facts.dbp,
        bmi=facts.bmi,
        diabetic_factors=sum(
            (facts.hypertensive, abnormal, facts.smoker is True, obese(facts), early)
        ),
        diabetic_damage=facts.organ_damage or facts.diabetes_complications,
        ascvd=facts.ascvd,
        severe_events=facts.severe_events,
        high_risk_history=facts.high_risk_history,
        familial=facts.familial,
    )


def _lipids(facts: Facts, found: Judgement, rules: Rules) -> None:
    result = lipids.stratify(lipid_input(facts))
    if result.stratum is None:
        return
    found.lipid = result
    below = facts.ldl is not None and result.target is not None and facts.ldl < result.target
    earned = below and found.pressure_met and found.glucose_met and facts.smoker is False
    _relieve(found, rules, "lipid_2023", rules.tables["lipid_2023"][result.stratum], earned)


def stroke_factors(facts: Facts) -> tuple[str, ...]:
    """Which of the eight this person is known to have."""
    abnormal = lipids.abnormal(facts.tc, facts.ldl, facts.hdl) is True or facts.dyslipidaemia_dx
    checks = (
        ("hypertension", facts.hypertensive),
        ("af_or_valve", facts.af_or_valve),
        ("smoking", facts.smoker is True),
        ("dyslipidaemia", abnormal),
        ("diabetes", facts.diabetes),
        ("inactive", facts.inactive is True),
        ("obese", facts.bmi is not None and facts.bmi >= stroke.BMI_FROM),
        ("family_history_stroke", facts.family_stroke),
    )
    return tuple(name for name, holds in checks if holds)


def _stroke(facts: Facts, found: Judgement, rules: Rules) -> None:
    if facts.age < stroke.AGE_FROM and not facts.prior_stroke:
        return
    factors = stroke_factors(facts)
    count = len(factors)
    disease = facts.hypertensive or facts.diabetes or facts.af_or_valve
    complete = (
        (facts.sbp is not None or facts.htn_dx)
        and facts.smoker is not None
        and facts.bmi is not None
        and (facts.tc is not None or facts.ldl is not None or facts.dyslipidaemia_dx)
    )
    decided = facts.prior_stroke or disease or count >= stroke.HIGH_FROM
    if not complete and not decided:
        return
    found.stroke_factors = factors
    found.stroke = stroke.result(count, disease, facts.prior_stroke)
    met = found.pressure_met and found.glucose_met and facts.smoker is False
    levels = rules.tables["stroke_8_2"]
    if facts.prior_stroke:
        earned = met and _ldl_met(facts, found)
        _relieve(found, rules, "stroke_8_2", levels["prior"], earned)
    else:
        earned = met and found.stroke == "中危"
        _relieve(found, rules, "stroke_8_2", levels[found.stroke], earned)


def _ldl_met(facts: Facts, found: Judgement) -> bool:
    target = found.lipid.target if found.lipid else None
    return facts.ldl is not None and target is not None and facts.ldl < target


def _glucose(facts: Facts, found: Judgement, rules: Rules) -> None:
    if facts.diabetes:
        if facts.diabetes_complications:
            key = "diabetes_complications"
        elif glucose.controlled(facts.glucose) is False:
            key = "diabetes_uncontrolled"
        else:
            key = "diabetes_controlled"
    elif found.glucose_class is not None:
        key = {"diabetes_range": "diabetes_uncontrolled", "normal": "normal"}.get(
            found.glucose_class, "ifg_igt"
        )
    else:
        found.ncdrs = _ncdrs(facts)
        if found.ncdrs is None:
            return
        key = "ncdrs_ge25_unconfirmed" if found.ncdrs >= ncdrs.CUT else "normal"
    found.items["glucose"] = rules.tables["glucose"][key]


def _ncdrs(facts: Facts) -> int | None:
    if facts.pregnant or facts.bmi is None or facts.waist is None or facts.sbp is None:
        return None
    if facts.age < ncdrs.VALID_AGE[0]:
        return None
    return ncdrs.score(
        facts.sex, facts.age, facts.bmi, facts.waist, facts.sbp, facts.family_diabetes
    )


def _screens(facts: Facts, found: Judgement, rules: Rules) -> None:
    found.screens = screened(facts)
    for item, screen in found.screens.items():
        level = rules.tables[item][screen.group]
        # A screen that advises nothing is no health: alone it would make somebody green. And what
        # age and sex alone invite to is an invitation to everybody of that age, not a risk.
        if level > 1 and not is_of_age_alone(item, facts):
            found.items[item] = level


def _others(facts: Facts, found: Judgement, rules: Rules) -> None:
    if facts.egfr_stage is not None:
        found.items["egfr"] = rules.tables["egfr"][facts.egfr_stage]
    urgent = rules.tables["urgent"]
    # Once a clinician has entered something the row is over; the text of what to do stays.
    if control.pressure_urgent(facts.newest_sbp, facts.newest_dbp) and not facts.pressure_seen:
        found.items["urgent_blood_pressure"] = urgent["bp_ge_180_110"]
    if facts.glucose_alarm is not None and not facts.glucose_seen:
        found.items["urgent_glucose"] = urgent["glucose_ge_16.7_or_le_3.9"]
    if facts.ascvd:
        met = found.pressure_met and found.glucose_met and facts.smoker is False
        earned = met and _ldl_met(facts, found)
        _relieve(found, rules, "prior_ascvd", urgent["prior_ascvd"], earned)
    found.indices = indices(facts, found.glucose_class)
    found.composite = composite.mean_of_whole(found.indices)
    if found.composite is not None:
        found.items["composite"] = rules.steps["composite"].at(found.composite)
    chronic = facts.htn_dx or facts.diabetes or facts.ascvd or facts.ckd >= 3
    if chronic and found.items:
        found.items["chronic_disease"] = rules.chronic_floor


def indices(facts: Facts, glucose_class: str | None) -> tuple[int | None, ...]:
    """The eight factor indices in the order of `factors.NAMES`; None where not scored."""
    return (
        None
        if facts.vegetables_and_fruit is None
        else composite.diet_index(facts.vegetables_and_fruit, facts.salt),
        None
        if facts.activity_minutes is None
        else essential_eight.activity(facts.activity_minutes),
        None if facts.nicotine is None else essential_eight.nicotine(facts.nicotine),
        None if facts.sleep_hours is None else essential_eight.sleep(facts.sleep_hours),
        None if facts.bmi is None or facts.pregnant else essential_eight.body(facts.bmi),
        None
        if facts.non_hdl is None
        else essential_eight.lipids(facts.non_hdl * essential_eight.MG_DL, facts.lipid_treated),
        glucose_index(facts, glucose_class),
        None
        if facts.sbp is None
        else essential_eight.blood_pressure(facts.sbp, facts.dbp, facts.bp_treated),
    )


def glucose_index(facts: Facts, glucose_class: str | None) -> int | None:
    """LE8 glucose, the worse of fasting and HbA1c; a value in the diabetes range without HbA1c
    takes the first diabetes row (40), a diagnosed one that misses its fasting target the second."""
    rows = essential_eight
    if facts.diabetes or glucose_class == "diabetes_range":
        if facts.hba1c is not None:
            points: int = rows.DIABETES_HBA1C.at(facts.hba1c)
            return points
        if facts.diabetes and glucose_class is None:
            return None
        missed = facts.diabetes and glucose.controlled(facts.glucose) is False
        return int(rows.DIABETES_HBA1C.at(7.0 if missed else 0.0))
    known = []
    if facts.fpg is not None:
        known.append(int(rows.FPG_MMOL.at(facts.fpg)))
    if facts.hba1c is not None:
        known.append(int(rows.HBA1C.at(facts.hba1c)))
    return min(known, default=None)
