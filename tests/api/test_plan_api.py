"""The plan over HTTP: each line sourced, goals from records, a guardian's look at a child's plan."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from service.api.me.plan import PlanOut
from service.kit.ids import new_id
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.family_room import begin, ok, refused
from tests.house_room import Person, Town, town
from tests.record_room import observation, pressure


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def log(here: Town, who: Person, *records: Any) -> None:
    answer = ok(here.doors.post("/v1/me/records", json={"records": records}, headers=who.headers))
    assert {one["status"] for one in answer["results"]} == {"created"}, answer


def plan(here: Town, who: Person) -> dict[str, Any]:
    answer = here.doors.get("/v1/me/plan", headers=who.headers)
    found: dict[str, Any] = ok(answer)
    assert answer.headers["cache-control"] == "no-store"
    PlanOut.model_validate(found, extra="forbid")
    for part in ("due", "follow_ups", "goals", "messages"):
        for line in found[part]:
            assert line["source"], line
            assert line["grade"] in "ABCP", line
            assert line["caveat"]["zh"], line
    return found


def stated(kind: str, code: str, start: str, **more: Any) -> dict[str, Any]:
    return {"id": str(new_id()), "kind": kind, "code": code, "start": start, **more}


def items(found: dict[str, Any]) -> dict[str, Any]:
    return {one["item"]: one for one in found["due"]}


def test_smoke(here: Town) -> None:
    lin = here.resident(birth_date="1956-02-03")
    import json
    log(here, lin, pressure(152, 95), observation({"body_weight": 70, "body_height": 160, "smoking_status": "every day"}),
        stated("condition", "hypertension", "2025-01-01T08:00:00+08:00"),
        stated("goal", "lower_weight", "2026-11-01T08:00:00+08:00", values={"body_weight": 65}))
    print(json.dumps(plan(here, lin), ensure_ascii=False, indent=1))
    assert 0
