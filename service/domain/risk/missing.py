"""What is not known: the measures to enter next, and whether a low level may be final."""

from collections.abc import Iterator

from .facts import Facts
from .judgement import Judgement

FINAL_FROM = 3
"""Levels 1 and 2 need the key facts; from 3 on a missing fact could only make it worse."""


def missing(facts: Facts, found: Judgement) -> tuple[str, ...]:
    """Measure codes, the most useful first; a reading that is too old counts as missing."""
    return tuple(_missing(facts, found))


def _missing(facts: Facts, found: Judgement) -> Iterator[str]:
    if facts.sbp is None:
        yield "systolic_bp"
    if facts.dbp is None:
        yield "diastolic_bp"
    if facts.smoker is None:
        yield "smoking_status"
    if facts.bmi is None:
        yield from ("body_weight", "body_height")
    if facts.waist is None:
        yield "waist_circumference"
    if found.glucose_class is None:
        yield "glucose_fasting"
    if facts.tc is None:
        yield "total_cholesterol"
    if facts.hdl is None:
        yield "hdl_c"
    if facts.ldl is None:
        yield "ldl_c"
    if facts.activity_minutes is None:
        yield "moderate_activity_week"
    if facts.sleep_hours is None:
        yield "sleep_duration"
    if facts.vegetables_and_fruit is None:
        yield from ("vegetable_intake", "fruit_intake")
    yield from _liver(facts)


def _liver(facts: Facts) -> Iterator[str]:
    """Asked only of somebody with a reason to look at the liver."""
    if facts.pregnant or not facts.liver_reason:
        return
    for code, value in (
        ("alt", facts.alt),
        ("ast", facts.ast),
        ("platelets", facts.platelets),
    ):
        if value is None:
            yield code
    if facts.hepatitis and not facts.liver_cancer:
        for code, value in (("bilirubin_total", facts.bilirubin), ("albumin", facts.albumin)):
            if value is None:
                yield code


def complete(facts: Facts, found: Judgement) -> bool:
    """Blood pressure, smoking, BMI or waist, and glucose or the diabetes score."""
    return (
        facts.sbp is not None
        and facts.smoker is not None
        and (facts.bmi is not None or facts.waist is not None)
        and (found.glucose_class is not None or found.ncdrs is not None)
    )


def provisional(facts: Facts, found: Judgement) -> bool:
    """Is a level shown that more knowledge could raise?"""
    if found.level is None:
        return False
    return facts.pregnant or (found.level < FINAL_FROM and not complete(facts, found))
