"""Screens of a person: whose liver, bowel, lung or bones a guideline advises to have looked at.

A screen runs only where every input it needs is known. It advises a check and says nothing of
what somebody has, so one that advises nothing moves no level (see `judgement`).
"""

from typing import NamedTuple

from . import liver
from .catalogue import MODELS, read
from .facts import Facts
from .predictor import STEEP
from .tables import Steps

APCS, LUNG = MODELS["apcs"], MODELS["cn_lung_screening"]
_POINTS = APCS.parameters["points"]
_APCS_AGE = Steps(_POINTS["age"])
COPD, OSTA = MODELS["copd_ps"], MODELS["osta"]
_FROM = read("assessment")["screens"]
APCS_AGE_FROM: int = _FROM["apcs_age_from"]
COPD_AGE_FROM: int = _FROM["copd_ps_age_from"]
_HIGH_FLI: float = liver.FLI.parameters["cuts"][-1]
_APCS_GROUPS = Steps(zip((0, *APCS.parameters["cuts"]), ("0-1", "2-3", "4-7"), strict=True))
_AMAP_GROUPS = Steps(
    zip((0, *liver.AMAP.parameters["cuts"]), ("low", "medium", "high"), strict=True)
)
_FIB4_GROUPS = {"low": "lt1.30", "indeterminate": "1.30to2.67", "high": "gt2.67"}

_FLI_IN, _FIB4_IN, _AMAP_IN = liver.FLI.inputs, liver.FIB4.inputs, liver.AMAP.inputs
_ACCEPTED: dict[str, tuple[float, float]] = {
    "triglycerides": tuple(_FLI_IN["tg"]["ranges"]["mmol/L"]),
    **{
        name: (rule["min"], rule["max"])
        for name, rule in (
            ("ggt", _FLI_IN["ggt"]),
            ("bmi", _FLI_IN["bmi"]),
            ("waist", _FLI_IN["waist"]),
            ("alt", _FIB4_IN["alt"]),
            ("ast", _FIB4_IN["ast"]),
            ("platelets", _FIB4_IN["platelets"]),
            ("albumin", _AMAP_IN["albumin"]),
            ("bilirubin", _AMAP_IN["bilirubin"]),
            ("body_weight", OSTA.inputs["weight"]),
        )
    },
    "copd_ps_total": (0, 10),
}


class Screen(NamedTuple):
    """What a screen gives: its value, and its category in the tables of a rule pack."""

    value: float
    group: str


def accepts(name: str, value: float) -> bool:
    """Would the models take this value as an input?"""
    low, high = _ACCEPTED[name]
    return low <= value <= high


def screened(facts: Facts) -> dict[str, Screen]:
    """Every screen that could be run, keyed as the rule pack keys it; none in pregnancy."""
    found: dict[str, Screen] = {}
    if facts.pregnant:
        return found
    for name, run in _SCREENS:
        screen = run(facts)
        if screen is not None:
            found[name] = screen
    return found


def fib4_input(facts: Facts) -> tuple[float, float, float, float] | None:
    """Age, AST, ALT, platelets; None without a reason to look at the liver."""
    ast, alt, platelets = facts.ast, facts.alt, facts.platelets
    if not facts.liver_reason or ast is None or alt is None or platelets is None:
        return None
    return facts.age, ast, alt, platelets


def fib4_category(facts: Facts, index: float) -> str:
    """The model's own category, with the lower cut that counts at this age."""
    older = facts.age >= liver.FIB4_OLDER_FROM
    return liver.fib4_category(index, liver.FIB4_OLDER_LOW if older else liver.FIB4_CUTS[0])


def fli_terms(facts: Facts) -> dict[str, float] | None:
    """Contributions to the fatty liver index; a size is moved to the edge of what it accepts."""
    tg, ggt = facts.triglycerides, facts.ggt
    if tg is None or ggt is None or facts.bmi is None or facts.waist is None:
        return None
    return liver.fli_terms(
        tg * liver.MG_DL_PER_MMOL, _moved("bmi", facts.bmi), ggt, _moved("waist", facts.waist)
    )


def _moved(name: str, value: float) -> float:
    low, high = _ACCEPTED[name]
    return min(max(value, low), high)


def amap_terms(facts: Facts) -> dict[str, float] | None:
    """Contributions to aMAP; None without a known chronic hepatitis, or with a liver cancer."""
    bilirubin, albumin, platelets = facts.bilirubin, facts.albumin, facts.platelets
    if not facts.hepatitis or facts.liver_cancer:
        return None
    if bilirubin is None or albumin is None or platelets is None:
        return None
    return liver.amap_terms(facts.age, facts.sex == "male", bilirubin, albumin, platelets)


def apcs_terms(age: float, sex: str, *, family: bool, smoked: bool) -> dict[str, int]:
    """Points of the Asia-Pacific colorectal screening score."""
    return {
        "age": _APCS_AGE.at(age),
        "sex": _POINTS["sex"][sex],
        "family_history_crc": _POINTS["family_history_crc"]["yes" if family else "no"],
        "smoking": _POINTS["smoking"]["current_or_past" if smoked else "never"],
    }


def person_apcs_terms(facts: Facts) -> dict[str, int] | None:
    """Points of this person; None where it is not known whether they ever smoked."""
    if facts.ever_smoked is None or facts.age < APCS_AGE_FROM or facts.colorectal_cancer:
        return None
    return apcs_terms(
        facts.age,
        facts.sex,
        family=facts.family_colorectal_cancer,
        smoked=facts.ever_smoked,
    )


def is_of_age_alone(name: str, facts: Facts) -> bool:
    """Does a screen rest on nothing but age and sex? The mapping lets no such thing move a level.

    Only the bowel score counts years by themselves; it is shown, with its advice, all the same.
    """
    return name == "apcs" and not (facts.ever_smoked or facts.family_colorectal_cancer)


def of_age(age: float, limits: list[int]) -> bool:
    """In completed years: somebody of 74 stays 74 until the birthday."""
    return bool(limits[0] <= age < limits[1] + 1)


def lung_terms(facts: Facts) -> dict[str, bool] | None:
    """The criteria this person is known to meet; one is enough.

    None where none is known: pack-years and exposure are in no record, so nobody can be said not
    to be eligible.
    """
    if facts.lung_cancer or not of_age(facts.age, LUNG.parameters["age"]):
        return None
    met = {"copd": facts.copd, "first_degree_lung_cancer": facts.family_lung_cancer}
    known = {name: True for name, holds in met.items() if holds}
    return {"age": True, **known} if known else None


def osta_input(facts: Facts) -> tuple[float, float] | None:
    """Weight and age of a woman who is known to be past the menopause."""
    # A path that names a weight sets `weight`, which is otherwise the same one.
    weight = facts.body_weight if facts.weight is None else facts.weight
    return (weight, facts.age) if facts.post_menopausal and weight is not None else None


def osta_terms(weight: float, age: float) -> dict[str, float]:
    factor = OSTA.parameters["factor"]
    return {"weight": factor * weight, "age": -factor * age}


def osta_index(weight: float, age: float) -> float:
    # One multiplication: -20 kg are -4.0 exactly, and the band turns there.
    return float((weight - age) * OSTA.parameters["factor"])


def osta_category(index: float) -> str:
    low, high = OSTA.parameters["cuts"]
    return "high" if index < low else "medium" if index <= high else "low"


OSTA_GROUPS: dict[str, str] = {entry["category"]: entry["label"] for entry in OSTA.categories}
"""The labels that the tables of a rule pack go by."""


def _fib4(facts: Facts) -> Screen | None:
    given = fib4_input(facts)
    if given is None:
        return None
    index = liver.fib4_index(*given)
    return Screen(index, _FIB4_GROUPS[fib4_category(facts, index)])


def _fli(facts: Facts) -> Screen | None:
    terms = fli_terms(facts)
    if terms is None:
        return None
    index = liver.fli_index(min(sum(terms.values()), STEEP))
    return Screen(index, "ge60" if index >= _HIGH_FLI else "lt60")


def _apcs(facts: Facts) -> Screen | None:
    terms = person_apcs_terms(facts)
    if terms is None:
        return None
    score = sum(terms.values())
    return Screen(score, _APCS_GROUPS.at(score))


def _lung(facts: Facts) -> Screen | None:
    return None if lung_terms(facts) is None else Screen(True, "eligible")


def _amap(facts: Facts) -> Screen | None:
    terms = amap_terms(facts)
    if terms is None:
        return None
    score = min(100.0, max(0.0, sum(terms.values())))
    return Screen(score, _AMAP_GROUPS.at(liver.rounded(score)))


def _copd(facts: Facts) -> Screen | None:
    """The total as somebody entered it; the points of its age are in it already."""
    if facts.copd_ps is None or facts.age < COPD_AGE_FROM:
        return None
    return Screen(facts.copd_ps, "ge5" if facts.copd_ps >= COPD.parameters["cut"] else "lt5")


def _osta(facts: Facts) -> Screen | None:
    given = osta_input(facts)
    if given is None:
        return None
    index = osta_index(*given)
    return Screen(index, OSTA_GROUPS[osta_category(index)])


_SCREENS = (
    ("fib4", _fib4),
    ("fli", _fli),
    ("amap", _amap),
    ("apcs", _apcs),
    ("lung_screening", _lung),
    ("copd_ps", _copd),
    ("osta", _osta),
)
"""In the order of the catalogue."""
