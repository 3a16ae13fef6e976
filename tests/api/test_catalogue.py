"""The public catalogue speaks the shapes of the contract."""

import json
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from service.api import catalogue, problems, questionnaires
from service.cli.demo import city
from service.domain.regions import RegionTree
from tests.asgi import Doors, doors


@pytest.fixture(scope="module")
def client() -> Iterator[Doors]:
    app = FastAPI()
    problems.install(app)
    app.include_router(catalogue.router)
    app.include_router(questionnaires.router)
    app.state.issuer = "https://kangma.test"
    app.state.regions = RegionTree.from_json(json.dumps(city.regions()))
    with doors(app) as opened:
        yield opened


def test_all_measures_are_listed(client: Doors) -> None:
    answer = client.get("/v1/measures").json()
    assert len(answer["items"]) == 189
    assert answer["next"] is None


def test_a_measure_has_the_members_of_the_contract(client: Doors) -> None:
    found = client.get("/v1/measures/systolic_bp").json()
    assert found["name"] == {"zh": "收缩压", "en": "Systolic blood pressure"}
    assert (found["data_class"], found["grade"], found["unit"]) == ("body", 3, "mm[Hg]")
    assert found["plausible"] == {"min": 50, "max": 300}
    assert (found["loinc"], found["storage"], found["options"]) == ("8480-6", "record", None)
    assert found["alternative_units"] == [{"unit": "kPa", "factor": 7.50062, "offset": 0}]


def test_a_coded_measure_lists_its_options(client: Doors) -> None:
    found = client.get("/v1/measures/smoking_status").json()
    codes = [option["code"] for option in found["options"]]
    assert codes == ["never", "former", "some days", "every day"]
    assert (found["unit"], found["plausible"]) == (None, None)


def test_pages_cover_the_list_once(client: Doors) -> None:
    codes, cursor = [], None
    while True:
        query = {"limit": 50} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/measures", params=query).json()
        codes += [item["code"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(codes) == len(set(codes)) == 189


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/measures/aura", 404, "not-found"),
        ("/v1/questionnaires/tarot", 404, "not-found"),
        ("/v1/measures?cursor=aura", 400, "bad-cursor"),
        ("/v1/measures?colour=red", 400, "unknown-parameter"),
        ("/v1/regions?parent=nowhere&colour=red", 400, "unknown-parameter"),
    ],
)
def test_faults_are_problem_documents(client: Doors, path: str, status: int, code: str) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["code"] == code


def test_regions_by_level_and_parent(client: Doors) -> None:
    districts = client.get("/v1/regions?level=district").json()["items"]
    assert len(districts) >= 3
    below = client.get("/v1/regions", params={"parent": districts[0]["code"]}).json()["items"]
    assert {item["level"] for item in below} == {"street"}
    assert client.get("/v1/regions?parent=nowhere").json() == {"items": [], "next": None}


def test_classes_and_purposes(client: Doors) -> None:
    classes = {item["code"]: item for item in client.get("/v1/data-classes").json()["items"]}
    assert len(classes) == 11
    assert classes["infectious"]["grade"] == 5
    assert classes["infectious"]["separate_consent"] is True
    purposes = [item["code"] for item in client.get("/v1/purposes").json()["items"]]
    assert purposes == ["self_care", "care", "statistics", "emergency"]


def test_questionnaires_have_wording_or_say_why_not(client: Doors) -> None:
    listed = client.get("/v1/questionnaires").json()["items"]
    assert len(listed) == 21
    phq9 = client.get("/v1/questionnaires/phq9").json()
    assert len(phq9["items"]) == 9
    assert phq9["safety"] is not None
    mmse = client.get("/v1/questionnaires/mmse").json()
    assert mmse["items"] == []
    assert mmse["items_withheld"] is not None
