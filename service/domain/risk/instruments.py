"""The `models` of a prompt: what each instrument said, with its terms, limits and source."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from . import (
    blood_pressure,
    body_size,
    china_par,
    essential_eight,
    glucose,
    lipids,
    liver,
    ncdrs,
    outside,
    screens,
    stroke,
)
from .calculators.result import band_of
from .catalogue import MODELS, Model
from .facts import Facts
from .judgement import Judgement, par_input
from .reasons import NAMES
from .screens import Screen

Entry = dict[str, Any]
CAVEATED = frozenset("CDP")
"""Grades whose caveat goes wherever the result goes; that of the others stands at /v1/models."""


def instruments(facts: Facts, found: Judgement) -> tuple[Entry, ...]:
    """Every instrument that could be evaluated, in the order of the catalogue."""
    return tuple(_entries(facts, found))


def _entry(
    model: Model,
    value: Any,
    category: str | None,
    terms: dict[str, Any],
    beyond: Sequence[str] = (),
) -> Entry:
    """`beyond` names the inputs that lie outside the range the model was made for."""
    said = [outside.told(beyond)] if beyond else []
    if model.grade in CAVEATED:
        said.append(model.caveat)
    return {
        "model": model.id,
        "value": value,
        "unit": model.unit,
        "category": category,
        "terms": terms,
        "valid": not beyond,
        "outside": list(beyond),
        "source": model.citation,
        "grade": model.grade,
        "notes": [note.both() for note in said],
    }


def _entries(facts: Facts, found: Judgement) -> Iterator[Entry]:
    given = par_input(facts)
    if given is not None and found.china_par is not None:
        yield _entry(
            china_par.MODEL,
            round(found.china_par, 2),
            china_par.category(found.china_par),
            {name: round(term, 4) for name, term in china_par.terms(given).items()},
            _beyond_par(facts, given),
        )
    if found.bp_grade is not None:
        yield _pressure(found)
    if facts.bmi is not None or facts.waist is not None:
        yield _body(facts)
    if found.glucose_class is not None:
        values = facts.glucose._asdict().items()
        yield _entry(
            glucose.MODEL,
            glucose.ANSWERS[found.glucose_class],
            found.glucose_class,
            {name: value for name, value in values if value is not None},
            _if("pregnancy", facts.pregnant),
        )
    if found.lipid is not None:
        yield _entry(
            lipids.MODEL,
            lipids.text_of(found.lipid),
            found.lipid.stratum,
            {"ldl_target_mmol_l": found.lipid.target, "because": list(found.lipid.because)},
        )
    if found.ncdrs is not None:
        yield _ncdrs(facts, found.ncdrs)
    if found.composite is not None:
        yield _entry(
            MODELS["lifes_essential_8"],
            found.composite,
            essential_eight.category(found.composite),
            dict(zip(NAMES, found.indices, strict=True)),
        )
    if found.stroke is not None:
        yield _entry(
            stroke.MODEL,
            found.stroke,
            stroke.CODES[found.stroke],
            dict.fromkeys(found.stroke_factors, True) | {"prior": facts.prior_stroke},
            _if("age", facts.age < stroke.AGE_FROM),
        )
    for item, screen in found.screens.items():
        yield SCREENS[item](facts, screen)


def _if(name: str, beyond: bool) -> tuple[str, ...]:
    return (name,) if beyond else ()


def _beyond_par(facts: Facts, given: china_par.Input) -> list[str]:
    """The age, and values that were moved to the edge of what the equation accepts."""
    found = [*_if("age", not china_par.inside_derivation(facts.age))]
    found += _if("sbp", given.sbp != facts.sbp)
    found += _if("waist", given.waist != facts.waist_par)
    for name, value in (("tc", facts.tc), ("hdl", facts.hdl)):
        low, high = china_par.LIMITS[name]
        found += _if(name, value is None or not low <= value <= high)
    return found


def _pressure(found: Judgement) -> Entry:
    grade = found.bp_grade or 0
    cell = found.bp_stratum
    return _entry(
        blood_pressure.MODEL,
        cell or blood_pressure.LABELS[grade],
        blood_pressure.STRATA[cell] if cell else blood_pressure.CODES[grade],
        {
            "grade": blood_pressure.CODES[grade],
            "stratum": cell,
            "risk_factors": found.bp_risk_factors,
        },
    )


def _body(facts: Facts) -> Entry:
    terms: dict[str, Any] = {}
    if facts.bmi is not None:
        terms["bmi"] = body_size.CODES[body_size.bmi_label(facts.bmi)]
    if facts.waist is not None:
        terms["waist"] = body_size.CODES[body_size.waist_label(facts.waist, facts.sex)]
    first = next(iter(terms.values()))
    labels = {code: label for label, code in body_size.CODES.items()}
    return _entry(body_size.MODEL, labels[first], first, terms, _if("pregnancy", facts.pregnant))


def _ncdrs(facts: Facts, score: int) -> Entry:
    assert facts.bmi is not None
    assert facts.waist is not None
    assert facts.sbp is not None
    terms = ncdrs.terms(
        facts.sex, facts.age, facts.bmi, facts.waist, facts.sbp, facts.family_diabetes
    )
    category = "high" if score >= ncdrs.CUT else "low"
    beyond = _if("age", not ncdrs.valid_at(facts.age))
    return _entry(ncdrs.MODEL, score, category, dict(terms), beyond)


def _fib4(facts: Facts, screen: Screen) -> Entry:
    given = screens.fib4_input(facts)
    assert given is not None
    low, high = liver.FIB4.inputs["age"]["derived"]
    return _entry(
        liver.FIB4,
        round(screen.value, 2),
        screens.fib4_category(facts, screen.value),
        {name: round(factor, 4) for name, factor in liver.fib4_factors(*given).items()},
        _if("age", not low <= facts.age <= high),
    )


def _fli(facts: Facts, screen: Screen) -> Entry:
    terms = screens.fli_terms(facts)
    assert terms is not None
    assert facts.bmi is not None
    assert facts.waist is not None
    return _entry(
        liver.FLI,
        round(screen.value, 1),
        band_of(liver.FLI, screen.value, liver.FLI.parameters["cuts"]),
        {name: round(term, 4) for name, term in terms.items()},
        [
            name
            for name, value in (("bmi", facts.bmi), ("waist", facts.waist))
            if not screens.accepts(name, value)
        ],
    )


def _amap(facts: Facts, screen: Screen) -> Entry:
    terms = screens.amap_terms(facts)
    assert terms is not None
    whole = liver.rounded(screen.value)
    value = {
        "score": round(screen.value, 3),
        "rounded_official": whole,
        "group": screen.group,
    }
    shown = {name: round(term, 4) for name, term in terms.items()}
    return _entry(liver.AMAP, value, screen.group, shown)


def _apcs(facts: Facts, screen: Screen) -> Entry:
    terms = screens.person_apcs_terms(facts)
    assert terms is not None
    category = band_of(screens.APCS, screen.value, screens.APCS.parameters["cuts"])
    return _entry(screens.APCS, screen.value, category, dict(terms))


def _lung(facts: Facts, screen: Screen) -> Entry:
    terms = screens.lung_terms(facts)
    assert terms is not None
    return _entry(screens.LUNG, screen.value, screen.group, dict(terms))


def _copd(facts: Facts, screen: Screen) -> Entry:
    category = band_of(screens.COPD, screen.value, [screens.COPD.parameters["cut"]])
    return _entry(screens.COPD, screen.value, category, {})


def _osta(facts: Facts, screen: Screen) -> Entry:
    given = screens.osta_input(facts)
    assert given is not None
    return _entry(
        screens.OSTA,
        {"index": round(screen.value, 2), "level": screen.group},
        screens.osta_category(screen.value),
        {name: round(term, 4) for name, term in screens.osta_terms(*given).items()},
    )


SCREENS: dict[str, Callable[[Facts, Screen], Entry]] = {
    "fib4": _fib4,
    "fli": _fli,
    "amap": _amap,
    "apcs": _apcs,
    "lung_screening": _lung,
    "copd_ps": _copd,
    "osta": _osta,
}
