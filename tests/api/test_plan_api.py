"""The plan over HTTP: sourced lines, goals from records, a guardian and the plan of a child."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from typing import Any

import pytest

from consent.vocabulary import DataClass
from service.api.me.plan import PlanOut
from service.kit.ids import new_id
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.family_room import begin, ok
from tests.house_room import Person, Town, town
from tests.record_room import by_practitioner, observation, pressure

PARTS = ("due", "later", "fitness", "youth", "follow_ups", "goals", "messages")


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def log(here: Town, who: Person, *records: Any, path: str = "/v1/me") -> None:
    """By whoever enters it: what a practitioner saw comes through the door of one."""
    for staff, given in groupby(records, by_practitioner):
        there, writer = (path, who) if not staff else by_doctor(here, who, path)
        wish = {"records": list(given)}
        answer = here.doors.post(f"{there}/records", json=wish, headers=writer.headers)
        statuses = {one["status"] for one in ok(answer)["results"]}
        assert statuses == {"created"}, answer.text
        if staff:
            ok(here.doors.delete(f"{path}/contract", headers=who.headers))


def by_doctor(here: Town, who: Person, path: str) -> tuple[str, Person]:
    """The address of somebody for a doctor with whom they just signed, and that doctor."""
    doctor = here.doctor(f"dr-{new_id()}")
    classes = [one.value for one in DataClass]
    wish = {"doctor_id": doctor.id, "package": "basic", "data_classes": classes}
    ok(here.doors.post(f"{path}/contract", json=wish, headers=who.headers), 201)
    subject = path.rsplit("/", 1)[1] if "children" in path else who.id
    return f"/v1/doctor/patients/{subject}", doctor


def plan(here: Town, who: Person, path: str = "/v1/me") -> dict[str, Any]:
    answer = here.doors.get(f"{path}/plan", headers=who.headers)
    found: dict[str, Any] = ok(answer)
    assert answer.headers["cache-control"] == "no-store"
    PlanOut.model_validate(found, extra="forbid")
    single = [found[part] for part in ("exercise", "growth", "pregnancy") if found[part]]
    for line in (*single, *(line for part in PARTS for line in found[part])):
        assert line["source"], line
        assert line["grade"] in "ABCP", line
        assert line["caveat"]["zh"], line
    return found


def stated(kind: str, code: str, day: str = "2026-11-01", **more: Any) -> dict[str, Any]:
    start = f"{day}T08:00:00+08:00"
    return {"id": str(new_id()), "kind": kind, "code": code, "start": start, **more}


def seen(values: dict[str, Any], day: str, kind: str = "practitioner") -> dict[str, Any]:
    record: dict[str, Any] = observation(values, f"{day}T09:00:00+08:00")
    return {**record, "source": {"kind": kind, "name": None}}


def items(found: dict[str, Any]) -> dict[str, Any]:
    return {one["item"]: one for one in found["due"]}


def goal(found: dict[str, Any], measure: str, authority: str = "resident") -> dict[str, Any]:
    (one,) = (
        one for one in found["goals"] if (one["measure"], one["authority"]) == (measure, authority)
    )
    return dict(one)


def test_somebody_new_has_a_plan(here: Town) -> None:
    found = plan(here, here.resident(birth_date="1980-05-17"))
    assert (found["day"], found["life_stage"]) == ("2026-11-20", "adult")
    assert {"blood_pressure", "glucose", "cardiovascular_risk"} <= items(found).keys()
    assert found["exercise"]["status"] == "prescribed"
    assert found["exercise"]["rules"] == ["base_18_64"]
    assert (found["follow_ups"], found["goals"], found["pregnancy"]) == ([], [], None)
    assert found["messages"][0]["id"] == "active-adult"


def test_a_goal_is_a_record_and_its_progress_comes_from_the_others(here: Town) -> None:
    lin = here.resident()
    log(
        here,
        lin,
        seen({"body_weight": 80}, "2026-06-01", "manual"),
        seen({"body_weight": 75}, "2026-10-30", "manual"),
        stated("goal", "lower_weight", values={"body_weight": 65}),
        seen({"body_weight": 71}, "2026-11-12", "manual"),
    )
    found = goal(plan(here, lin), "body_weight")
    assert found["baseline"] == {"value": 75, "day": "2026-10-30"}
    assert found["latest"] == {"value": 71, "day": "2026-11-12"}
    assert (found["target"], found["percent"], found["met"]) == (65, 40, False)
    assert found["since"] == "2026-11-01"
    log(here, lin, seen({"body_weight": 65}, "2026-11-19", "manual"))
    assert goal(plan(here, lin), "body_weight")["percent"] == 100


def test_before_there_was_a_value_the_first_one_is_where_it_began(here: Town) -> None:
    lin = here.resident()
    log(here, lin, stated("goal", "lower_weight", values={"body_weight": 65}))
    assert goal(plan(here, lin), "body_weight")["percent"] is None
    log(here, lin, seen({"body_weight": 75}, "2026-11-05", "manual"))
    assert goal(plan(here, lin), "body_weight")["percent"] == 0
    log(here, lin, seen({"body_weight": 70}, "2026-11-15", "manual"))
    assert goal(plan(here, lin), "body_weight")["percent"] == 50


def test_a_goal_that_is_over_is_no_goal_and_the_newest_one_counts(here: Town) -> None:
    lin = here.resident()
    old = stated("goal", "lower_weight", "2026-10-01", values={"body_weight": 68})
    log(here, lin, old, stated("goal", "lower_weight", values={"body_weight": 65}))
    assert goal(plan(here, lin), "body_weight")["target"] == 65
    other = stated("goal", "less_salt", status="resolved", values={"salt_intake": 5})
    log(here, lin, other)
    assert {one["measure"] for one in plan(here, lin)["goals"]} == {"body_weight"}


def test_steps_are_the_mean_of_whole_days(here: Town) -> None:
    lin = here.resident()
    log(here, lin, stated("goal", "more_steps", "2026-11-10", values={"steps": 8000}))
    days = [("2026-11-07", [1000, 3000]), ("2026-11-18", [5000]), ("2026-11-19", [3000, 4000])]
    days.append(("2026-11-20", [10]))
    series = [
        {"measure": "steps", "day": day, "t": [3600 * n for n in range(len(v))], "v": v}
        for day, v in days
    ]
    ok(here.doors.post("/v1/me/series", json={"series": series}, headers=lin.headers))
    found = goal(plan(here, lin), "steps")
    assert found["baseline"] == {"value": 4000, "day": "2026-11-09"}
    assert found["latest"] == {"value": 6000, "day": "2026-11-19"}
    assert found["percent"] == 50


def test_a_diagnosis_is_followed_and_has_goals_of_norm_and_guideline(here: Town) -> None:
    lin = here.resident(birth_date="1956-02-03")
    log(
        here,
        lin,
        stated("condition", "hypertension", "2020-01-01"),
        seen({"systolic_bp": 158, "diastolic_bp": 92}, "2026-10-30"),
        seen({"systolic_bp": 156, "diastolic_bp": 88}, "2026-11-13"),
    )
    found = plan(here, lin)
    (one,) = found["follow_ups"]
    assert one["control"]["class"] == "unsatisfied"
    assert one["referral"]["reason"] == "twice_unsatisfied"
    assert (one["due"], one["visits_this_year"], one["basis"]) == ("2026-11-27", 2, "visit")
    assert goal(found, "systolic_bp", "norm")["target"] == 150
    assert goal(found, "systolic_bp", "guideline")["target"] == 130
    assert goal(found, "systolic_bp", "norm")["percent"] == 25
    assert "blood_pressure" not in items(found)


def test_what_was_done_is_due_again_and_who_did_it_counts(here: Town) -> None:
    lin = here.resident(birth_date="1956-02-03")
    log(
        here,
        lin,
        seen({"elder_selfcare_total": 2}, "2026-03-05", "manual"),
        stated("procedure", "low_dose_ct_chest", "2026-02-01"),
        stated("condition", "copd", "2019-01-01"),
    )
    found = plan(here, lin)
    later = {one["item"]: one for one in found["later"]}
    assert items(found).keys().isdisjoint(later)
    assert (later["elder_selfcare"]["due"], later["elder_selfcare"]["overdue"]) == (
        "2027-03-05",
        False,
    )
    assert later["lung_screening"]["due"] == "2027-02-01"
    assert items(found)["elder_frailty"]["last"] is None


def test_a_diagnosis_in_a_closed_class_is_known_to_its_owner(here: Town) -> None:
    lin = here.resident()
    assert "liver_cancer_risk" not in items(plan(here, lin))
    log(here, lin, stated("condition", "chronic_hepatitis_b", "2011-01-01"))
    assert "liver_cancer_risk" in items(plan(here, lin))


def test_a_birthday_begins_at_midnight_where_somebody_lives(here: Town, clock: MovingClock) -> None:
    """It is 09:00 on 20 November in the city."""
    east = here.resident("east", birth_date="1961-11-21")
    west = here.resident("west", birth_date="1961-11-21")
    amend = {"zone": "Asia/Urumqi"}
    ok(here.doors.patch("/v1/me", json=amend, headers=west.headers))
    stages = []
    for minutes in (15 * 60 - 1, 1, 2 * 60 - 1, 1):
        clock.advance(timedelta(minutes=minutes))
        again = [here.sign_in(one) for one in ("east", "west")]
        stages.append([plan(here, one)["life_stage"] for one in again])
    assert east.id != west.id
    assert stages == [
        ["adult", "adult"],
        ["older", "adult"],
        ["older", "adult"],
        ["older", "older"],
    ]


def test_pregnancy_has_its_own_visits_and_the_doctors_colours(here: Town) -> None:
    lin = here.resident(birth_date="1996-05-17")
    log(here, lin, seen({"pregnancy_status": "pregnant"}, "2026-10-01", "manual"))
    found = plan(here, lin)
    assert items(found).keys() == {"antenatal_week_unknown", "blood_pressure", "glucose"}
    assert found["pregnancy"]["colours"] == []
    log(
        here,
        lin,
        seen({"gestational_age": 12.0}, "2026-11-06"),
        stated("condition", "pregnancy_risk_red", "2026-10-20"),
        {**stated("condition", "pregnancy_risk_yellow"), "source": {"kind": "practitioner"}},
        {**stated("condition", "pregnancy_risk_purple"), "source": {"kind": "practitioner"}},
    )
    found = plan(here, lin)
    assert found["life_stage"] == "pregnant"
    assert items(found)["antenatal_16_20_weeks"]["due"] == "2026-12-04"
    assert items(found).keys() == {"antenatal_16_20_weeks", "blood_pressure", "glucose"}
    assert [one["colour"] for one in found["pregnancy"]["colours"]] == ["yellow", "purple"]


def test_a_guardian_sees_the_childs_plan_and_the_look_is_logged(here: Town) -> None:
    child = begin(here, here.resident(), birth_date="2025-11-10")
    found = plan(here, child.guardian, child.path)
    assert [one["item"] for one in found["due"]] == [
        "child_visit_12_months",
        "child_visit_18_months",
    ]
    assert found["life_stage"] == "child"
    prompt = ok(child.ask("GET", "/prompt"))
    assert prompt["level"] is None
    assert "18" in prompt["reason"]["zh"]
    log(here, child.guardian, seen({"body_weight": 9.8}, "2026-11-12"), path=child.path)
    assert items(plan(here, child.guardian, child.path)).keys() == {"child_visit_18_months"}
    grown = plan(here, child.guardian, child.path)["growth"]
    assert (grown["day"], grown["findings"][0]["indicator"]) == ("2026-11-12", "weight_for_age")
    looks = ok(child.ask("GET", "/access-log"))["items"]
    assert {one["action"] for one in looks} >= {"read"}


def test_a_pupils_results_are_scored_once_the_grade_of_the_school_year_is_told(here: Town) -> None:
    child = begin(here, here.resident(), birth_date="2015-05-17", sex="male")
    results: dict[str, Any] = {
        "vital_capacity": 2500,
        "run_50m": 9.0,
        "sit_and_reach": 8.3,
        "rope_skip_1min": 155,
        "situps_1min": 36,
        "shuttle_50x8": 112,
        "body_height": 145,
        "body_weight": 40,
    }
    test = {**observation(results, "2026-11-12T09:00:00+08:00"), "kind": "fitness_test"}
    hour = observation({"school_sport_minutes": 60}, "2026-11-12T18:00:00+08:00")
    log(here, child.guardian, test, hour, path=child.path)
    (line,) = plan(here, child.guardian, child.path)["fitness"]
    assert (line["missing"], line["total"], line["edition"]) == (["grade"], None, "2014 revision")
    assert (line["items"], line["version"], line["state"]) == ({}, "1", "incomplete")
    last_year = observation({"school_grade": "4"}, "2026-08-31T23:59:59+08:00")
    log(here, child.guardian, last_year, path=child.path)
    (line,) = plan(here, child.guardian, child.path)["fitness"]
    assert (line["missing"], line["school_grade"]) == (["grade"], None)
    assert "earlier school year" in line["caveat"]["en"]
    this_year = observation({"school_grade": "5"}, "2026-09-01T00:00:00+08:00")
    log(here, child.guardian, this_year, path=child.path)
    found = plan(here, child.guardian, child.path)
    (line,) = found["fitness"]
    assert (line["school_grade"], line["state"], line["missing"]) == ("5", "complete", [])
    assert (line["standard"], line["bonus"], line["total"]) == (84.4, 3, 87.4)
    assert (line["standard_id"], line["edition"], line["version"]) == (
        "cn-nsphs-2014",
        "2014 revision",
        "1",
    )
    met = {one["item"]: one["met"] for one in found["youth"]}
    assert met == {"daily_hour": True, "sight": None, "teeth": None}
    ok(child.ask("DELETE", "/data-classes/fitness"))
    assert plan(here, child.guardian, child.path)["fitness"] == []


def test_an_adults_results_name_both_editions(here: Town) -> None:
    lin = here.resident(birth_date="1990-05-17")
    values = {"grip_strength": 30.0, "body_fat_pct": 25.0}
    test = {**observation(values, "2026-11-12T09:00:00+08:00"), "kind": "fitness_test"}
    log(here, lin, test)
    found = {one["standard_id"]: one for one in plan(here, lin)["fitness"]}
    assert found["cn-npfs-2023"]["provisional"]
    assert found["cn-npfs-2023"]["items"].keys() == {"grip", "body_fat"}
    assert found["cn-npfs-adult-2003"]["items"].keys() == {"grip"}
    assert plan(here, lin)["youth"] == []


def test_a_stranger_sees_no_childs_plan(here: Town) -> None:
    child = begin(here, here.resident())
    other = child.by(here.resident("other"))
    assert other.ask("GET", "/plan").status_code == 404


def test_a_plan_changes_neither_level_nor_record(here: Town) -> None:
    lin = here.resident(birth_date="1956-02-03")
    log(here, lin, pressure(118, 76), observation({"smoking_status": "every day"}))
    before = here.doors.get("/v1/me/prompt", headers=lin.headers).content
    records = here.doors.get("/v1/me/records", headers=lin.headers).content
    assert plan(here, lin) == plan(here, lin)
    assert here.doors.get("/v1/me/prompt", headers=lin.headers).content == before
    assert here.doors.get("/v1/me/records", headers=lin.headers).content == records


def test_refusing_everybody_else_leaves_the_own_plan(here: Town) -> None:
    lin = here.resident()
    log(here, lin, stated("goal", "less_salt"))
    ok(here.doors.put("/v1/me/deny-all", json={"on": True}, headers=lin.headers))
    assert [one["measure"] for one in plan(here, lin)["goals"]] == ["salt_intake"]


def test_a_class_that_was_erased_is_as_if_it_had_never_been(here: Town) -> None:
    lin = here.resident(birth_date="1956-02-03")
    log(
        here,
        lin,
        stated("goal", "lower_weight", values={"body_weight": 65}),
        seen({"elder_selfcare_total": 2}, "2026-03-05", "manual"),
    )
    for data_class in ("lifestyle", "screening"):
        ok(here.doors.delete(f"/v1/me/data-classes/{data_class}", headers=lin.headers))
    found = plan(here, lin)
    assert found["goals"] == []
    assert items(found)["elder_selfcare"]["last"] is None
