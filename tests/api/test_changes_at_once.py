"""An objection to automated levels stands, whatever else of the same person comes at its moment."""

from collections.abc import Iterator

import pytest

from service.kit.settings import Settings
from service.records import actions as records
from service.residents import actions as residents
from tests.asgi import Doors
from tests.conftest import MovingClock
from tests.house_room import Town, town
from tests.meanwhile import Meanwhile
from tests.record_room import pressure, pressures


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_an_objection_stands_and_leaves_no_level(
    here: Town, there: Doors, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Another process is told of it while one has read the profile and not yet written."""
    lin = here.resident("lin")
    batch = {"records": [*pressures(165, 102), pressure(171, 104, "2026-11-19T08:00:00+08:00")]}
    logged = here.doors.post("/v1/me/records", json=batch, headers=lin.headers).json()
    assert logged["prompt"]["level"] is not None
    kept = logged["results"][2]
    objection = Meanwhile(
        here.beneath,
        lambda: there.put("/v1/me/prompt/automation", json={"on": False}, headers=lin.headers),
    )
    module, name = {
        "PATCH": (residents, "checked"),
        "PUT": (records, "put"),
        "DELETE": (records, "delete"),
    }[method]
    monkeypatch.setattr(module, name, objection.before(getattr(module, name)))
    path, body = "/v1/me", {"name": "林 梅"}
    headers = lin.headers
    if method != "PATCH":
        path = f"/v1/me/records/{kept['id']}"
        body = pressure(119, 77, "2026-11-19T08:00:00+08:00") | {"id": kept["id"]}
        headers = headers | {"if-match": f'"{kept["rev"]}"'}
    json = None if method == "DELETE" else body
    answer = here.doors.request(method, path, json=json, headers=headers)
    assert answer.status_code < 300, answer.text
    assert objection.result().status_code == 200
    automation = here.doors.get("/v1/me/prompt/automation", headers=lin.headers).json()
    assert automation["on"] is False
    # Newest first: no level came after the objection, not even for a moment.
    told = here.doors.get("/v1/me/prompts", headers=lin.headers).json()["items"]
    assert [one["level"] for one in told[:1]] == [None]
    assert sum(one["level"] is None for one in told) == 1
