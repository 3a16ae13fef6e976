"""Body size, glucose, the diabetes score, kidney filtration and the follow-up norm."""

from math import prod

from consent.vocabulary import Text
from service.domain.risk import body_size, control, glucose, kidney, ncdrs
from service.domain.risk.inputs import rejected

from .result import Checked, Result, need_one

REPEAT = Text("无症状者须复查确认。", "Without symptoms the test must be repeated.")
OGTT = Text("建议做口服葡萄糖耐量试验。", "An oral glucose tolerance test is advised.")
ATTENTION = Text(
    "处于美国糖尿病前期范围，值得关注；不是中国诊断分类。",
    "Inside the American prediabetes band: worth attention, not a Chinese category.",
)
SCREEN = Text("这是筛查分数，不是患病概率。", "This is a screening score, not a probability.")


def cn_body_size(given: Checked) -> Result:
    need_one(given, "bmi", "waist")
    answers = {}
    if given["bmi"] is not None:
        answers["bmi"] = body_size.bmi_label(given["bmi"])
    if given["waist"] is not None:
        if given["sex"] is None:
            raise rejected("sex", "required")
        answers["waist"] = body_size.waist_label(given["waist"], given["sex"])
    codes = {name: body_size.CODES[label] for name, label in answers.items()}
    only = len(answers) == 1
    return Result(
        value=next(iter(answers.values())) if only else answers,
        category=next(iter(codes.values())),
        terms=codes,
    )


def cn_glucose(given: Checked) -> Result:
    need_one(given, "fpg", "ogtt_2h", "random", "hba1c")
    values = glucose.Values(given["fpg"], given["ogtt_2h"], given["random"], given["hba1c"])
    category = glucose.classify(values) or "normal"
    notes = []
    if category == "diabetes_range" and not given["symptoms"]:
        notes.append(REPEAT)
    if glucose.advises_ogtt(values) and category != "diabetes_range":
        notes.append(OGTT)
    if glucose.attention(values):
        notes.append(ATTENTION)
    terms = {name: value for name, value in values._asdict().items() if value is not None}
    return Result(glucose.ANSWERS[category], category, terms, notes=tuple(notes))


def ncdrs_score(given: Checked) -> Result:
    terms = ncdrs.terms(
        given["sex"], given["age"], given["bmi"], given["waist"], given["sbp"], given["fh"]
    )
    score = sum(terms.values())
    category = "high" if score >= ncdrs.CUT else "low"
    return Result(score, category, terms, notes=(SCREEN,))


def egfr(given: Checked) -> Result:
    factors = kidney.factors(given["sex"], given["age"], given["scr_mg_dl"])
    value = prod(factors.values())
    return Result(round(value, 1), kidney.stage(value), factors)


def followup_control(given: Checked) -> Result:
    need_one(given, "sbp", "dbp", "fasting_glucose", "random_glucose")
    systolic, diastolic = given["sbp"], given["dbp"]
    if (systolic is not None or diastolic is not None) and given["age"] is None:
        raise rejected("age", "required")
    met = [
        given["age"] is None or control.pressure_satisfied(given["age"], systolic or 0, diastolic),
        control.glucose_satisfied(given["fasting_glucose"], given["random_glucose"]) is not False,
    ]
    urgent = control.pressure_urgent(systolic, diastolic) or any(
        control.glucose_urgent(given[name]) is not None
        for name in ("fasting_glucose", "random_glucose")
        if given[name] is not None
    )
    category = "satisfied" if all(met) and not urgent else "unsatisfied"
    if given["adverse_reaction"]:
        category = "adverse_reaction"
    if given["new_or_worse_complication"]:
        category = "complication"
    text = control.LABELS[category] + (" + urgent referral" if urgent else "")
    refer = category in ("adverse_reaction", "complication") or (
        category == "unsatisfied" and given["previous_unsatisfactory"]
    )
    terms = {"pressure_met": met[0], "glucose_met": met[1], "urgent": urgent, "refer": refer}
    return Result(text, category, terms)
