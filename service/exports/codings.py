"""Codes of FHIR resources: LOINC and UCUM where the vocabulary has them, our own beside or instead.

The other systems of HL7 here are those that data received in FHIR carry.
"""

from typing import Any

from consent.vocabulary import Text
from service.domain.vocabulary.measures import Measure

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
CONDITION_STATUS = "http://terminology.hl7.org/CodeSystem/condition-clinical"

Element = dict[str, Any]


def urn(name: str) -> str:
    """The address of something of our own."""
    return f"urn:kangma:{name}"


def coding(system: str, code: str, display: str | None = None) -> Element:
    found = {"system": urn(system), "code": code}
    return found if display is None else {**found, "display": display}


def concept(system: str, code: str, name: Text | None = None) -> Element:
    """A code of our own, with its names."""
    if name is None:
        return {"coding": [coding(system, code)]}
    return {"coding": [coding(system, code, name.en)], "text": name.zh}


def of_measure(measure: Measure) -> Element:
    """What was measured: by its LOINC code too, where it has one."""
    own = concept("measure", measure.code, measure.name)
    if measure.loinc is not None:
        loinc = {"system": LOINC, "code": measure.loinc}
        if measure.loinc_display is not None:
            loinc["display"] = measure.loinc_display
        own["coding"].insert(0, loinc)
    return own


def value_of(measure: Measure, value: float | str) -> Element:
    """The member that holds a value: a quantity in its UCUM unit, or the answer that was chosen."""
    if isinstance(value, str):
        names = (measure.options or {}).get(value)
        return {"valueCodeableConcept": concept(f"option:{measure.code}", value, names)}
    return {"valueQuantity": quantity(measure, value)}


def quantity(measure: Measure, value: float) -> Element:
    if measure.unit is None:
        return {"value": value}
    return {"value": value, "unit": measure.unit, "system": UCUM, "code": measure.unit}
