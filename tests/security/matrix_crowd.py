"""The town of the deny matrix: who lives there, and one request for each operation."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx

from service.house import OUTLINES_FILE
from service.kit.ids import new_id
from tests.conftest import MovingClock
from tests.family_room import Child, begin
from tests.house_room import CITY as CITY_CODE
from tests.house_room import COMMUNITY, DISTRICT, PASSWORD, STREET, Person, town
from tests.security.asks import Ask, asks
from tests.security.deny_table import (
    CITY,
    CLASSLESS,
    EXPIRED,
    GUARDIAN,
    NOBODY,
    OWNER,
    PERSONAS,
    RESIDENT,
    SIGNED,
    UNSIGNED,
    WITHDRAWN,
)
from tests.standing_room import NOW, PRESSURE, Standing, inhabited, settings

CANARY = "canary-of-the-subject"
FOURTEEN = NOW.date().replace(year=NOW.year - 14).isoformat()
SQUARE = [[[125.0, 30.0], [125.1, 30.0], [125.1, 29.9], [125.0, 29.9], [125.0, 30.0]]]
OUTLINES = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"code": code},
            "geometry": {"type": "Polygon", "coordinates": SQUARE},
        }
        for code in (CITY_CODE, DISTRICT, STREET, COMMUNITY)
    ],
}


@dataclass(frozen=True)
class Crowd:
    """The subject's town. `mei` shows the same doctor another class only.

    `grown` are files of young people who are fourteen now, which `parent` began.
    """

    here: Standing
    of_mei: Standing
    people: dict[str, Person]
    headers: dict[str, dict[str, str]]
    grown: list[str]
    parent: Person


@contextmanager
def gathered(folder: Path, store: str) -> Iterator[Crowd]:
    """A town of its own in which everybody of the table lives, and a city that has outlines."""
    clock = MovingClock(NOW - timedelta(days=1))
    with ExitStack() as stack:
        made = settings(folder, store, stack)
        made.data.mkdir(parents=True)
        (made.data / OUTLINES_FILE).write_text(json.dumps(OUTLINES), "utf-8")
        here = stack.enter_context(town(made, clock))
        parent = here.resident("parent")
        grown = [begin(here, parent, birth_date=FOURTEEN).id for _ in PERSONAS]
        clock.now = NOW
        yield peopled(inhabited(here), grown, here.sign_in("parent"))


def peopled(here: Standing, grown: list[str], parent: Person) -> Crowd:
    town = here.town
    send(here, "POST", "/v1/me/records", here.resident, {"records": [marked()]})
    send(here, "POST", "/v1/me/series", here.resident, {"series": [heart_rate()]})
    send(here, "PATCH", "/v1/me", here.resident, {"contact": CANARY})
    withdrawn, unsigned = town.doctor("dr.once"), town.doctor("dr.never")
    grant = care_grant(withdrawn)
    given = send(here, "POST", "/v1/me/grants", here.resident, grant).json()
    send(here, "DELETE", f"/v1/me/grants/{given['id']}", here.resident)
    mei = town.resident("mei", name="另一位")
    wish = {"doctor_id": here.doctor.id, "package": "basic", "data_classes": ["lifestyle"]}
    send(here, "POST", "/v1/me/contract", mei, wish)
    send(here, "POST", "/v1/me/records", mei, {"records": [PRESSURE]})
    guardian = town.resident("guardian", name="监护人")
    assert here.child is not None
    Child(here.child.id, town, here.resident).joined_by(guardian)
    people = {
        OWNER: here.resident,
        RESIDENT: town.resident("other", name="别人"),
        GUARDIAN: guardian,
        SIGNED: here.doctor,
        UNSIGNED: unsigned,
        CLASSLESS: here.doctor,
        WITHDRAWN: withdrawn,
        CITY: here.city,
    }
    headers = {name: person.headers for name, person in people.items()}
    headers |= {NOBODY: {}, EXPIRED: expired(here)}
    of_mei = replace(here, resident=mei)
    return Crowd(here, of_mei, people, headers, grown, parent)


def marked() -> dict[str, object]:
    start = "2026-11-18T08:00:00+08:00"
    values = {"systolic_bp": 131, "diastolic_bp": 84}
    return {"kind": "observation", "start": start, "values": values, "note": CANARY}


def heart_rate() -> dict[str, object]:
    return {"measure": "heart_rate", "day": "2026-11-19", "t": [60], "v": [71]}


def care_grant(doctor: Person) -> dict[str, object]:
    return {
        "grantee": {"kind": "practitioner", "id": doctor.id},
        "purposes": ["care"],
        "data_classes": ["profile", "body"],
        "separate_consent": True,
    }


def expired(here: Standing) -> dict[str, str]:
    """A token of the owner whose ten minutes are over."""
    token = here.town.house.tokens.issue(
        subject=UUID(here.resident.id),
        audience="resident",
        scope=frozenset({"me"}),
        auth_time=NOW - timedelta(hours=1),
        acr=1,
        family=new_id(),
        now=NOW - timedelta(hours=1),
    )
    return {"authorization": f"Bearer {token}"}


def send(
    here: Standing, method: str, path: str, who: Person, body: object = None
) -> httpx.Response:
    answer = here.town.doors.request(method, path, json=body, headers=who.headers)
    assert answer.status_code < 300, answer.text
    return answer


def every_ask(here: Standing) -> dict[str, Ask]:
    """One good request for each operation about the subject, also for those that end things."""
    found = named(asks(here, "none"))
    form = {"grant_type": "password", "username": "lin", "password": PASSWORD}
    grant = f"/v1/me/grants/{here.grant}"
    more = [
        Ask("issue_token", None, "POST", "/v1/auth/token", {"data": form}),
        Ask("withdraw_grant", "resident", "DELETE", grant),
        Ask("end_contract", "resident", "DELETE", "/v1/me/contract"),
        Ask("erase_class", "resident", "DELETE", "/v1/me/data-classes/body"),
        Ask("erase_me", "resident", "DELETE", "/v1/me"),
    ]
    if here.child is not None:
        path = f"/v1/me/children/{here.child.id}"
        more += [
            Ask(
                "withdraw_grant_of_child", "resident", "DELETE", f"{path}/grants/{here.child.grant}"
            ),
            Ask("erase_class_of_child", "resident", "DELETE", f"{path}/data-classes/body"),
            Ask("end_contract_of_child", "resident", "DELETE", f"{path}/contract"),
            Ask("leave_child", "resident", "DELETE", path),
            Ask("erase_me_of_child", "resident", "DELETE", f"{path}/file"),
        ]
    return found | named(more)


def named(found: list[Ask]) -> dict[str, Ask]:
    first: dict[str, Ask] = {}
    for ask in found:
        first.setdefault(ask.name, ask)
    return first
