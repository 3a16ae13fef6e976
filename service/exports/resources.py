"""FHIR R4 resources of what an export holds.

LOINC and UCUM codes are those of the vocabulary. What has no published code there keeps the code it
has here, in code systems of our own (`urn:kangma:...`); what FHIR has no resource for is a `Basic`
with its JSON, so that nothing is left out.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from service.domain.vocabulary.measures import MEASURES
from service.exports.codings import Element, coding, concept, of_measure, quantity, urn
from service.exports.entries import of_record, subject_of

DOCUMENT, INDEX = urn("fhir:document"), urn("fhir:index")
Item = Mapping[str, Any]


def of(kind: str, item: Item, patient: str) -> Iterator[Element]:
    """The resources that say what one thing of an export says."""
    make = _MAKERS.get(kind)
    if make is not None:
        yield from make(item, patient)
    else:
        yield _basic(kind, item, patient)


def _id(patient: str, *parts: object) -> str:
    """The same thing has the same id in every export."""
    return str(uuid5(UUID(patient), "/".join(map(str, parts))))


def _basic(kind: str, item: Item, patient: str) -> Element:
    text = json.dumps(item, ensure_ascii=False, separators=(",", ":"))
    return {
        "resourceType": "Basic",
        "id": _id(patient, kind, item.get("id") or text),
        "extension": [{"url": DOCUMENT, "valueString": text}],
        "code": concept("kind", kind),
        "subject": subject_of(patient),
    }


def _profile(item: Item, patient: str) -> Iterator[Element]:
    """Nobody is named: whoever takes the file somewhere else says whose it is."""
    yield {
        "resourceType": "Patient",
        "id": patient,
        "gender": item["sex"],
        "birthDate": item["birth_date"],
    }


def _day(item: Item, patient: str) -> Iterator[Element]:
    """An Observation of each sample: those of a day are seldom as regular as SampledData wants."""
    measure = MEASURES[item["measure"]]
    code = of_measure(measure)
    midnight = datetime.combine(date.fromisoformat(item["day"]), time(), ZoneInfo(item["zone"]))
    for second, value in zip(item["t"], item["v"], strict=True):
        yield {
            "resourceType": "Observation",
            "id": _id(patient, measure.code, item["day"], second),
            "status": "final",
            "category": [concept("kind", "series")],
            "code": code,
            "subject": subject_of(patient),
            # Seconds are those of the wall clock, as the sum of a local time is.
            "effectiveDateTime": (midnight + timedelta(seconds=second)).isoformat(),
            "valueQuantity": quantity(measure, value),
        }


def _moment(item: Item, patient: str) -> Iterator[Element]:
    level = item["level"]
    risk = {"qualitativeRisk": concept("level", str(level))}
    index = {"url": INDEX, "valueDecimal": item["index"]}
    yield {
        "resourceType": "RiskAssessment",
        "id": _id(patient, "level", item["at"]),
        **({} if item["index"] is None else {"extension": [index]}),
        "status": "final",
        "subject": subject_of(patient),
        "occurrenceDateTime": item["at"],
        **({} if level is None else {"prediction": [risk]}),
    }


def _grant(item: Item, patient: str) -> Iterator[Element]:
    grantee = item["grantee"]
    who = {"identifier": {"system": urn(grantee["kind"]), "value": grantee["id"]}}
    period = {"start": item["valid_from"], "end": item["valid_until"]}
    observed = {"start": item["observations_from"], "end": item["observations_to"]}
    provision = {
        "type": "deny" if item["deny"] else "permit",
        "period": _given(period),
        "actor": [{"role": concept("grantee", grantee["kind"]), "reference": who}],
        "action": [concept("action", one) for one in item["actions"]],
        "purpose": [coding("purpose", one) for one in item["purposes"]],
        "class": [coding("data-class", one) for one in item["data_classes"]],
        "dataPeriod": _given(observed),
    }
    yield {
        "resourceType": "Consent",
        "id": item["id"],
        "status": "active" if item["status"] == "active" else "inactive",
        "scope": concept("consent", "grant"),
        "category": [concept("grant-status", item["status"])],
        "patient": subject_of(patient),
        "dateTime": item["valid_from"],
        "policyRule": concept("notice", item["notice"] or "none"),
        "provision": _given(provision),
    }


def _look(item: Item, patient: str) -> Iterator[Element]:
    actor = item["actor"]
    who = {"identifier": {"system": urn(actor["kind"]), "value": actor["id"]}}
    if actor["name"]:
        who["display"] = actor["name"]
    yield {
        "resourceType": "AuditEvent",
        "id": _id(patient, "look", item["seq"]),
        "type": coding("look", item["decision"]),
        "subtype": [coding("action", item["action"])],
        "recorded": item["at"],
        "outcomeDesc": item["text"]["zh"],
        "purposeOfEvent": [concept("purpose", item["purpose"])],
        "agent": [{"who": who, "requestor": not item["automatic"]}],
        "source": {"observer": {"display": "Kangma"}},
        "entity": [{"what": subject_of(patient), "detail": _details(item)}],
    }


def _details(item: Item) -> list[Element]:
    told = {"rule": item["rule"], "hash": item["hash"], "classes": " ".join(item["data_classes"])}
    return [{"type": name, "valueString": text} for name, text in told.items() if text]


def _given(element: Element) -> Element:
    """Without what is empty: FHIR knows no null."""
    return {name: value for name, value in element.items() if value not in (None, [], {})}


_MAKERS: dict[str, Callable[[Item, str], Iterator[Element]]] = {
    "profile": _profile,
    "records": of_record,
    "series": _day,
    "prompts": _moment,
    "grants": _grant,
    "access_log": _look,
}
