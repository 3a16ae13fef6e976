"""Levels are held steady, each change is explained as it was, and all of it can be switched off."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, func, select

from consent.vocabulary import Action, DataClass
from service.kit.clock import city_day
from service.kit.db import Database
from service.kit.errors import NotFound
from service.panel import actions as panel
from service.prompts import actions, history
from service.prompts.head import Brief
from service.prompts.history import Moment
from service.prompts.story import Story
from service.prompts.tables import latest, prompt_history, prompt_now
from service.records import actions as records
from service.residents import actions as residents
from service.residents.actions import Profile
from tests.consent_room import Clinic
from tests.prompt_room import moments, prompt
from tests.record_room import REGIONS, observation, pressure, pressures


@pytest.fixture
def home(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    made = Clinic(database, keystore_url, tmp_path)
    yield made
    made.keystore.close()


def measure(home: Clinic, resident: UUID, systolic: int, diastolic: int) -> Brief:
    """A pressure of now; older ones of the last seven days would be averaged with it."""
    found: Brief = home.log(resident, *pressures(systolic, diastolic, home.now.isoformat()))[1]
    return found


def switch(home: Clinic, resident: UUID, on: bool) -> Brief:
    return home.write(
        lambda conn: actions.switch(
            conn, home.vault, home.own(conn, resident), on=on, regions=REGIONS, now=home.now
        )
    )


def explained(home: Clinic, resident: UUID, explanation: UUID | str) -> tuple[Moment, Story]:
    id_ = UUID(str(explanation))
    return home.read(
        lambda conn: history.explained(conn, home.vault, home.own(conn, resident), id_)
    )


def profile(home: Clinic, resident: UUID) -> Profile:
    return home.read(lambda conn: residents.profile(conn, home.vault, home.own(conn, resident)))


def test_a_level_rises_at_once_and_falls_after_fourteen_days(home: Clinic) -> None:
    resident = home.resident()
    calm = measure(home, resident, 118, 76).level
    assert calm is not None
    home.now += timedelta(days=30)
    high = measure(home, resident, 165, 102)
    assert high.changed
    assert high.level is not None
    assert high.level > calm
    home.now += timedelta(days=10)
    waiting = measure(home, resident, 118, 76)
    assert (waiting.level, waiting.changed) == (high.level, False)
    found = prompt(home, resident)
    due = home.now + timedelta(days=14)
    assert found["level"] == high.level
    assert found["pending"]["level"] == calm
    assert datetime.fromisoformat(found["pending"]["from"]) == due
    assert city_day(due).isoformat() in found["pending"]["text"]["en"]
    assert found["pending"]["text"]["zh"] in found["reason"]["zh"]
    # The way back is of today's readings: nothing more is to be changed to get there.
    assert all(step["to_level"] < calm for step in found["path"])
    home.now = due - timedelta(seconds=1)
    assert prompt(home, resident)["level"] == high.level
    home.now = due
    after = prompt(home, resident)
    assert (after["level"], after["pending"], after["reason"]) == (
        calm,
        None,
        after["reason"] if after["provisional"] else None,
    )
    assert [one.level for one in moments(home, resident) if one.explanation] == [
        calm,
        high.level,
        calm,
    ]


def test_a_bad_reading_in_between_begins_the_wait_anew(home: Clinic) -> None:
    resident = home.resident()
    high = measure(home, resident, 165, 102).level
    home.now += timedelta(days=10)
    measure(home, resident, 118, 76)
    home.now += timedelta(days=10)
    measure(home, resident, 165, 102)
    home.now += timedelta(days=10)
    assert measure(home, resident, 118, 76).level == high
    found = prompt(home, resident)
    assert found["level"] == high
    assert found["pending"] is not None


def test_an_alarming_reading_is_over_with_a_repeated_normal_one(home: Clinic) -> None:
    resident = home.resident()
    calm = home.log(resident, observation({"glucose_fasting": 5.1}, home.now.isoformat()))[1].level
    home.now += timedelta(hours=1)
    alarm = home.log(resident, observation({"glucose_capillary": 3.2}, home.now.isoformat()))[1]
    assert (alarm.level, prompt(home, resident)["pending"]) == (5, None)
    home.now += timedelta(hours=1)
    over = home.log(resident, observation({"glucose_capillary": 5.4}, home.now.isoformat()))[1]
    assert (over.level, over.changed) == (calm, True)


def test_what_if_is_not_held(home: Clinic) -> None:
    """The way back is checked by what-if, so it says what the values themselves carry."""
    resident = home.resident()
    high = measure(home, resident, 165, 102).level
    values = {"systolic_bp": 118, "diastolic_bp": 76}
    imagined = json.loads(
        home.read(
            lambda conn: actions.what_if(
                conn, home.vault, home.own(conn, resident), values, regions=REGIONS, now=home.now
            )
        )
    )
    assert high is not None
    assert imagined["level"] < high
    assert imagined["pending"] is None


def test_each_change_is_explained_by_what_was_known_then(home: Clinic) -> None:
    resident = home.resident()
    first = measure(home, resident, 165, 102)
    told = prompt(home, resident)
    moment, story = explained(home, resident, told["explanation"])
    assert (story.before, moment.level, story.cause) == (None, first.level, "assessed")
    assert story.grounds.causes == tuple(told["causes"])
    assert [one[:2] for one in story.grounds.readings] == [
        ("systolic_bp", 165),
        ("diastolic_bp", 102),
    ] * 2
    assert story.grounds.rule_pack == told["rule_pack"]
    assert list(story.grounds.actions) == [one["id"] for one in told["actions"]]
    assert max((story.grounds.items or {}).values()) == first.level
    # What is measured later changes nothing of what is told about then.
    home.now += timedelta(days=40)
    measure(home, resident, 118, 76)
    assert explained(home, resident, told["explanation"])[1] == story


def test_an_explanation_is_its_owners(home: Clinic) -> None:
    lin, wei = home.resident(), home.resident()
    measure(home, lin, 165, 102)
    id_ = UUID(prompt(home, lin)["explanation"])
    for who, what in ((wei, id_), (lin, uuid4())):
        with pytest.raises(NotFound):
            explained(home, who, what)


def test_two_changes_of_one_day_keep_an_explanation_each(home: Clinic) -> None:
    """A change by time alone takes a revision of its own, so no line replaces another."""
    resident = home.resident()
    measure(home, resident, 165, 102)
    home.now += timedelta(days=10)
    measure(home, resident, 118, 76)
    home.now += timedelta(days=13, hours=23)
    alarm = home.log(resident, observation({"glucose_capillary": 3.2}, home.now.isoformat()))[1]
    assert alarm.level == 5
    switch(home, resident, False)
    switch(home, resident, True)
    changes = [one for one in moments(home, resident) if one.explanation]
    assert [one.level for one in changes][-3:] == [5, None, 5]
    for one in changes:
        assert one.explanation is not None
        assert explained(home, resident, one.explanation)[0] == one


def test_switched_off_nothing_is_assessed_or_stored(home: Clinic) -> None:
    resident = home.resident()
    level = measure(home, resident, 165, 102).level
    assert switch(home, resident, False) == Brief(None, None, True)
    assert switch(home, resident, False) == Brief(None, None, False)
    assert not profile(home, resident).automation
    lines = len(moments(home, resident))
    home.now += timedelta(days=1)
    assert home.log(
        resident,
        pressure(171, 105, home.now.isoformat()),
        profile=profile(home, resident),
    )[1] == Brief(None, None, False)
    found = prompt(home, resident)
    assert (found["level"], found["index"], found["automation"]) == (None, None, False)
    assert "switched" in found["reason"]["en"]
    assert (found["factors"], found["models"], found["path"], found["causes"]) == ([], [], [], [])
    assert found["urgent"] is None
    assert len(moments(home, resident)) == lines
    story = explained(home, resident, found["explanation"])[1]
    assert (story.cause, story.before, story.grounds.readings) == ("switched_off", level, ())
    on = switch(home, resident, True)
    assert on.level is not None
    assert on.changed
    assert prompt(home, resident)["level"] == on.level


def test_switched_off_an_alarming_reading_is_still_answered(home: Clinic) -> None:
    resident = home.resident()
    switch(home, resident, False)
    home.log(
        resident,
        pressure(192, 118, home.now.isoformat()),
        profile=profile(home, resident),
    )
    found = prompt(home, resident)
    assert found["level"] is None
    assert found["urgent"]["reading"] == "blood_pressure"


def test_off_and_on_again_is_not_held_back_by_the_time_before(home: Clinic) -> None:
    resident = home.resident()
    high = measure(home, resident, 165, 102).level
    switch(home, resident, False)
    home.now += timedelta(days=8)
    calm = pressures(118, 76, home.now.isoformat())
    home.log(resident, *calm, profile=profile(home, resident))
    level = switch(home, resident, True).level
    assert high is not None
    assert level is not None
    assert level < high


def test_a_doctors_panel_says_that_it_is_switched_off(home: Clinic) -> None:
    doctor, resident = home.doctor_named(), home.resident()
    measure(home, resident, 165, 102)
    home.sign(resident, doctor, ["profile", "body"])

    def card() -> Any:
        (row,) = home.write(
            lambda conn: panel.rows(
                conn, home.vault, practitioner=doctor, regions=REGIONS, now=home.now
            )
        )
        return row.card

    assert card().level is not None
    assert card().automation
    switch(home, resident, False)
    assert (card().level, card().automation) == (None, False)


def test_a_doctors_write_tells_no_level_and_is_held_when_the_owner_looks(home: Clinic) -> None:
    resident = home.resident()
    high = measure(home, resident, 165, 102).level
    home.now += timedelta(days=8)

    def job(conn: Connection) -> Brief:
        classes = {DataClass.BODY, DataClass.PROFILE}
        permit = home.doctor(conn, resident, classes, action=Action.WRITE)
        found = records.log(
            conn,
            home.vault,
            permit,
            [pressure(118, 76, home.now.isoformat(), source={"kind": "practitioner"})],
            home.now,
            profile=profile_,
        )
        assert found[0].change is not None
        return actions.note(
            conn,
            home.vault,
            permit,
            profile=profile_,
            regions=REGIONS,
            changes=[found[0].change],
            rev=found[0].rev or 0,
            now=home.now,
        )

    profile_ = profile(home, resident)
    assert home.write(job) == Brief(None, None, False)
    found = prompt(home, resident)
    assert found["level"] == high
    assert found["pending"] is not None
    assert prompt(home, resident) == found


def test_rows_do_not_tell_how_often_a_level_moved(home: Clinic) -> None:
    """Two people use the service alike; the level of one moves, that of the other does not."""
    steady, swinging = home.resident(), home.resident()
    for pressure_ in (118, 192, 165):
        measure(home, steady, 118, 76)
        measure(home, swinging, pressure_, 76)
        for days in (0, 20):
            home.now += timedelta(days=days)
            prompt(home, steady)
            prompt(home, swinging)
    assert len(moments(home, swinging)) > len(moments(home, steady))

    def seen(conn: Connection, resident: UUID) -> list[list[tuple[int, ...]]]:
        found = []
        for table in (prompt_history, latest, prompt_now):
            query = select(table.c.rev, func.length(table.c.sealed)).order_by(table.c.rev)
            rows = conn.execute(query.where(table.c.resident_id == resident))
            found.append([tuple(row) for row in rows])
        return found

    rows = [home.read(lambda conn, who=who: seen(conn, who)) for who in (steady, swinging)]
    assert rows[0] == rows[1]
    # A row a day of use, however often they logged and looked on it.
    assert len(rows[0][0]) == 4


def test_an_alarm_is_over_when_a_clinician_enters_something(home: Clinic) -> None:
    resident = home.resident()
    assert measure(home, resident, 192, 118).level == 5
    home.now += timedelta(hours=1)
    entered = {
        "kind": "medication",
        "code": "antihypertensive",
        "start": home.now.isoformat(),
        "source": {"kind": "practitioner"},
    }
    after = home.log(resident, entered)[1]
    found = prompt(home, resident)
    items = explained(home, resident, found["explanation"])[1].grounds.items or {}
    assert not {"urgent_blood_pressure"} & set(items)
    assert after.level == found["level"] == max(items.values())
    assert found["urgent"]["reading"] == "blood_pressure"


def test_a_correction_is_not_held_back(home: Clinic) -> None:
    """An assessment that looked at a mistyped reading agrees with nothing."""
    resident = home.resident()
    calm = measure(home, resident, 118, 76).level
    home.now += timedelta(days=30)
    typed = pressure(165, 102, home.now.isoformat())
    assert home.log(resident, typed)[1].level != calm
    home.now += timedelta(hours=1)
    meant = {**typed, "values": {"systolic_bp": 116, "diastolic_bp": 74}}
    assert home.log(resident, meant)[1].level == calm
