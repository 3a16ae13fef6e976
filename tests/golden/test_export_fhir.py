"""The FHIR form of an export, read by models that somebody else wrote: R4B of `fhir.resources`.

None of the resources in it changed between R4 and R4B. Each is validated by its own class; codes
are held against the vocabulary, and values against what the doors of `/v1/me` tell.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from fhir.resources.R4B.bundle import Bundle

from service.domain.vocabulary.measures import MEASURES
from service.exports.form import FORMAT
from tests.export_room import exported, furnished
from tests.house_room import town
from tests.standing_room import NOW, settings

Told = tuple[dict[str, Any], dict[str, Any]]
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
RECORD = "urn:kangma:record"
STATED = {
    "questionnaire": "QuestionnaireResponse",
    "condition": "Condition",
    "medication": "MedicationStatement",
    "family_history": "FamilyMemberHistory",
    "procedure": "Procedure",
    "vaccination": "Immunization",
    "goal": "Goal",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """One resident's export: as JSON, and as a Bundle."""
    with ExitStack() as stack:
        made = settings(tmp_path_factory.mktemp("fhir"), "sqlite", stack)
        here = stack.enter_context(town(made, lambda: NOW))
        lin = furnished(here)
        yield exported(here, lin).json(), exported(here, lin, "fhir").json()


@pytest.fixture(scope="module")
def resources(told: Told) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in told[1]["entry"]]


def named(resource: dict[str, Any]) -> str | None:
    """The record that a resource is of."""
    found = resource.get("identifier", [])
    for one in found if isinstance(found, list) else [found]:
        if one["system"] == RECORD:
            return str(one["value"])
    return None


def codes(concept: dict[str, Any]) -> dict[str, str]:
    return {one["system"]: one["code"] for one in concept["coding"]}


def test_every_resource_is_valid(told: Told) -> None:
    _, bundle = told
    assert bundle["type"] == "collection"
    assert bundle["meta"]["tag"] == [{"system": "urn:kangma:export", "code": FORMAT}]
    Bundle.model_validate_json(json.dumps({**bundle, "entry": []}))
    found: Counter[str] = Counter()
    for entry in bundle["entry"]:
        resource = entry["resource"]
        found[resource["resourceType"]] += 1
        get_fhir_model_class(resource["resourceType"]).model_validate_json(json.dumps(resource))
        assert entry["fullUrl"] == f"urn:uuid:{resource['id']}"
    others = {"Observation", "Consent", "RiskAssessment", "AuditEvent", "Basic"}
    assert {*STATED.values(), *others} <= found.keys()
    assert found["Patient"] == 1


def test_no_two_resources_share_an_id(resources: list[dict[str, Any]]) -> None:
    ids = Counter(resource["id"] for resource in resources)
    assert [one for one, count in ids.items() if count > 1] == []


def test_everything_is_about_the_one_patient(resources: list[dict[str, Any]]) -> None:
    (patient,) = [one["id"] for one in resources if one["resourceType"] == "Patient"]
    for one in resources:
        if one["resourceType"] == "AuditEvent":
            assert one["entity"][0]["what"]["reference"] == f"urn:uuid:{patient}"
        elif one["resourceType"] != "Patient":
            about = one.get("subject") or one["patient"]
            assert about == {"reference": f"urn:uuid:{patient}"}


def test_each_value_of_each_record_is_there_with_its_unit(
    told: Told, resources: list[dict[str, Any]]
) -> None:
    compared = 0
    for record in told[0]["records"]:
        mine = [one for one in resources if named(one) == record["id"]]
        values = {} if record["kind"] == "goal" else record["values"]
        observed = {
            codes(one["code"])["urn:kangma:measure"]: one
            for one in mine
            if "urn:kangma:measure" in codes(one.get("code") or {"coding": []})
        }
        assert observed.keys() == values.keys()
        for code, value in values.items():
            measure, one = MEASURES[code], observed[code]
            assert codes(one["code"]).get(LOINC) == measure.loinc
            assert starts(one) == record["start"]
            if isinstance(value, str):
                chosen = codes(one["valueCodeableConcept"])
                assert chosen == {f"urn:kangma:option:{code}": value}
            else:
                quantity = one["valueQuantity"]
                assert quantity["value"] == value
                assert quantity.get("code") == measure.unit
                assert quantity.get("system", UCUM) == UCUM
            compared += 1
    assert compared > 100


def starts(observation: dict[str, Any]) -> str:
    period = observation.get("effectivePeriod")
    return str(period["start"] if period else observation["effectiveDateTime"])


def test_what_a_record_states_is_a_resource_of_its_own(
    told: Told, resources: list[dict[str, Any]]
) -> None:
    compared = set()
    for record in told[0]["records"]:
        mine = [one for one in resources if named(one) == record["id"]]
        assert mine, record["kind"]
        kind = STATED.get(record["kind"])
        if kind is not None:
            (one,) = [one for one in mine if one["resourceType"] == kind]
            assert record["start"] in json.dumps(one)
            assert (record["end"] or "") in json.dumps(one)
            compared.add(kind)
        if record.get("code"):
            own = {"system": f"urn:kangma:code:{record['kind']}", "code": record["code"]}
            assert any(json.dumps(own)[1:-1] in json.dumps(one) for one in mine)
        if record["note"]:
            assert any(one["note"] == [{"text": record["note"]}] for one in mine)
        for one in mine:
            (source,) = [x for x in one["extension"] if x["url"] == "urn:kangma:fhir:source"]
            said = source["valueCodeableConcept"]
            assert (codes(said)["urn:kangma:source"], said["text"]) == ("device", "+Omron")
    assert compared == set(STATED.values())


def test_goals_and_answers(told: Told, resources: list[dict[str, Any]]) -> None:
    by_id = {record["id"]: record for record in told[0]["records"]}
    (goal,) = [one for one in resources if one["resourceType"] == "Goal"]
    (target,) = goal["target"]
    assert codes(target["measure"])[LOINC] == MEASURES["body_weight"].loinc
    assert target["detailQuantity"]["value"] == by_id[goal["id"]]["values"]["body_weight"]
    (answered,) = [one for one in resources if one["resourceType"] == "QuestionnaireResponse"]
    given = {one["linkId"]: one["answer"][0]["valueInteger"] for one in answered["item"]}
    assert given == by_id[answered["id"]]["answers"]


def test_a_consent_says_what_its_grant_says(told: Told, resources: list[dict[str, Any]]) -> None:
    grants = {one["id"]: one for one in told[0]["grants"]}
    found = {one["id"]: one for one in resources if one["resourceType"] == "Consent"}
    assert found.keys() == grants.keys()
    for id_, consent in found.items():
        grant, provision = grants[id_], consent["provision"]
        assert consent["status"] == ("active" if grant["status"] == "active" else "inactive")
        assert provision["type"] == ("deny" if grant["deny"] else "permit")
        assert [one["code"] for one in provision.get("class", [])] == grant["data_classes"]
        assert [one["code"] for one in provision.get("purpose", [])] == grant["purposes"]
        acts = [codes(one)["urn:kangma:action"] for one in provision.get("action", [])]
        assert acts == grant["actions"]
        (actor,) = provision["actor"]
        assert actor["reference"]["identifier"]["value"] == grant["grantee"]["id"]
        assert provision["period"]["start"] == grant["valid_from"]
        assert provision["period"].get("end") == grant["valid_until"]


def test_what_fhir_has_no_resource_for_is_there_as_it_is(
    told: Told, resources: list[dict[str, Any]]
) -> None:
    found: dict[str, list[Any]] = {}
    for one in resources:
        if one["resourceType"] == "Basic":
            kind = codes(one["code"])["urn:kangma:kind"]
            found.setdefault(kind, []).append(json.loads(one["extension"][0]["valueString"]))
    for kind in ("prompt", "receipts", "contracts", "appeals", "requests", "notices"):
        there = told[0][kind]
        assert found[kind] == (there if isinstance(there, list) else [there]), kind


def test_codes_are_those_of_the_vocabulary(resources: list[dict[str, Any]]) -> None:
    """No system of somebody else but three, and of LOINC only codes that the data files have."""
    systems: set[str] = set()
    loinc: set[str] = set()
    for one in codings(resources):
        systems.add(one["system"])
        if one["system"] == LOINC:
            loinc.add(one["code"])
    foreign = {one for one in systems if not one.startswith("urn:kangma:")}
    clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    assert foreign == {LOINC, UCUM, clinical}
    assert loinc <= {measure.loinc for measure in MEASURES.values()}
    assert len(loinc) > 50


def codings(node: Any) -> Iterator[dict[str, Any]]:
    """Whatever names a code of a system."""
    if isinstance(node, list):
        for one in node:
            yield from codings(one)
    elif isinstance(node, dict):
        if "system" in node and "code" in node:
            yield node
        for one in node.values():
            yield from codings(one)
