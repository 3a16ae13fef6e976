"""Values of a record: known measures, accepted units, plausible numbers, listed options."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from service.domain.vocabulary import units
from service.domain.vocabulary.faults import Faults, is_number, place, read_object
from service.domain.vocabulary.measures import MEASURES, Measure
from service.domain.vocabulary.record import Value

PRESSURES = (
    ("systolic_bp", "diastolic_bp"),
    ("systolic_bp_mean", "diastolic_bp_mean"),
)
"""Pairs whose first must exceed the second."""


class Wearer(NamedTuple):
    """What the limits of a measure depend on: sex, completed years, and whether a person typed."""

    sex: str
    age: int
    by_hand: bool


def read_values(faults: Faults, raw: Mapping[str, Any], wearer: Wearer) -> dict[str, Value]:
    """The stored values of a record, sorted by measure; whatever is wrong goes to `faults`."""
    given = read_object(faults, "/values", raw.get("values"))
    named = read_object(faults, "/units", raw.get("units"))
    values: dict[str, Value] = {}
    for code in sorted(given, key=str):
        value = _read_value(faults, code, given[code], named.get(code), wearer)
        if value is not None:
            values[code] = value
    for code in named:
        if code not in given:
            faults.add(place("/units", code), "unit-without-value")
    for systolic, diastolic in PRESSURES:
        if systolic in values and diastolic in values:
            _check_order(faults, systolic, values[systolic], values[diastolic])
    return values


def _read_value(faults: Faults, code: Any, raw: Any, unit: Any, wearer: Wearer) -> Value | None:
    measure = MEASURES.get(code)
    pointer = place("/values", code)
    if measure is None:
        faults.add(pointer, "unknown-measure")
        return None
    _check_wearer(faults, pointer, measure, wearer)
    if unit is not None and not isinstance(unit, str):
        faults.add(place("/units", code), "wrong-type")
        return None
    fault = misfit(measure, raw)
    if fault is not None:
        faults.add(pointer, fault)
        return None
    try:
        value = units.canonical(measure, raw, unit)
    except units.UnitFault:
        faults.add(place("/units", code), "unknown-unit")
        return None
    if not isinstance(value, str) and not measure.plausible.holds(value):
        faults.add(pointer, "out-of-range")
        return None
    return value


def misfit(measure: Measure, raw: object) -> str | None:
    """The fault code of a value that is not of the measure's type; None when it fits."""
    if measure.options is None:
        return None if is_number(raw) else "not-a-number"
    if not isinstance(raw, str):
        return "wrong-type"
    return None if raw in measure.options else "unknown-option"


def _check_wearer(faults: Faults, pointer: str, measure: Measure, wearer: Wearer) -> None:
    if measure.sex is not None and measure.sex != wearer.sex:
        faults.add(pointer, "wrong-sex")
    if not measure.ages.holds(wearer.age):
        faults.add(pointer, "wrong-age")
    if measure.only_derived and wearer.by_hand:
        faults.add(pointer, "derived-measure")


def _check_order(faults: Faults, code: str, systolic: Value, diastolic: Value) -> None:
    if not isinstance(systolic, str) and not isinstance(diastolic, str) and systolic <= diastolic:
        faults.add(f"/values/{code}", "pressure-order")
