"""Who agrees is counted, who does not is not, and whoever leaves is out at once."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from service.contributions import actions as contributions
from service.domain.anonymity import specification
from service.domain.care import counted
from service.domain.risk import change
from service.domain.risk.categories import CATEGORIES
from service.jobs.contribute import Outcome, contribute
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.family_room import begin, claim
from tests.house_room import COMMUNITY, Person, Town, town
from tests.record_room import observation, pressure, pressures

STATISTICS = {
    "grantee": {"kind": "service", "id": "statistics"},
    "purposes": ["statistics"],
    "data_classes": ["lifestyle", "body", "screening", "conditions"],
    "separate_consent": ["body", "screening", "conditions"],
}


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def agree(here: Town, who: Person, **changes: Any) -> str:
    answer = here.doors.post("/v1/me/grants", json=STATISTICS | changes, headers=who.headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def run(here: Town) -> Outcome:
    return contribute(here.house, now=here.house.clock())


def told(here: Town, who: Person) -> dict[str, Any]:
    answer = here.doors.get("/v1/me/contributions", headers=who.headers)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def kept(here: Town) -> list[dict[str, str]]:
    """Every contribution in words, as the publishing job would count it."""
    plan = specification.current()
    key = here.house.system.secret("statistics")
    batches = here.house.db.read(
        lambda conn: list(contributions.read_all(conn, statistics_key=key))
    )
    rows = np.concatenate(batches) if batches else []
    return [
        {
            "region": row["region"].decode(),
            "sex": plan.sexes[row["sex"]],
            "birth_year": str(row["birth_year"]),
            **{
                metric.key: metric.categories[row["codes"][slot]]
                for slot, metric in enumerate(plan.metrics)
            },
        }
        for row in rows
    ]


def test_a_consenting_residents_state_is_counted_by_category(here: Town) -> None:
    lin, wu = here.resident(), here.resident("wu")
    for who in (lin, wu):
        here.doors.post(
            "/v1/me/records",
            json={
                "records": [
                    *pressures(152, 95),
                    observation({"body_weight": 70, "body_height": 160}),
                ]
            },
            headers=who.headers,
        )
    agree(here, lin)
    assert run(here) == Outcome(1, 0)
    (row,) = kept(here)
    assert row["region"] == COMMUNITY
    assert (row["sex"], row["birth_year"]) == ("female", "1980")
    assert (row["pressure_control"], row["bmi"], row["contract"]) == ("raised", "overweight", "no")
    assert row["smoking"] == "unknown"
    assert told(here, lin)["contributing"]
    assert told(here, lin)["counted_in"]
    assert told(here, wu) | {"budget": None} == {
        "allowed": False,
        "contributing": False,
        "counted_in": [],
        "budget": None,
    }


def test_only_granted_classes_are_counted(here: Town) -> None:
    lin = here.resident()
    here.doors.post(
        "/v1/me/records",
        json={"records": [pressure(152, 95), observation({"smoking_status": "never"})]},
        headers=lin.headers,
    )
    agree(here, lin, data_classes=["lifestyle"], separate_consent=[])
    run(here)
    (row,) = kept(here)
    assert (row["pressure_control"], row["smoking"]) == ("unknown", "never")


def test_a_withdrawal_takes_the_contribution_out_at_once(here: Town) -> None:
    lin = here.resident()
    grant = agree(here, lin)
    run(here)
    assert len(kept(here)) == 1
    here.doors.delete(f"/v1/me/grants/{grant}", headers=lin.headers)
    assert kept(here) == []
    assert run(here) == Outcome(0, 0)


def test_shutting_everybody_out_and_erasure_take_it_out_too(here: Town) -> None:
    lin, wu = here.resident(), here.resident("wu")
    agree(here, lin)
    agree(here, wu)
    run(here)
    assert len(kept(here)) == 2
    shut = here.doors.put("/v1/me/deny-all", json={"on": True}, headers=lin.headers)
    assert shut.status_code == 200, shut.text
    assert len(kept(here)) == 1
    here.doors.delete("/v1/me", headers=wu.headers)
    assert kept(here) == []
    assert run(here) == Outcome(0, 0)


def test_a_grant_to_somebody_else_leaves_the_contribution_in(here: Town) -> None:
    lin, zhou = here.resident(), here.doctor()
    agree(here, lin)
    run(here)
    care = {
        "grantee": {"kind": "practitioner", "id": zhou.id},
        "purposes": ["care"],
        "data_classes": ["body"],
        "separate_consent": ["body"],
    }
    answer = here.doors.post("/v1/me/grants", json=care, headers=lin.headers)
    assert answer.status_code == 201, answer.text
    assert len(kept(here)) == 1


def test_a_later_run_removes_those_whose_grant_ran_out(here: Town, clock: MovingClock) -> None:
    lin = here.resident()
    agree(here, lin, valid_until="2026-11-21T00:00:00Z")
    assert run(here) == Outcome(1, 0)
    clock.now = clock.now.replace(day=25)
    assert run(here) == Outcome(0, 1)
    assert kept(here) == []


def test_a_run_passes_everybody_whatever_the_size_of_a_batch(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.jobs.contribute.BATCH", 2)
    for number in range(5):
        agree(here, here.resident(f"resident{number}"))
    assert run(here) == Outcome(5, 0)
    assert run(here) == Outcome(5, 0)
    assert len(kept(here)) == 5


def test_every_word_of_the_assessment_has_a_place_in_the_plan() -> None:
    plan = {metric.key: metric for metric in specification.current().metrics}
    told = {**CATEGORIES, **counted.CATEGORIES, **change.CATEGORIES}
    for key in ("bp", "glucose"):
        # Grades that only feed the metrics of control.
        del told[key]
    for key, words in told.items():
        unknown = plan[key].code(None)
        assert all(plan[key].code(word) != unknown for word in words)


def test_a_child_is_counted_by_a_guardians_consent_and_once_when_it_takes_over(
    here: Town, clock: MovingClock
) -> None:
    """A child has no sign-in to be known by; under its own one it must not be counted twice."""
    mother = here.resident("mother")
    child = begin(here, mother, birth_date="2012-11-21")
    grant = child.ask("POST", "/grants", STATISTICS)
    assert grant.status_code == 201, grant.text
    assert run(here) == Outcome(1, 0)
    assert child.ask("GET", "/contributions").json()["contributing"]
    assert not told(here, mother)["contributing"]
    (row,) = kept(here)
    assert row["birth_year"] == "2012"
    code = child.ask("POST", "/handover").json()["code"]
    clock.advance(timedelta(days=1))
    assert claim(here, code, "young").status_code == 201
    assert kept(here) == []
    assert run(here) == Outcome(1, 0)
    assert run(here) == Outcome(1, 0)
    young = here.sign_in("young")
    assert told(here, young)["contributing"]
    gone = here.doors.delete(f"/v1/me/grants/{grant.json()['id']}", headers=young.headers)
    assert gone.status_code == 200
    assert kept(here) == []
