"""FHIR R4 resources of one record: an Observation of each value, and what the record states."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID, uuid5

from consent.vocabulary import Text
from service.domain.vocabulary.codes import CODES
from service.domain.vocabulary.measures import MEASURES
from service.exports.codings import (
    CONDITION_STATUS,
    Element,
    concept,
    of_measure,
    quantity,
    urn,
    value_of,
)

RECORD, SOURCE, START = urn("record"), urn("fhir:source"), urn("fhir:start")
Record = Mapping[str, Any]


def of_record(record: Record, patient: str) -> Iterator[Element]:
    """Every resource names the record it is from."""
    makers = _STATED.get(record["kind"])
    if makers is not None:
        yield _stated(record, patient, makers)
    elif record.get("code") or not record["values"]:
        yield _observation(record, patient, "", {"code": _code(record)})
    if record["kind"] == "goal":
        return
    for code, value in record["values"].items():
        measure = MEASURES[code]
        said = {"code": of_measure(measure), **value_of(measure, value)}
        yield _observation(record, patient, code, said)


def subject_of(patient: str) -> Element:
    return {"reference": f"urn:uuid:{patient}"}


def _observation(record: Record, patient: str, code: str, said: Element) -> Element:
    return {
        "resourceType": "Observation",
        "id": str(uuid5(UUID(record["id"]), code)) if code else record["id"],
        **_from(record),
        "identifier": _named(record),
        "status": "final",
        "category": [concept("kind", record["kind"])],
        "subject": subject_of(patient),
        **_when(record, "effective"),
        **said,
        **_note(record),
    }


def _stated(record: Record, patient: str, make: Callable[[Record, str], Element]) -> Element:
    made = make(record, patient)
    type_ = made.pop("resourceType")
    return {"resourceType": type_, "id": record["id"], **_from(record), **made}


def _questionnaire(record: Record, patient: str) -> Element:
    answers = record.get("answers") or {}
    items = [{"linkId": item, "answer": [{"valueInteger": n}]} for item, n in answers.items()]
    return {
        "resourceType": "QuestionnaireResponse",
        "identifier": _named(record)[0],
        "questionnaire": urn(f"questionnaire:{record['questionnaire']}"),
        "status": "completed",
        "subject": subject_of(patient),
        "authored": record["start"],
        **({"item": items} if items else {}),
    }


def _condition(record: Record, patient: str) -> Element:
    status = record.get("status") or "active"
    ended = {"abatementDateTime": record["end"]} if record["end"] else {}
    return {
        "resourceType": "Condition",
        "identifier": _named(record),
        "clinicalStatus": {"coding": [{"system": CONDITION_STATUS, "code": status}]},
        "code": _code(record),
        "subject": subject_of(patient),
        "onsetDateTime": record["start"],
        **ended,
        **_note(record),
    }


def _medication(record: Record, patient: str) -> Element:
    return {
        "resourceType": "MedicationStatement",
        "identifier": _named(record),
        "status": "completed" if record.get("status") == "resolved" else "active",
        "medicationCodeableConcept": _code(record),
        "subject": subject_of(patient),
        **_when(record, "effective"),
        **_note(record),
    }


def _family_history(record: Record, patient: str) -> Element:
    return {
        "resourceType": "FamilyMemberHistory",
        "identifier": _named(record),
        "status": "completed",
        "patient": subject_of(patient),
        "date": record["start"],
        # The code says which relative, where it says it.
        "relationship": concept("kind", "family_history"),
        "condition": [{"code": _code(record)}],
        **_note(record),
    }


def _procedure(record: Record, patient: str) -> Element:
    return {
        "resourceType": "Procedure",
        "identifier": _named(record),
        "status": "completed",
        "code": _code(record),
        "subject": subject_of(patient),
        **_when(record, "performed"),
        **_note(record),
    }


def _vaccination(record: Record, patient: str) -> Element:
    return {
        "resourceType": "Immunization",
        "identifier": _named(record),
        "status": "completed",
        "vaccineCode": _code(record),
        "patient": subject_of(patient),
        "occurrenceDateTime": record["start"],
        **_note(record),
    }


def _goal(record: Record, patient: str) -> Element:
    targets = [_target(code, value) for code, value in record["values"].items()]
    return {
        "resourceType": "Goal",
        # FHIR lets a goal begin on a day, and a record begins at an instant.
        "extension": [
            *_from(record)["extension"],
            {"url": START, "valueDateTime": record["start"]},
        ],
        "identifier": _named(record),
        "lifecycleStatus": "completed" if record.get("status") == "resolved" else "active",
        "description": _code(record),
        "subject": subject_of(patient),
        **({"target": targets} if targets else {}),
        **_note(record),
    }


def _target(code: str, value: float | str) -> Element:
    measure = MEASURES[code]
    if isinstance(value, str):
        detail = value_of(measure, value)["valueCodeableConcept"]
        return {"measure": of_measure(measure), "detailCodeableConcept": detail}
    return {"measure": of_measure(measure), "detailQuantity": quantity(measure, value)}


_STATED: dict[str, Callable[[Record, str], Element]] = {
    "questionnaire": _questionnaire,
    "condition": _condition,
    "medication": _medication,
    "family_history": _family_history,
    "procedure": _procedure,
    "vaccination": _vaccination,
    "goal": _goal,
}


def _code(record: Record) -> Element:
    """What the record states; of one that states nothing, which kind it is."""
    code = record.get("code")
    if code is None:
        return concept("kind", record["kind"])
    known = CODES[record["kind"]].get(code)
    names: Text | None = None if known is None else known.name
    return concept(f"code:{record['kind']}", code, names)


def _named(record: Record) -> list[Element]:
    return [{"system": RECORD, "value": record["id"]}]


def _from(record: Record) -> Element:
    """Who or what entered it, and whether it still holds where the resource cannot say so."""
    source = concept("source", record["source"]["kind"])
    if record["source"]["name"]:
        source["text"] = record["source"]["name"]
    return {"extension": [{"url": SOURCE, "valueCodeableConcept": source}]}


def _when(record: Record, member: str) -> Element:
    if record["end"] is None:
        return {f"{member}DateTime": record["start"]}
    return {f"{member}Period": {"start": record["start"], "end": record["end"]}}


def _note(record: Record) -> Element:
    return {"note": [{"text": record["note"]}]} if record["note"] else {}
