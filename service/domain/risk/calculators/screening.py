"""Screening: who is advised a test. Eligible is not ill, and no score here is a probability."""

from consent.vocabulary import Text
from service.domain.risk.catalogue import MODELS
from service.domain.risk.screens import (
    APCS,
    COPD,
    LUNG,
    OSTA_GROUPS,
    apcs_terms,
    of_age,
    osta_category,
    osta_index,
    osta_terms,
)
from service.domain.risk.tables import Steps

from .result import Checked, Result, band_of

ADVISED = Text("这是筛查分数，不是患病概率。", "This is a screening score, not a probability.")
QUIT_UNKNOWN = Text(
    "未提供戒烟年数，吸烟一项不计。",
    "Years since quitting were not given: past smoking was not counted.",
)
NOT_DERIVED = Text(
    "建立于绝经后女性，结果仅供参考。",
    "Derived in post-menopausal women: a rough guide only.",
)
TWO_CANCER, FINDRISC = MODELS["cn_two_cancer"], MODELS["findrisc"]
_LUNG, _FIND = LUNG.parameters, FINDRISC.parameters
COPD_AGE = Steps(COPD.parameters["age"])
FINDRISC_STEPS = {name: Steps(_FIND[name]) for name in ("age", "waist_male", "waist_female")}


def apcs(given: Checked) -> Result:
    terms = apcs_terms(
        given["age"],
        given["sex"],
        family=given["family_history_crc"],
        smoked=given["smoking"] != "never",
    )
    score = sum(terms.values())
    return Result(score, band_of(APCS, score, APCS.parameters["cuts"]), terms, notes=(ADVISED,))


def lung(given: Checked) -> Result:
    heavy = _least(given["pack_years"], _LUNG["pack_years_from"])
    since = given["years_since_quit"]
    recent = given["current_smoker"] or (since is not None and since < _LUNG["quit_years_below"])
    passive = given["passive_smoking_years_with_such_smoker"]
    terms = {
        "smoking": heavy and recent,
        "passive_smoking": passive is not None and passive > _LUNG["passive_years_over"],
        "copd": given["copd"],
        "occupational_exposure": _least(
            given["occupational_exposure_years"], _LUNG["exposure_years_from"]
        ),
        "first_degree_lung_cancer": given["first_degree_lung_cancer"],
    }
    right_age = of_age(given["age"], _LUNG["age"])
    eligible = right_age and any(terms.values())
    unknown = heavy and not given["current_smoker"] and since is None
    return Result(
        eligible,
        _eligibility(eligible),
        {"age": right_age, **terms},
        notes=(QUIT_UNKNOWN,) if unknown else (),
    )


def two_cancer(given: Checked) -> Result:
    rule = TWO_CANCER.parameters
    terms = {"sex": given["sex"] == rule["sex"], "age": of_age(given["age"], rule["age"])}
    eligible = all(terms.values())
    return Result(eligible, _eligibility(eligible), terms)


def copd_ps(given: Checked) -> Result:
    names = ("breathless_4w", "phlegm", "does_less_12m", "smoked_100_cigarettes")
    terms = {name: int(given[name]) for name in names} | {"age": COPD_AGE.at(given["age"])}
    score = sum(terms.values())
    category = band_of(COPD, score, [COPD.parameters["cut"]])
    return Result(score, category, terms, notes=(ADVISED,))


def findrisc(given: Checked) -> Result:
    bmi = given["bmi"]
    terms = {
        "age": FINDRISC_STEPS["age"].at(given["age"]),
        "bmi": _FIND["bmi_points"][(bmi >= _FIND["bmi_from"]) + (bmi > _FIND["bmi_over"])],
        "waist": FINDRISC_STEPS[f"waist_{given['sex']}"].at(given["waist"]),
        "active": 0 if given["active"] else _FIND["inactive"],
        "veg": 0 if given["veg"] else _FIND["no_veg"],
        "bp_meds": _FIND["bp_meds"] if given["bp_meds"] else 0,
        "glucose": _FIND["glucose"] if given["glucose"] else 0,
        "fh": _FIND["fh"][given["fh"]],
    }
    score = sum(terms.values())
    return Result(score, band_of(FINDRISC, score, _FIND["cuts"]), terms, notes=(ADVISED,))


def osta(given: Checked) -> Result:
    weight, age = given["weight"], given["age"]
    index = osta_index(weight, age)
    category = osta_category(index)
    derived = given["sex"] != "male" and given["post_menopausal"]
    return Result(
        {"index": round(index, 2), "level": OSTA_GROUPS[category]},
        category,
        osta_terms(weight, age),
        derived,
        () if derived else (NOT_DERIVED,),
    )


def _least(value: float | None, bound: float) -> bool:
    return value is not None and value >= bound


def _eligibility(eligible: bool) -> str:
    return "eligible" if eligible else "not_eligible"
