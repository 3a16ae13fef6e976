"""Why a level changed, and what erasing a class takes of it, over HTTP on both stores."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.appeal_room import LOGINS, REASON, Pair, a_clock, a_pair, high, moving_town, put_back
from tests.conftest import MovingClock
from tests.family_room import ok
from tests.house_room import Town
from tests.record_room import pressure, pressures

CLOCK = a_clock()


@pytest.fixture
def clock() -> Iterator[MovingClock]:
    with put_back(CLOCK) as mine:
        yield mine


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def here(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    with moving_town(request.param, tmp_path_factory.mktemp("explanations"), CLOCK) as opened:
        yield opened


@pytest.fixture
def pair(here: Town, clock: MovingClock) -> Pair:
    return a_pair(here)


def test_an_explanation_tells_what_made_the_level_then(pair: Pair, clock: MovingClock) -> None:
    pair.log(*pressures(118, 76, (clock.now - timedelta(days=60)).isoformat()))
    before = pair.me("GET", "/prompt")
    prompt = high(pair)
    told = pair.me("GET", f"/explanations/{prompt['explanation']}")
    assert (told["from_level"], told["to_level"]) == (before["level"], prompt["level"])
    assert (told["from_colour"], told["to_colour"]) == (before["colour"], prompt["colour"])
    assert (told["cause"], told["causes"]) == ("assessed", prompt["causes"])
    assert told["rule_pack"] == prompt["rule_pack"]
    values = {(one["name"], one["value"], one["unit"]) for one in told["readings"]}
    assert {("systolic_bp", 165, "mm[Hg]"), ("diastolic_bp", 102, "mm[Hg]")} <= values
    assert max(one["level"] for one in told["items"]) == prompt["level"]
    assert told["actions"] == prompt["actions"]
    assert "血压" in told["sentence"]["zh"]
    assert "blood pressure" in told["sentence"]["en"]
    assert "appeals" in told["object"]["en"]
    newest = pair.me("GET", "/prompts")["items"][0]
    assert newest["explanation"] == prompt["explanation"]
    # New readings tell another story later and change nothing of this one.
    clock.advance(timedelta(days=30))
    headers = pair.town.sign_in(pair.resident.login)
    again = Pair(pair.town, headers, pair.doctor)
    again.log(pressure(118, 76, clock.now.isoformat()))
    assert again.me("GET", f"/explanations/{prompt['explanation']}") == told


def test_nobody_reads_an_explanation_but_its_owner(pair: Pair) -> None:
    id_ = high(pair)["explanation"]
    wei = pair.town.resident(f"wei-{next(LOGINS)}")
    for who in (wei, pair.doctor):
        assert pair.ask(who, "GET", f"/v1/me/explanations/{id_}").status_code in {401, 404}
    assert pair.ask(pair.resident, "GET", f"/v1/me/explanations/{uuid4()}").status_code == 404


def test_an_erased_class_is_in_no_explanation(pair: Pair) -> None:
    id_ = high(pair)["explanation"]
    headers = pair.town.sign_in(pair.resident.login).headers
    erased = pair.town.doors.delete("/v1/me/data-classes/body", headers=headers)
    assert erased.status_code == 200, erased.text
    told = ok(pair.town.doors.get(f"/v1/me/explanations/{id_}", headers=headers))
    assert told["erased"]
    assert (told["readings"], told["causes"], told["items"], told["actions"]) == ([], [], [], [])
    # Nor is the level held on what is gone.
    assert ok(pair.town.doors.get("/v1/me/prompt", headers=headers))["level"] is None


def test_an_erased_class_is_in_no_appeal_about_a_record(pair: Pair) -> None:
    mine = {"kind": "observation", "start": CLOCK.now.isoformat()}
    body, habits = pair.log(
        pressure(165, 102, CLOCK.now.isoformat()), {**mine, "values": {"sleep_duration": 6.0}}
    )["results"]
    about_body = pair.appeal(record=body["id"])
    about_habits = pair.appeal(record=habits["id"])
    assert {one["appeal_id"] for one in pair.worklist()} == {about_body["id"], about_habits["id"]}
    headers = pair.town.sign_in(pair.resident.login).headers
    erased = pair.town.doors.delete("/v1/me/data-classes/body", headers=headers)
    assert erased.status_code == 200, erased.text
    # Its reason is words about what was erased, for its writer and for the doctor.
    assert [one["appeal_id"] for one in pair.worklist()] == [about_habits["id"]]
    left = ok(pair.town.doors.get("/v1/me/appeals", headers=headers))["items"]
    assert [one["id"] for one in left] == [about_habits["id"]]


@pytest.mark.parametrize("answered", [False, True])
def test_an_erased_class_takes_the_words_of_an_appeal_about_its_level(
    pair: Pair, *, answered: bool
) -> None:
    filed = pair.appeal(explanation=high(pair)["explanation"])
    if answered:
        ok(pair.answer(filed["id"]))
    headers = pair.town.sign_in(pair.resident.login).headers

    def left() -> dict[str, Any]:
        (one,) = ok(pair.town.doors.get("/v1/me/appeals", headers=headers))["items"]
        return dict(one)

    # Nothing of this one took part in the level.
    other = pair.town.doors.delete("/v1/me/data-classes/location", headers=headers)
    assert other.status_code == 200, other.text
    before = left()
    assert before["reason"] == REASON
    erased = pair.town.doors.delete("/v1/me/data-classes/body", headers=headers)
    assert erased.status_code == 200, erased.text
    after = left()
    kept = {**before, "reason": ""}
    if answered:
        kept["answer"] = {**before["answer"], "reason": ""}
    assert after == kept
    assert after["state"] == ("answered" if answered else "open")
    # The doctor reads none of it either.
    assert [one["reason"] for one in pair.worklist()] == ([] if answered else [""])
