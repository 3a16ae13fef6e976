"""What diagnoses, medicines and family history mean to the models."""

from .catalogue import read
from .facts import Facts
from .person import Person

SCREENED = (
    *(
        "fatty_liver",
        "hepatitis",
        "copd",
        "osteoporosis",
        "colorectal_cancer",
        "lung_cancer",
        "liver_cancer",
    ),
    *("family_colorectal_cancer", "family_lung_cancer"),
)
"""Meanings that only screens ask for, named as the fact each sets."""


def _meanings_of_codes() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for meaning, kinds in read("assessment")["codes"].items():
        for kind, codes in kinds.items():
            for code in codes:
                found.setdefault(kind, {}).setdefault(code, []).append(meaning)
    return found


_MEANINGS = _meanings_of_codes()
"""Kind of history -> code -> what it means (`codes` in data/assessment.json)."""


def meanings(person: Person) -> set[str]:
    """All that the codes of a person mean."""
    return {
        meaning
        for kind, meant in _MEANINGS.items()
        for code in getattr(person, kind)
        for meaning in meant.get(code, ())
    }


def histories(facts: Facts, person: Person) -> None:
    """Set every fact that a code of the person tells."""
    meant = meanings(person)
    facts.htn_dx = "hypertension" in meant
    facts.bp_treated = "pressure_treated" in meant
    facts.lipid_treated = "lipid_treated" in meant
    facts.dyslipidaemia_dx = "dyslipidaemia" in meant
    facts.diabetes = "diabetes" in meant
    facts.diabetes_complications = "diabetes_complications" in meant or (
        facts.diabetes and "retinopathy" in meant
    )
    facts.ascvd = "ascvd" in meant
    facts.prior_stroke = "stroke" in meant
    facts.severe_events = sum(
        event in meant for event in ("severe_heart_event", "severe_brain_event")
    )
    facts.high_risk_history = int("revascularised" in meant)
    facts.familial = "familial" in meant
    facts.af_or_valve = "af_or_valve" in meant
    facts.clinical_disease = facts.ascvd or "clinical" in meant
    facts.organ_damage = "organ_damage" in meant
    facts.ckd = 4 if "ckd_4" in meant else 3 if "ckd_3" in meant else 0
    for name in SCREENED:
        setattr(facts, name, name in meant)
    facts.family_ascvd = "family_ascvd" in meant
    facts.family_early_cvd = "family_early_cvd" in meant
    facts.family_stroke = "family_stroke" in meant
    facts.family_diabetes = "family_diabetes" in meant
