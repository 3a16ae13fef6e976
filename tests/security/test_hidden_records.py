"""What a doctor may not see changes nothing they can see.

Two residents show their doctor the same records of the same days. One of them has many more that
the grant does not open: records of other classes, other classes inside shared records, series, days
outside the window, deleted ones. Every answer a doctor can ask for, in every filter, order, page
size and header, is then the same for both.
"""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.house_room import Person
from tests.standing_room import Standing, standing

SIGNED = ["profile", "body", "lifestyle"]
MEASURES = ["systolic_bp", "body_weight", "steps", "phq9_total", "hiv_screen", "ldl_c"]
DAYS = [f"2026-11-{day:02}" for day in range(1, 20)]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def here(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("hidden"), request.param) as opened:
        yield opened


@pytest.fixture(scope="module")
def pair(here: Standing) -> tuple[Person, Person]:
    """One who shows all they have, and one who also has what they do not show."""
    plain, full = here.town.resident("plain"), here.town.resident("full")
    for who in (plain, full):
        if who is full:
            hide(here, full)
        send(here, who, "POST", "/v1/me/records", {"records": shown(mixed=who is full)})
        send(here, who, "POST", "/v1/me/series", {"series": [steps()]})
        wish = {"doctor_id": here.doctor.id, "package": "basic", "data_classes": SIGNED}
        send(here, who, "POST", "/v1/me/contract", wish)
    hide(here, full)
    return plain, full


def send(here: Standing, who: Person, method: str, path: str, body: Any = None) -> Any:
    answer = here.town.doors.request(method, path, json=body, headers=who.headers)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


def shown(*, mixed: bool) -> list[dict[str, Any]]:
    """Body records of twelve days; `mixed` puts values of closed classes into the same records."""
    hidden = {"phq9_total": 14, "ldl_c": 4.1} if mixed else {}
    return [
        observation(number, day, {"systolic_bp": 120 + number, "diastolic_bp": 80} | hidden)
        for number, day in enumerate(DAYS[:12])
    ]


def observation(number: int, day: str, values: dict[str, Any]) -> dict[str, Any]:
    start = f"{day}T08:00:00+08:00"
    return {"id": str(UUID(int=number)), "kind": "observation", "start": start, "values": values}


def steps() -> dict[str, Any]:
    return {"measure": "steps", "day": "2026-11-19", "t": [60, 120], "v": [10, 12]}


def hide(here: Standing, who: Person) -> None:
    """Records, a condition, a series and a deleted record, all of classes that stay closed."""
    first = len(send(here, who, "GET", "/v1/me/records?limit=1000")["items"]) + 1000
    records: list[dict[str, Any]] = [
        observation(first + number, day, {"phq9_total": 19}) for number, day in enumerate(DAYS)
    ]
    records += [
        observation(first + 100 + number, day, {"hiv_screen": "positive"})
        for number, day in enumerate(DAYS[::3])
    ]
    start = "2026-11-18T08:00:00+08:00"
    records.append(
        {"kind": "condition", "start": start, "code": "hiv_infection", "status": "active"}
    )
    send(here, who, "POST", "/v1/me/records", {"records": records})
    gone = records[0]["id"]
    read = here.town.doors.get(f"/v1/me/records/{gone}", headers=who.headers)
    deleted = here.town.doors.delete(
        f"/v1/me/records/{gone}", headers=who.headers | {"if-match": read.headers["etag"]}
    )
    assert deleted.status_code == 204


def seen(here: Standing, who: Person, rest: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of what the doctor is shown, without names that must differ."""
    address = f"/v1/doctor/patients/{who.id}{rest}"
    answer = here.town.doors.get(address, headers=here.doctor.headers)
    return answer.status_code, nameless_headers(answer), nameless(answer.text, who)


def nameless_headers(answer: httpx.Response) -> dict[str, str]:
    return {name: text for name, text in answer.headers.items() if name != "x-request-id"}


def nameless(text: str, who: Person) -> str:
    text = text.replace(who.id, "somebody")
    text = re.sub(r'"request_id":"[^"]*"', '"request_id":""', text)
    # Cursors are signed for one patient; that there is one is compared, and so is its length.
    return re.sub(r'"next":"([^"]*)"', lambda found: f'"next":{len(found[1])}', text)


def cursor_of(here: Standing, who: Person, rest: str) -> str | None:
    address = f"/v1/doctor/patients/{who.id}{rest}"
    found: str | None = here.town.doors.get(address, headers=here.doctor.headers).json()["next"]
    return found


FILTERS = [
    "",
    *(f"&measure={code}" for code in MEASURES),
    *(f"&kind={kind}" for kind in ("observation", "condition", "questionnaire")),
    "&from=2026-11-05&to=2026-11-09",
    "&to=2026-11-01",
]


@pytest.mark.parametrize("limit", [1, 3, 12, 13, 100])
def test_every_page_of_every_filter_is_the_same(
    here: Standing, pair: tuple[Person, Person], limit: int
) -> None:
    for narrowed in FILTERS:
        rests = [f"/records?limit={limit}{narrowed}"] * 2
        for _ in range(15):
            left, right = (seen(here, who, rest) for who, rest in zip(pair, rests, strict=True))
            assert left == right, narrowed
            if left[0] != 200:
                break
            cursors = [cursor_of(here, who, rest) for who, rest in zip(pair, rests, strict=True)]
            if None in cursors:
                assert cursors == [None, None]
                break
            rests = [f"/records?limit={limit}{narrowed}&cursor={one}" for one in cursors]


@pytest.mark.parametrize(
    "rest",
    [
        "",
        *(
            f"/series/{measure}?resolution={resolution}"
            for measure, resolution in product(
                ("steps", "heart_rate", "sleep_duration", "blood_glucose"),
                ("raw", "minute", "hour", "day"),
            )
        ),
    ],
)
def test_the_patient_and_their_series_are_the_same(
    here: Standing, pair: tuple[Person, Person], rest: str
) -> None:
    plain, full = pair
    assert seen(here, plain, rest) == seen(here, full, rest)


@pytest.mark.parametrize("query", ["", "?sort=risk", "?sort=due", "?sort=name"])
def test_the_panel_shows_both_alike(
    here: Standing, pair: tuple[Person, Person], query: str
) -> None:
    panel = here.town.doors.get(f"/v1/doctor/panel{query}", headers=here.doctor.headers).json()
    rows = {row["patient_id"]: row for row in panel["items"]}
    left, right = (rows[who.id] | {"patient_id": ""} for who in pair)
    assert left == right


@pytest.mark.parametrize(
    "query",
    [
        *(f"level={level}&sort={sort}" for level, sort in product(range(1, 5), ("risk", "due"))),
        *(f"due={due}" for due in ("true", "false")),
        "q=林",
        "q=nobody of this name",
    ],
)
def test_a_filtered_panel_holds_both_or_neither(
    here: Standing, pair: tuple[Person, Person], query: str
) -> None:
    rows = panel_of(here, f"?{query}&limit=100")
    found = [
        [row | {"patient_id": ""} for row in rows if row["patient_id"] == who.id] for who in pair
    ]
    assert found[0] == found[1]


def test_the_filters_do_weigh_the_level_of_both(
    here: Standing, pair: tuple[Person, Person]
) -> None:
    """The comparison above would be empty if no level and no filter had shown them."""
    levels = {row["patient_id"]: row["level"] for row in panel_of(here)}
    level = levels[pair[0].id]
    assert level is not None
    shown = {row["patient_id"] for row in panel_of(here, f"?level={level}")}
    assert {who.id for who in pair} <= shown
    others = {row["patient_id"] for row in panel_of(here, f"?level={level % 4 + 1}")}
    assert not {who.id for who in pair} & others


def panel_of(here: Standing, query: str = "") -> list[dict[str, Any]]:
    answer = here.town.doors.get(f"/v1/doctor/panel{query}", headers=here.doctor.headers)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["items"]
    return rows


def test_the_rates_of_the_panel_count_nothing_that_is_hidden(
    here: Standing, pair: tuple[Person, Person]
) -> None:
    address = "/v1/doctor/indicators"

    def rates() -> str:
        told = here.town.doors.get(address, headers=here.doctor.headers)
        assert told.status_code == 200, told.text
        return re.sub(r'"request_id":"[^"]*"', "", told.text)

    before = rates()
    start = "2026-11-18T08:00:00+08:00"
    for code in ("hypertension", "diabetes_type_2"):
        record = {"kind": "condition", "start": start, "code": code, "status": "active"}
        logged = send(here, pair[1], "POST", "/v1/me/records", {"records": [record]})
        assert [one["status"] for one in logged["results"]] == ["created"], logged
    assert rates() == before


def test_the_resident_does_see_the_difference(here: Standing, pair: tuple[Person, Person]) -> None:
    """The comparison would be empty if the hidden records had not been kept."""
    counts = [len(send(here, who, "GET", "/v1/me/records?limit=1000")["items"]) for who in pair]
    assert counts[1] > counts[0] + 40


@given(hidden=st.lists(st.sampled_from(["phq9_total", "ldl_c", "hiv_screen"]), max_size=4))
@settings(max_examples=10)
def test_more_hidden_records_change_nothing(
    here: Standing, pair: tuple[Person, Person], hidden: list[str]
) -> None:
    plain, full = pair
    values = {"phq9_total": 3, "ldl_c": 2.2, "hiv_screen": "negative"}
    for code in hidden:
        record = {
            "kind": "observation",
            "start": "2026-11-19T09:00:00+08:00",
            "values": {code: values[code]},
        }
        send(here, full, "POST", "/v1/me/records", {"records": [record]})
    for rest in ("", "/records?limit=5", "/records?measure=systolic_bp"):
        assert seen(here, plain, rest) == seen(here, full, rest)
