"""Dense samples over HTTP: columns in, columns out."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.house_room import Person, Town, town


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def post(here: Town, who: Person, *series: Any) -> httpx.Response:
    return here.doors.post("/v1/me/series", json={"series": series}, headers=who.headers)


def get(here: Town, who: Person, measure: str, **query: str) -> httpx.Response:
    return here.doors.get(f"/v1/me/series/{measure}", params=query, headers=who.headers)


def steps(day: str, t: list[int], v: list[float]) -> dict[str, Any]:
    return {"measure": "steps", "day": day, "source": {"kind": "device"}, "t": t, "v": v}


def test_columns_come_back_raw_and_summed_up(here: Town) -> None:
    lin = here.resident()
    answer = post(
        here,
        lin,
        steps("2026-11-10", [0, 30, 90, 3600], [10, 20, 30, 40]),
        steps("2026-11-11", [7200], [50]),
    )
    assert answer.status_code == 200
    assert [one["status"] for one in answer.json()["results"]] == ["created", "created"]

    raw = get(here, lin, "steps", **{"from": "2026-11-10", "to": "2026-11-10"}).json()
    assert raw["day"] == "2026-11-10"
    assert raw["zone"] == "Asia/Shanghai"
    assert (raw["t"], raw["v"]) == ([0, 30, 90, 3600], [10, 20, 30, 40])

    minute = get(here, lin, "steps", to="2026-11-10", resolution="minute").json()
    assert minute["t"] == [0, 60, 3600]
    assert (minute["min"], minute["max"]) == ([10, 30, 40], [20, 30, 40])
    assert (minute["mean"], minute["n"]) == ([15, 30, 40], [2, 1, 1])

    hour = get(here, lin, "steps", resolution="hour").json()
    assert hour["t"] == [0, 3600, 86_400 + 7200]
    day = get(here, lin, "steps", resolution="day").json()
    assert day["t"] == [0, 86_400]
    assert day["n"] == [4, 1]


def test_instants_cut_inside_a_day_on_the_residents_clock(here: Town) -> None:
    lin = here.resident()
    post(here, lin, steps("2026-11-10", [0, 3599, 3600, 7200, 7201], [1, 2, 3, 4, 5]))
    found = get(
        here,
        lin,
        "steps",
        **{"from": "2026-11-09T17:00:00Z", "to": "2026-11-10T02:00:00+08:00"},
    ).json()
    assert (found["day"], found["t"], found["v"]) == ("2026-11-10", [3600, 7200], [3, 4])


def test_the_same_samples_again_change_nothing(here: Town) -> None:
    lin = here.resident()
    sent = steps("2026-11-10", [0, 60], [10, 20])
    first = post(here, lin, sent).json()["results"][0]
    again = post(here, lin, sent).json()["results"][0]
    assert again == {**first, "status": "unchanged"}


def test_a_faulty_day_is_named_and_never_echoed(here: Town) -> None:
    lin = here.resident()
    for bad, pointer in (
        ({"v": [True]}, "/v/0"),
        ({"v": ["12"]}, "/v/0"),
        ({"v": [123_456_789]}, "/v/0"),
        ({"t": [86_400]}, "/t/0"),
        ({"t": [0, 1]}, "/"),
        ({"day": "2027-01-01"}, "/day"),
        ({"day": "today"}, "/day"),
        ({"measure": "charm"}, "/measure"),
        ({"measure": "systolic_bp"}, "/measure"),
        ({"mood": 1}, "/mood"),
    ):
        answer = post(here, lin, {**steps("2026-11-10", [0], [1]), **bad})
        (result,) = answer.json()["results"]
        assert result["status"] == "rejected"
        places = [one["pointer"] for one in result["problem"]["errors"]]
        assert any(place.startswith(f"/series/0{pointer}") for place in places), (bad, places)
        assert "123456789" not in answer.text
        assert "charm" not in answer.text
    assert get(here, lin, "steps").json()["t"] == []


def test_unknown_series_and_strangers_find_nothing(here: Town) -> None:
    lin, wu = here.resident(), here.resident("wu")
    post(here, lin, steps("2026-11-10", [0], [1]))
    assert get(here, wu, "steps").json()["t"] == []
    assert get(here, lin, "charm").status_code == 404
    assert get(here, lin, "systolic_bp").status_code == 404
    assert get(here, lin, "steps", resolution="week").status_code == 400
    assert post(here, lin).status_code == 422


def test_a_dense_day_of_a_hundred_thousand_and_one_samples_is_too_much(here: Town) -> None:
    lin = here.resident()
    half = steps("2026-11-10", list(range(50_001)), [1] * 50_001)
    answer = post(here, lin, half, {**half, "day": "2026-11-11"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "too-many"
