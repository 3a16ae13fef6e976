"""Equations from elsewhere beside China-PAR: PREVENT, SCORE2, WHO 2019. None moves a level."""

from consent.vocabulary import Text
from service.domain.risk import predictor, prevent, score2, who_cvd
from service.domain.risk.inputs import rejected

from .result import Checked, Result, band_of

NO_THIRTY = Text(
    "30年方程只到59岁，不给出30年数值。",
    "The 30-year equations end at 59 years: no 30-year number is given.",
)
DIABETES = Text(
    "SCORE2不适用于糖尿病患者，不给出数值。",
    "SCORE2 is not for people with diabetes: no number is given.",
)
WITHOUT_LIPIDS = Text(
    "非化验版：没有用到血脂与糖尿病。",
    "The non-laboratory model: lipids and diabetes were not used.",
)
BEYOND_CHARTS = Text("图表只到74岁。", "The printed charts end at 74 years.")


def prevent_base(given: Checked) -> Result:
    scale = prevent.MMOL_PER_MG_DL if given["cholesterol_unit"] == "mg/dL" else 1.0
    person = prevent.Input(
        sex=given["sex"],
        age=given["age"],
        sbp=given["sbp"],
        tc=given["total_c"] * scale,
        hdl=given["hdl_c"] * scale,
        bmi=given["bmi"],
        egfr=given["egfr"],
        diabetes=given["diabetes"],
        smoker=given["smoker"],
        treated=given["htn_meds"],
        statin=given["statin"],
    )
    factors = prevent.factors(person)
    value: dict[str, float | None] = {}
    terms: dict[str, predictor.Terms] = {}
    for years in prevent.YEARS:
        for outcome in prevent.OUTCOMES:
            name = f"{outcome}_{years}"
            value[name] = None
            if prevent.defined(person.age, years):
                terms[name] = prevent.terms(person.sex, years, outcome, factors)
                value[name] = round(predictor.logistic_pct(terms[name]), 3)
    category = band_of(prevent.MODEL, predictor.logistic_pct(terms["total_cvd_10"]), prevent.CUTS)
    ended = not prevent.defined(person.age, prevent.YEARS[1])
    return Result(value, category, terms, notes=(NO_THIRTY,) if ended else ())


def score2_asia_pacific(given: Checked) -> Result:
    sex, age = given["sex"], given["age"]
    scales = score2.scales(given["model"], sex)
    if given["region"] not in scales:
        raise rejected("region", "unknown-choice")
    if given["diabetes"]:
        return Result(None, valid=False, notes=(DIABETES,))
    terms = score2.terms(
        sex,
        age=age,
        sbp=given["sbp"],
        tc=given["tc"],
        hdl=given["hdl"],
        smoker=given["smoker"],
        diabetes=given["diabetes"],
    )
    risk = score2.risk_pct(sex, terms, scales[given["region"]])
    return Result(round(risk, 1), band_of(score2.MODEL, risk, score2.cuts(age)), terms)


def who_cvd_2019(given: Checked) -> Result:
    edition = given["model"] or ("nonlab" if given["tc"] is None else "lab")
    needed = who_cvd.NEEDS[edition]
    if given[needed] is None:
        raise rejected(needed, "required")
    names = ("age", "sbp", "smoker", needed) + (("diabetes",) if edition == "lab" else ())
    values = {name: float(given[name]) for name in names}
    sex = given["sex"]
    terms = {end: who_cvd.terms(edition, sex, end, values) for end in who_cvd.ENDPOINTS}
    risks = {end: who_cvd.risk_pct(edition, sex, end, terms[end]) for end in terms}
    cvd = who_cvd.either(risks["chd"], risks["stroke"])
    notes = [WITHOUT_LIPIDS] if edition == "nonlab" else []
    if given["age"] >= who_cvd.CHART_AGE[1] + 1:
        notes.append(BEYOND_CHARTS)
    return Result(
        {**{end: round(risk, 3) for end, risk in risks.items()}, "cvd": round(cvd, 3)},
        band_of(who_cvd.MODEL, cvd, who_cvd.CUTS),
        {"model": edition, **terms},
        notes=tuple(notes),
    )
