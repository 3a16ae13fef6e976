"""Every operation times every persona: exactly the cells of `deny_table` are let in.

All others are turned away: without an acceptable token for that door by 401, otherwise by 404 or
403. Whoever never had to do with the subject reads the same bytes as about nobody at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from service.kit.ids import new_id
from tests.contract.validated import document
from tests.family_room import Child
from tests.house_room import PASSWORD, Person
from tests.security.asks import Ask, asks
from tests.security.deny_table import (
    CITY,
    CLASSLESS,
    EXPIRED,
    GUARDIAN,
    LET_IN,
    NOBODY,
    OWNER,
    PERSONAS,
    RESIDENT,
    SIGNED,
    UNSIGNED,
    WITHDRAWN,
)
from tests.standing_room import NOW, Standing, Ward, standing

CANARY = "canary-of-the-subject"
TURNED_AWAY = {401: "unauthenticated", 403: "refused", 404: "not-found"}
"""A 404 may also say that a city has no outlines loaded: that is an answer, not a closed door."""
UNRELATED = (RESIDENT, GUARDIAN, UNSIGNED)


@dataclass(frozen=True)
class Crowd:
    """The subject's town. `mei` shows the same doctor another class only."""

    here: Standing
    headers: dict[str, dict[str, str]]
    asks: dict[str, Ask]
    asks_of_mei: dict[str, Ask]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def crowd(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Crowd]:
    with standing(tmp_path_factory.mktemp("matrix"), request.param) as here:
        yield gathered(here)


def gathered(here: Standing) -> Crowd:
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
    return Crowd(here, headers, every_ask(here), every_ask(replace(here, resident=mei)))


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


def fresh_scan(crowd: Crowd) -> Ask:
    """A code is good for one look, so each doctor holds a new one."""
    headers = crowd.here.resident.headers
    shown = crowd.here.town.doors.get("/v1/me/code", headers=headers).json()["token"]
    body = {"json": {"token": shown}}
    return Ask("resolve_code", "doctor", "POST", "/v1/doctor/codes/resolve", body)


NOT_SERVED = {
    *("sign_in_by_passkey", "add_passkey", "step_up", "change_password", "claim", "join_child"),
    *("begin_child", "sign_contract", "sign_contract_of_child", "change_grant"),
    *("change_grant_of_child", "file_appeal", "file_appeal_of_child", "replace_record"),
    *("replace_record_of_child", "delete_record", "delete_record_of_child", "get_release_map"),
}
"""Where the request of this table is let in and then found wanting: a passkey or a code that is
none, a record that somebody changed meanwhile, a contract that is signed already. Everybody else
who is let in anywhere is served."""
LAST = (
    *("delete_record_of_child", "withdraw_grant_of_child", "end_contract_of_child"),
    *("erase_class_of_child", "leave_child", "erase_me_of_child"),
    *("delete_record", "withdraw_grant", "end_contract", "erase_class", "erase_me"),
)
"""What these let in ends what the others ask for."""
ENDED_BY = {"leave_child": GUARDIAN}
"""Who ends it, where it is not the owner: one guardian has to stay."""


def ask_as(crowd: Crowd, persona: str, ask: Ask) -> httpx.Response:
    options = dict(ask.options)
    headers = {**options.pop("headers", {}), **crowd.headers[persona]}
    return crowd.here.town.doors.request(ask.method, ask.path, headers=headers, **options)


def the_ask(crowd: Crowd, persona: str, name: str) -> Ask:
    if name == "resolve_code":
        return fresh_scan(crowd)
    return (crowd.asks_of_mei if persona == CLASSLESS else crowd.asks)[name]


def turned_away(answer: httpx.Response) -> bool:
    code = TURNED_AWAY.get(answer.status_code)
    return code is not None and answer.json()["code"] == code


def without_id(answer: httpx.Response) -> dict[str, object]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


def test_the_table_has_every_operation() -> None:
    declared = {
        operation["operationId"]
        for methods in document()["paths"].values()
        for operation in methods.values()
    }
    assert set(LET_IN) == declared


def test_exactly_the_cells_of_the_table_are_let_in(crowd: Crowd) -> None:
    """Those that are turned away knock first; what ends something comes last."""
    names = [name for name in LET_IN if name not in LAST]
    wrong = []
    for name in (*names, *LAST):
        for persona in sorted(PERSONAS, key=lambda one: one in LET_IN[name]):
            ender = ENDED_BY.get(name, OWNER)
            if name in LAST and persona in LET_IN[name] and persona != ender:
                continue
            answer = ask_as(crowd, persona, the_ask(crowd, persona, name))
            let_in = not turned_away(answer)
            if let_in is not (persona in LET_IN[name]) or answer.status_code >= 500:
                wrong.append((name, persona, answer.status_code, answer.text[:200]))
            if let_in and not answer.is_success and name not in NOT_SERVED:
                wrong.append((name, persona, answer.status_code, answer.text[:200]))
            if persona not in {OWNER, SIGNED}:
                assert CANARY not in answer.text, (name, persona)
    assert wrong == []


def test_strangers_read_of_somebody_what_they_read_of_nobody(crowd: Crowd) -> None:
    here = crowd.here
    nobody = Person(str(uuid4()), "nobody", "", None)
    no_child = Ward(str(uuid4()), str(uuid4()), str(uuid4()))
    ghost = replace(here, resident=nobody, grant=str(uuid4()), record=str(uuid4()), child=no_child)
    real, unreal = (named(asks(one, "none")) for one in (here, ghost))
    compared = 0
    for name, ask in real.items():
        if ask.path == unreal[name].path:
            continue
        for persona in [one for one in UNRELATED if one not in LET_IN[name]]:
            there, not_there = ask_as(crowd, persona, ask), ask_as(crowd, persona, unreal[name])
            assert there.status_code == not_there.status_code, (name, persona)
            assert without_id(there) == without_id(not_there), (name, persona)
            assert header_names(there) == header_names(not_there), (name, persona)
            compared += 1
    assert compared > 20


def named(found: list[Ask]) -> dict[str, Ask]:
    first: dict[str, Ask] = {}
    for ask in found:
        first.setdefault(ask.name, ask)
    return first


def header_names(answer: httpx.Response) -> dict[str, str]:
    return {name: text for name, text in answer.headers.items() if name != "x-request-id"}
