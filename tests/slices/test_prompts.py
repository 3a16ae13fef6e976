"""The prompt follows what is written, explains itself wholly, and tells others nothing."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, select

from consent.vocabulary import Action, DataClass
from service.domain.risk.person import Person
from service.domain.risk.stability import Steady
from service.kit.db import Database
from service.panel.patient import see
from service.prompts import actions, document
from service.prompts.actions import Readings
from service.prompts.head import Brief
from service.prompts.tables import latest
from service.records import actions as records
from service.residents import actions as residents
from tests.prompt_room import (
    SLOT_BYTES,
    SLOTS,
    days_ago,
    moments,
    prompt,
    readings,
    remove,
    stored,
)
from tests.record_room import PROFILE, REGIONS, Home, observation, pressure, pressures


@pytest.fixture
def home(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Home]:
    made = Home(database, keystore_url, tmp_path)
    yield made
    made.keystore.close()


def test_nobody_is_green_without_data(home: Home) -> None:
    resident = home.resident()
    found = prompt(home, resident)
    assert found["level"] is None
    assert found["colour"] is None
    assert found["missing"]


def test_a_write_answers_with_the_level_the_prompt_then_explains(home: Home) -> None:
    resident = home.resident()
    _, calm = home.log(resident, *pressures(118, 76, days_ago(home, 1)))
    assert calm.level is not None
    _, high = home.log(resident, *pressures(172, 104))
    assert high.changed
    assert high.level is not None
    assert high.level > calm.level
    found = prompt(home, resident)
    assert (found["level"], found["colour"]) == (high.level, high.colour)
    assert "blood_pressure" in {factor["factor"] for factor in found["factors"]}
    assert found["causes"]


def test_the_prompt_is_made_once_and_then_served_as_it_is(home: Home) -> None:
    resident = home.resident()
    home.log(resident, pressure())
    assert stored(home, resident) is None
    first = prompt(home, resident)
    assert json.loads(stored(home, resident) or b"null") == first
    home.log(resident, pressure(131, 84, days_ago(home, 1)))
    assert stored(home, resident) is None


def test_a_record_that_no_model_reads_leaves_the_prompt_as_it_is(home: Home) -> None:
    resident = home.resident()
    home.log(resident, pressure())
    prompt(home, resident)
    before = stored(home, resident)
    assert before is not None
    _, brief = home.log(resident, observation({"hip_circumference": 92}))
    assert not brief.changed
    assert stored(home, resident) == before


def test_a_repeated_upload_leaves_the_prompt_as_it_is(home: Home) -> None:
    resident = home.resident()
    sent = pressures()
    home.log(resident, *sent)
    prompt(home, resident)
    before = stored(home, resident)
    _, brief = home.log(resident, *sent)
    assert brief.level is not None
    assert not brief.changed
    assert stored(home, resident) == before


def test_a_prompt_is_of_its_day(home: Home) -> None:
    resident = home.resident()
    home.log(resident, pressure())
    prompt(home, resident)
    home.now += timedelta(days=1)
    assert stored(home, resident) is None


def test_a_prompt_in_the_words_of_an_older_release_is_made_anew(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident = home.resident()
    home.log(resident, pressure())
    first = prompt(home, resident)
    monkeypatch.setattr(document, "WORDS", b"other words" + document.WORDS)
    monkeypatch.setattr(document, "WORDS_ID", zlib.adler32(document.WORDS))
    assert stored(home, resident) is None
    assert prompt(home, resident) == first
    assert json.loads(stored(home, resident) or b"null") == first


def test_time_alone_moves_the_level_and_the_history_says_when(home: Home) -> None:
    resident = home.resident()
    _, brief = home.log(resident, *pressures(172, 104))
    assert brief.level is not None
    # A year and more without any reading: what is known no longer carries a level.
    home.now += timedelta(days=800)
    assert prompt(home, resident)["level"] is None
    assert [one.level for one in moments(home, resident)] == [brief.level, None]


def test_an_amended_profile_outdates_the_prompt(home: Home) -> None:
    resident = home.resident()
    home.log(resident, pressure())
    prompt(home, resident)
    younger = replace(PROFILE, birth_date=date(1999, 1, 1))
    home.write(
        lambda conn: residents.register(conn, home.vault, home.own(conn, resident), profile=younger)
    )
    assert stored(home, resident) is None


def test_history_has_one_line_a_change_and_knows_its_days(home: Home) -> None:
    resident = home.resident()
    home.log(resident, *pressures(118, 76))
    home.log(resident, observation({"hip_circumference": 90}))
    first_day = home.now.date()
    home.now += timedelta(days=3)
    home.log(resident, *pressures(172, 104, home.now.isoformat()))
    levels = [one.level for one in moments(home, resident)]
    assert len(levels) == 2
    assert levels[0] != levels[1]
    later = moments(home, resident, since=first_day + timedelta(days=1))
    assert [one.level for one in later] == levels[1:]
    assert moments(home, resident, until=first_day) == moments(home, resident)[:1]


def test_deleting_the_newest_reading_brings_back_the_one_before(home: Home) -> None:
    resident = home.resident()
    weights = [observation({"body_weight": 60 + n}, days_ago(home, 9 - n)) for n in range(5)]
    results, _ = home.log(resident, *weights)
    assert [r.value for r in readings(home, resident)[1]["body_weight"]] == [64, 63]
    assert results[4].rev is not None
    remove(home, resident, weights[4], results[4].rev)
    # 62 had left the frame, and comes back from the records.
    assert [r.value for r in readings(home, resident)[1]["body_weight"]] == [63, 62]


def test_an_amended_reading_takes_the_place_of_the_old_one(home: Home) -> None:
    resident = home.resident()
    sent = [observation({"body_weight": 60 + n}, days_ago(home, 9 - n)) for n in range(4)]
    home.log(resident, *sent)
    home.log(resident, {**sent[3], "values": {"body_weight": 70}})
    assert [r.value for r in readings(home, resident)[1]["body_weight"]] == [70, 62]
    home.log(resident, {**sent[3], "values": {"body_height": 170}})
    found = readings(home, resident)[1]
    assert [r.value for r in found["body_weight"]] == [62, 61]
    assert [r.value for r in found["body_height"]] == [170]
    # Moved into the past, it is no longer among the newest.
    home.log(resident, {**sent[2], "start": days_ago(home, 40)})
    assert [r.value for r in readings(home, resident)[1]["body_weight"]] == [61, 60]


def test_late_uploads_do_not_push_out_newer_readings(home: Home) -> None:
    resident = home.resident()
    home.log(resident, pressure(150, 95, days_ago(home, 1)))
    home.log(resident, *[pressure(110 + n, 70, days_ago(home, 30 + n)) for n in range(12)])
    found = readings(home, resident)[1]["systolic_bp"]
    assert found[0].value == 150
    assert len(found) == 8
    assert [r.at for r in found] == sorted((r.at for r in found), reverse=True)


def test_a_diagnosis_counts_until_it_is_resolved(home: Home) -> None:
    resident = home.resident()
    told = {"kind": "condition", "code": "hypertension"}
    home.log(resident, {**told, "start": days_ago(home, 300)})
    assert readings(home, resident)[0].conditions == {"hypertension"}
    home.log(resident, {**told, "start": days_ago(home, 2), "status": "resolved"})
    assert readings(home, resident)[0].conditions == frozenset()


def test_a_goal_is_a_wish_and_no_reading(home: Home) -> None:
    resident = home.resident()
    home.log(
        resident,
        {
            "kind": "goal",
            "code": "lower_blood_pressure",
            "start": days_ago(home, 1),
            "values": {"systolic_bp": 120},
        },
    )
    assert "systolic_bp" not in readings(home, resident)[1]


def test_readings_stay_within_classes_and_window(home: Home) -> None:
    resident = home.resident()
    home.log(
        resident,
        observation({"body_weight": 60, "glucose_fasting": 5.5}, "2026-11-10T12:00:00+08:00"),
        observation({"body_weight": 61}, "2026-11-15T12:00:00+08:00"),
    )

    def seen(conn: Connection) -> tuple[Person, Readings]:
        permit = home.doctor(
            conn,
            resident,
            {DataClass.BODY},
            first=date(2026, 11, 9),
            last=date(2026, 11, 11),
        )
        return actions.readings(conn, home.vault, permit, regions=REGIONS, profile=PROFILE)

    _, found = home.read(seen)
    assert {code: [r.value for r in told] for code, told in found.items()} == {"body_weight": [60]}


def test_a_doctors_write_brings_readings_up_to_date_and_tells_no_level(home: Home) -> None:
    resident = home.resident()
    home.log(resident, *pressures(118, 76, days_ago(home, 3)))
    calm = prompt(home, resident)["level"]

    def job(conn: Connection) -> Brief:
        classes = {DataClass.BODY, DataClass.PROFILE}
        permit = home.doctor(conn, resident, classes, action=Action.WRITE)
        results = records.log(
            conn, home.vault, permit, [pressure(178, 106)], home.now, profile=PROFILE
        )
        assert results[0].change is not None
        assert results[0].rev is not None
        return actions.note(
            conn,
            home.vault,
            permit,
            profile=PROFILE,
            regions=REGIONS,
            changes=[results[0].change],
            rev=results[0].rev,
            now=home.now,
        )

    assert home.write(job) == Brief(None, None, False)
    assert prompt(home, resident)["level"] > calm


SMOKED = {"smoking_status": "former"}
MAN = replace(PROFILE, sex="male")


def advised(found: dict[str, Any]) -> set[str]:
    return {one["id"] for one in found["actions"]}


def scan(home: Home, days: int) -> dict[str, Any]:
    told = {"kind": "procedure", "code": "colonoscopy"}
    return {"id": str(uuid4()), **told, "start": days_ago(home, days)}


def test_a_colonoscopy_is_acknowledged_from_the_next_prompt_until_it_is_taken_back(
    home: Home,
) -> None:
    resident = home.resident(MAN)
    home.log(resident, observation(SMOKED), profile=MAN)
    before = prompt(home, resident)
    assert {"bowel-high", "bowel-done"} & advised(before) == {"bowel-high"}
    sent = scan(home, 40)
    results, brief = home.log(resident, sent, profile=MAN)
    assert (brief.level, brief.changed) == (before["level"], False)
    assert stored(home, resident) is None
    after = prompt(home, resident)
    assert {"bowel-high", "bowel-done"} & advised(after) == {"bowel-done"}
    assert (after["level"], after["causes"]) == (before["level"], before["causes"])
    (text,) = [one["text"]["en"] for one in after["actions"] if one["id"] == "bowel-done"]
    assert f"Last: {(home.now - timedelta(days=40)).date()}." in text
    assert results[0].rev is not None
    remove(home, resident, sent, results[0].rev)
    assert advised(prompt(home, resident)) == advised(before)


def test_another_procedure_leaves_the_prompt_as_it_is(home: Home) -> None:
    resident = home.resident(MAN)
    home.log(resident, observation(SMOKED), profile=MAN)
    prompt(home, resident)
    before = stored(home, resident)
    home.log(resident, {**scan(home, 3), "code": "gastroscopy"}, profile=MAN)
    assert before is not None
    assert stored(home, resident) == before


@pytest.mark.parametrize("granted", [True, False])
def test_a_doctor_is_told_of_a_check_that_was_done_only_with_its_class(
    home: Home, granted: bool
) -> None:
    resident = home.resident(MAN)
    home.log(resident, observation(SMOKED), scan(home, 40), profile=MAN)
    classes = {DataClass.PROFILE, DataClass.LIFESTYLE}

    def seen(conn: Connection) -> dict[str, Any]:
        more = {DataClass.CONDITIONS} if granted else set()
        permit = home.doctor(conn, resident, classes | more)
        found = see(conn, home.vault, permit, regions=REGIONS, now=home.now)
        return found.prompt(Steady())

    told = advised(home.read(seen)) & {"bowel-high", "bowel-done"}
    assert told == ({"bowel-done"} if granted else {"bowel-high"})


def test_the_slots_of_a_check_that_was_done_look_like_all_others(home: Home) -> None:
    resident = home.resident(MAN)
    checks = {"fev1": 3.1, "fev1_fvc": 80.0, "dxa_t_hip": -1.2, "dxa_t_lumbar": -0.5}
    home.log(resident, observation(checks), scan(home, 40), profile=MAN)
    query = select(latest.c.sealed).where(latest.c.resident_id == resident)
    sizes = [len(row) for row in home.read(lambda conn: conn.execute(query).scalars().all())]
    assert sizes == [SLOT_BYTES] * SLOTS


def test_taking_back_a_check_that_was_done_ends_nothing_that_is_held(home: Home) -> None:
    resident = home.resident(MAN)
    home.log(resident, *pressures(172, 104, days_ago(home, 2)), profile=MAN)
    sent = scan(home, 40)
    results, high = home.log(resident, sent, profile=MAN)
    _, held = home.log(resident, *pressures(112, 72), *pressures(112, 72), profile=MAN)
    assert held.level == high.level
    assert results[0].rev is not None
    assert remove(home, resident, sent, results[0].rev).level == held.level
