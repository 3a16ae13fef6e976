"""Long answers ask again: whoever has page one gets no page two once the consent is gone.

A page is a request of its own, so a cursor opens nothing by itself, and an answer that takes many
statements asks in each of them. Both databases; what a guardian turns over is held to the same.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import Connection

from consent.vocabulary import Action
from service.grants import actions as grants
from service.grants import gate
from service.house import House, build
from service.kit.audience import speaking_for
from service.records import pages, store
from tests import family_room as family
from tests import wall_slips as slips
from tests.house_room import Person
from tests.standing_room import NOW, Standing, standing

DAYS = range(10, 17)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def here(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("pages"), request.param) as opened:
        yield opened


def send(here: Standing, who: Person, method: str, path: str, body: Any = None) -> Any:
    answer = here.town.doors.request(method, path, json=body, headers=who.headers)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


def lived_in(here: Standing) -> Person:
    """Somebody with a weight and some steps on each of a week's days."""
    who = here.town.resident(uuid4().hex)
    weights = [
        {
            "kind": "observation",
            "start": f"2026-11-{day}T08:00:00+08:00",
            "values": {"body_weight": 60 + day / 10},
        }
        for day in DAYS
    ]
    steps = [
        {"measure": "steps", "day": f"2026-11-{day}", "t": [0, 60], "v": [5, day]} for day in DAYS
    ]
    send(here, who, "POST", "/v1/me/records", {"records": weights})
    send(here, who, "POST", "/v1/me/series", {"series": steps})
    return who


def patient(here: Standing) -> tuple[Person, str]:
    """Somebody who signed with the doctor, and their grant."""
    who = lived_in(here)
    wish = {"doctor_id": here.doctor.id, "package": "basic", "data_classes": ["body", "lifestyle"]}
    return who, send(here, who, "POST", "/v1/me/contract", wish)["grant_id"]


def take_back(here: Standing, who: Person, grant: str, how: str) -> None:
    if how == "withdraw":
        send(here, who, "DELETE", f"/v1/me/grants/{grant}")
    elif how == "end":
        send(here, who, "DELETE", "/v1/me/contract")
    elif how == "shut out":
        send(here, who, "PUT", "/v1/me/deny-all", {"on": True})
    else:
        send(here, who, "DELETE", "/v1/me")


def turned(here: Standing, path: str) -> httpx.Response:
    return here.town.doors.get(path, headers=here.doctor.headers)


WAYS = ["withdraw", "end", "shut out", "erase"]
RULES = {"withdraw": "withdrawn", "shut out": "deny-all"}


def is_refused(answer: httpx.Response, how: str) -> None:
    """A refusal without a trace of what the pages before showed."""
    assert answer.status_code == (404 if how == "erase" else 403), answer.text
    assert "body_weight" not in answer.text
    assert "items" not in answer.json()
    if how in RULES:
        assert answer.json()["rule"] == RULES[how]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("narrowed", ["", "&measure=body_weight", "&kind=observation"])
def test_no_second_page_of_records(here: Standing, how: str, narrowed: str) -> None:
    who, grant = patient(here)
    address = f"/v1/doctor/patients/{who.id}/records?limit=3{narrowed}"
    first = turned(here, address).json()
    assert [one["values"]["body_weight"] for one in first["items"]] == [61.6, 61.5, 61.4]
    behind = f"{address}&cursor={first['next']}"
    second = turned(here, behind).json()
    assert [one["values"]["body_weight"] for one in second["items"]] == [61.3, 61.2, 61.1]
    take_back(here, who, grant, how)
    for path in (behind, f"{address}&cursor={second['next']}", address):
        is_refused(turned(here, path), how)


def test_a_cursor_of_a_wide_grant_opens_no_more_than_the_narrow_one_after_it(
    here: Standing,
) -> None:
    who, grant = patient(here)
    address = f"/v1/doctor/patients/{who.id}/records?limit=3"
    behind = f"{address}&cursor={turned(here, address).json()['next']}"
    assert len(turned(here, behind).json()["items"]) == 3
    send(here, who, "DELETE", f"/v1/me/grants/{grant}")
    narrow = {
        "grantee": {"kind": "practitioner", "id": here.doctor.id},
        "purposes": ["care"],
        "data_classes": ["profile", "body"],
        "separate_consent": True,
        "observations_to": "2026-11-11",
    }
    given = send(here, who, "POST", "/v1/me/grants", narrow)
    assert [one["start"][:10] for one in turned(here, behind).json()["items"]] == [
        "2026-11-11",
        "2026-11-10",
    ]
    elsewhere = narrow | {"data_classes": ["profile", "lifestyle"], "observations_to": None}
    send(here, who, "PUT", f"/v1/me/grants/{given['id']}", elsewhere)
    assert turned(here, behind).json()["items"] == []


@pytest.mark.parametrize("how", WAYS)
def test_no_further_span_of_a_series(here: Standing, how: str) -> None:
    who, grant = patient(here)
    address = f"/v1/doctor/patients/{who.id}/series/steps"
    first = turned(here, f"{address}?from=2026-11-10&to=2026-11-11")
    assert first.json()["v"] == [5, 10, 5, 11]
    take_back(here, who, grant, how)
    for span in ("?from=2026-11-12&to=2026-11-13", "?from=2026-11-10&to=2026-11-11", ""):
        is_refused(turned(here, address + span), how)


@pytest.mark.parametrize("how", WAYS)
def test_who_withdrew_is_on_no_page_of_the_panel(here: Standing, how: str) -> None:
    """Page two is made of the panel as it is then, whatever was remembered for page one."""
    two = dict([patient(here), patient(here)])
    everybody = list(pages_of_panel(here))
    assert len(everybody) > 2
    shown = [row for row in everybody if row in {who.id for who in two}]
    assert len(shown) == 2
    walk = pages_of_panel(here)
    while next(walk) != shown[0]:
        pass
    ((who, grant),) = [pair for pair in two.items() if pair[0].id == shown[1]]
    take_back(here, who, grant, how)
    assert shown[1] not in list(walk)
    assert shown[1] not in list(pages_of_panel(here))


def pages_of_panel(here: Standing) -> Iterator[str]:
    """The panel, a page a row."""
    path = address = "/v1/doctor/panel?limit=1"
    while True:
        page = turned(here, path).json()
        yield from (row["patient_id"] for row in page["items"])
        if page["next"] is None:
            return
        path = f"{address}&cursor={page['next']}"


@pytest.mark.parametrize("rest", ["/records?limit=3", "/access-log?limit=1", "/grants?limit=1"])
def test_a_guardian_who_is_none_any_more_turns_no_page(here: Standing, rest: str) -> None:
    mother, father = lived_in(here), lived_in(here)
    child = family.begin(here.town, mother)
    for day in DAYS:
        weight = {
            "kind": "observation",
            "start": f"2026-11-{day}T08:00:00+08:00",
            "values": {"body_weight": 30},
        }
        family.ok(child.ask("POST", "/records", {"records": [weight]}))
    wish = {"doctor_id": here.doctor.id, "package": "basic", "data_classes": ["body"]}
    for _ in range(2):
        family.ok(child.ask("POST", "/contract", wish), 201)
        family.ok(child.ask("DELETE", "/contract"))
    joined = child.joined_by(father)
    first = family.ok(joined.ask("GET", rest))
    behind = f"{rest}&cursor={first['next']}"
    assert family.ok(joined.ask("GET", behind))["items"]
    assert joined.ask("DELETE").status_code < 300
    for path in (behind, rest, "/prompts?from=2026-11-01"):
        assert joined.ask("GET", path).status_code in (403, 404), path
        family.ok(child.ask("GET", path))


# -- inside one answer ----------------------------------------------------------------------------


@pytest.fixture
def elsewhere(here: Standing) -> Iterator[House]:
    """Another process on the same stores, by which somebody withdraws meanwhile."""
    house = build(here.town.house.settings, clock=lambda: NOW)
    yield house
    house.close()


def test_an_answer_of_many_statements_asks_in_each(
    here: Standing, elsewhere: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The withdrawal commits after the first of them, with nothing sent so far.

    On PostgreSQL only: SQLite has one writer at a time, and a look writes its entry.
    """
    if here.town.house.db.dialect == "sqlite":
        pytest.skip("nothing comes between the statements of a look on SQLite")
    monkeypatch.setattr(pages, "CHUNK", 2)
    asked: list[int] = []
    fetching = store.newest

    def withdraw(conn: Connection) -> None:
        subject = UUID(who.id)
        mine = gate.own(conn, elsewhere.vault, resident=subject, action=Action.MANAGE, now=NOW)
        grants.withdraw(conn, elsewhere.vault, mine, UUID(grant), now=NOW)

    def fetched(*given: Any, **named: Any) -> Any:
        found = fetching(*given, **named)
        asked.append(len(found))
        if len(asked) == 1:
            with speaking_for("resident"):
                elsewhere.db.write(withdraw)
        return found

    monkeypatch.setattr(store, "newest", fetched)
    # No record is of this kind, so all of them are looked through.
    path = "/v1/doctor/patients/{}/records?limit=1&kind=condition"
    who, grant = patient(here)
    told = turned(here, path.format(who.id))
    assert (told.status_code, told.json()["rule"]) == (403, "withdrawn")
    assert asked == [2]

    slips.without_consent_revision(monkeypatch)
    asked.clear()
    who, grant = patient(here)
    assert turned(here, path.format(who.id)).status_code == 200
    assert len(asked) > 3
