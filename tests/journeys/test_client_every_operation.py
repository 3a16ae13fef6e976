"""Both Python clients, method by method, against a running server: every operation, once for real.

The journey is written once. A synchronous method answers at once and an asynchronous one is
awaited; lists are read to their end either way.
"""

import asyncio
import inspect
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import wraps
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from kangma_client import (
    AppealOpen,
    AsyncClient,
    Client,
    Conflict,
    Invalid,
    NotFound,
    Refused,
    Stale,
)
from kangma_client import Unauthenticated as SignedOut
from kangma_client._async.me import AsyncChild
from kangma_client._sync.me import Child
from tests.authenticator import Authenticator
from tests.contract.test_client_covers import ASYNC, SUFFIX, SYNC, declared, of_children
from tests.journeys.place import Place, served_place
from tests.journeys.visits import govern, look_around, of

PASSWORD = "correct horse 电池"
WEIGHT = {
    "kind": "observation",
    "start": "2026-11-10T08:00:00+08:00",
    "values": {"body_weight": 61.5},
}
PRESSURE = {
    "kind": "observation",
    "start": "2026-11-11T08:00:00+08:00",
    "values": {"systolic_bp": 128, "diastolic_bp": 82},
}
STATISTICS = {
    "grantee": {"kind": "service", "id": "statistics"},
    "purposes": ["statistics"],
    "data_classes": ["profile", "body", "screening"],
    "separate_consent": ["profile", "body", "screening"],
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    with served_place(tmp_path_factory.mktemp("clients"), request.param) as served:
        yield served


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The operations whose methods have been called."""
    seen: set[str] = set()

    def noted(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def call(*given: Any, **named: Any) -> Any:
            name = method.__dict__["operation"]
            is_child = isinstance(given[0], AsyncChild | Child)
            seen.add(name + SUFFIX if is_child and name in of_children() else name)
            return method(*given, **named)

        return call

    for one in (*ASYNC, *SYNC):
        for name, method in list(vars(one).items()):
            if inspect.isfunction(method) and "operation" in method.__dict__:
                monkeypatch.setattr(one, name, noted(method))
    return seen


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_every_method_works(kind: Any, place: Place, called: set[str]) -> None:
    asyncio.run(_journey(kind, place))
    assert called == declared()


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_machine_signs_in_by_its_key(kind: Any, place: Place, tmp_path: Path) -> None:
    """The key comes as the operator's command prints it, or from a file."""

    async def visit() -> None:
        client = kind(place.url)
        for key in (place.machine["private_key"], tmp_path / "key.json"):
            await of(client.sign_in_client(place.machine["client_id"], private_key=key))
            # Two requests with one token: each needs a proof of its own.
            assert place.release in {one["release_id"] for one in await of(client.city.releases())}
            assert (await of(client.city.release(place.release)))["release_id"] == place.release
        await of(client.sign_out())
        await of(client.close())

    (tmp_path / "key.json").write_text(place.machine["private_key"], "utf-8")
    asyncio.run(visit())


async def _journey(kind: Any, place: Place) -> None:
    lin, chen = kind(place.url, language="en"), kind(place.url)
    zhou, city = kind(place.url), kind(place.url)
    try:
        community = await look_around(lin)
        await _move_in(lin, kind.__name__, community)
        leaving = await of(zhou.depart())
        await of(zhou.come_back(**place.elsewhere.browse(leaving["authorization_url"])))
        await of(zhou.sign_out())
        await of(zhou.sign_in(place.doctor["login"], place.doctor["password"]))
        await _keep_records(lin.me)
        await _be_prompted(lin.me)
        await _share(lin.me, zhou)
        await _raise(lin, chen, zhou, kind.__name__, community)
        await of(city.sign_in_client(place.city["client_id"], place.city["client_secret"]))
        await govern(city, place.release)
        await _leave(lin, zhou)
    finally:
        for client in (lin, chen, zhou, city):
            await of(client.close())


async def _move_in(client: Any, name: str, community: str) -> None:
    person = {"name": "林梅", "birth_date": "1980-05-17", "sex": "female", "region": community}
    made = await of(client.register(login=f"lin-{name}", password=PASSWORD, **person))
    await of(client.sign_in(f"lin-{name}", PASSWORD))
    profile = await of(client.me.profile())
    assert profile["resident_id"] == made["resident_id"]
    assert (await of(client.me.amend(contact="13800138000")))["contact"] == "13800138000"
    await _hold_a_key(client, f"lin-{name}")
    assert (await of(client.me.profile()))["resident_id"] == made["resident_id"]


async def _hold_a_key(client: Any, login: str) -> None:
    """Add passkeys, sign in and step up with one, remove the other; forget the password."""
    device, keys = Authenticator(), client.passkeys
    kept = await of(keys.add(device.create(await of(keys.begin()))))
    await of(keys.sign_in(device.get(await of(keys.challenge()))))
    spare = await of(keys.add(Authenticator().create(await of(keys.begin()))))
    await of(keys.step_up(password=PASSWORD))
    await of(keys.step_up(credential=device.get(await of(keys.challenge()))))
    await of(client.change_password(PASSWORD, "another horse 电池"))
    await of(client.change_password("another horse 电池", PASSWORD))
    await of(keys.step_up(credential=device.get(await of(keys.challenge()))))
    codes = (await of(client.make_recovery_codes()))["codes"]
    await of(client.recover(login, codes[0], PASSWORD))
    assert (await of(client.recovery_codes()))["left"] == len(codes) - 1
    await of(keys.step_up(credential=device.get(await of(keys.challenge()))))
    assert await of(keys.remove(spare["id"])) is None
    assert [one["id"] for one in await of(keys.mine())] == [kept["id"]]


async def _keep_records(me: Any) -> None:
    logged = await of(me.log([WEIGHT, PRESSURE, {**WEIGHT, "kind": "no_such"}]))
    first, second, third = logged["results"]
    assert [one["status"] for one in (first, second, third)] == ["created", "created", "rejected"]
    assert {one["id"] for one in await of(me.records(page_size=1))} == {first["id"], second["id"]}
    assert [one["id"] for one in await of(me.records(measure="systolic_bp"))] == [second["id"]]
    kept = await of(me.record(first["id"]))
    changed = {**kept, "values": {"body_weight": 62}}
    replaced = await of(me.replace_record(kept["id"], changed, etag=f'"{kept["rev"]}"'))
    assert replaced["values"] == {"body_weight": 62}
    with pytest.raises(Stale):
        await of(me.delete_record(kept["id"], etag=f'"{kept["rev"]}"'))
    assert await of(me.delete_record(kept["id"], etag=f'"{replaced["rev"]}"')) is None
    with pytest.raises(NotFound):
        await of(me.record(kept["id"]))
    day = {"measure": "heart_rate", "day": "2026-11-10", "t": [60, 120], "v": [61, 63]}
    assert (await of(me.append_series([day])))["results"][0]["samples"] == 2
    assert (await of(me.series("heart_rate")))["v"] == [61, 63]
    assert (await of(me.series("heart_rate", resolution="day")))["mean"] == [62]


async def _be_prompted(me: Any) -> None:
    prompt = await of(me.prompt())
    assert prompt["level"] is None or 1 <= prompt["level"] <= 5
    levels = [one["level"] for one in await of(me.prompts())]
    assert levels[:1] == [prompt["level"]] or (levels == [] and prompt["level"] is None)
    imagined = await of(me.what_if({"systolic_bp": 188, "diastolic_bp": 115}))
    assert imagined["urgent"] is not None
    assert (await of(me.contributions()))["contributing"] is False
    planned = await of(me.plan())
    assert all(one["source"] for one in planned["due"])
    assert planned["fitness"] == []


async def _object(me: Any, zhou: Any, patient: str) -> None:
    """Ask why, object, be answered; take another objection back; switch levels off and on."""
    raised = {
        "kind": "observation",
        "start": datetime.now(UTC).isoformat(),
        "values": {"systolic_bp": 171, "diastolic_bp": 104},
    }
    logged = (await of(me.log([raised])))["results"][0]
    prompt = await of(me.prompt())
    explanation = prompt["explanation"]
    about: dict[str, str] = {"record": logged["id"]}
    if explanation is not None:
        told = await of(me.explanation(explanation))
        assert told["to_level"] == prompt["level"]
        about = {"explanation": explanation}
    filed = await of(me.appeal("the cuff was too small", **about, for_doctor=True))
    with pytest.raises(AppealOpen):
        await of(me.appeal("once more", **about, for_doctor=True))
    waiting = await of(zhou.doctor.appeals(page_size=1))
    assert [one["appeal_id"] for one in waiting if one["patient_id"] == patient] == [filed["id"]]
    answered = await of(zhou.doctor.answer_appeal(patient, filed["id"], "upheld", "measure again"))
    assert answered["state"] == "answered"
    assert (await of(me.get_appeal(filed["id"])))["answer"]["outcome"] == "upheld"
    if explanation is not None:
        assert (await of(me.prompt()))["review"]["answer"] == "measure again"
    other = await of(me.appeal("not mine", record=logged["id"], for_doctor=False))
    assert (await of(me.withdraw_appeal(other["id"])))["state"] == "withdrawn"
    assert len(await of(me.appeals(page_size=1))) == 2
    assert (await of(me.set_automation(False)))["on"] is False
    assert (await of(me.prompt()))["level"] is None
    assert (await of(me.set_automation(True))) == await of(me.automation())
    with pytest.raises(NotFound):
        await of(me.explanation(patient))


async def _share(me: Any, zhou: Any) -> None:
    """Sign, be looked at, shut out, withdraw."""
    profile = await of(me.profile())
    patient = profile["resident_id"]
    with pytest.raises((NotFound, Refused)):
        await of(zhou.doctor.patient(patient))
    doctor = next(one for one in await of(me.doctors()) if one["name"] == "周医生")
    signed = await of(me.sign(doctor["id"], "basic", ["profile", "body", "screening"]))
    assert (await of(me.contract()))["id"] == signed["id"]
    with pytest.raises(Conflict):
        await of(me.sign(doctor["id"], "basic", ["body"]))
    await _care(zhou, patient, profile["name"])
    shown = await of(me.code())
    assert (await of(zhou.doctor.resolve(shown["token"])))["patient_id"] == patient
    given = await of(me.give(STATISTICS))
    assert {one["id"] for one in await of(me.grants())} >= {given["id"], signed["grant_id"]}
    assert (await of(me.grant(given["id"])))["status"] == "active"
    month = datetime.now(UTC) + timedelta(days=30)
    until = {**STATISTICS, "valid_until": month.isoformat()}
    assert (await of(me.change(given["id"], until)))["valid_until"] is not None
    assert (await of(me.renew(given["id"])))["needs_renewal"] is False
    assert (await of(me.receipt(given["id"])))["receipt"].count(".") == 2
    seen = await of(me.simulate())
    assert seen["items"]
    assert (await of(me.replay("2020-01-01T00:00:00+08:00")))["items"][0]["grantee"]["id"] == "any"
    assert (await of(me.withdraw(given["id"])))["status"] == "withdrawn"
    assert (await of(me.set_deny_all(True)))["on"] is True
    assert (await of(me.deny_all()))["on"] is True
    with pytest.raises(Refused) as refusal:
        await of(zhou.doctor.patient(patient))
    assert refusal.value.rule
    await of(me.set_deny_all(False))
    await _object(me, zhou, patient)
    await _be_asked(me, zhou, patient)
    await _in_an_emergency(me, zhou, patient)
    looks = await of(me.access_log(page_size=2))
    assert {look["decision"] for look in looks} == {"allow", "deny"}
    assert (await of(me.export_access_log()))["entries"] >= len(looks)


async def _be_asked(me: Any, zhou: Any, patient: str) -> None:
    """The doctor asks; one question is agreed to, the next refused, and then there is rest."""
    asked = await of(zhou.doctor.ask(patient, ["lifestyle"]))
    assert asked["request_id"] == (await of(zhou.doctor.ask(patient, ["mental"])))["request_id"]
    assert [one["id"] for one in await of(me.requests())] == [asked["request_id"]]
    agreed = await of(me.accept_request(asked["request_id"]))
    assert agreed["grant_id"] in {one["id"] for one in await of(me.grants())}
    again = await of(zhou.doctor.ask(patient, ["mental"]))
    assert (await of(me.refuse_request(again["request_id"])))["status"] == "refused"
    with pytest.raises(Refused) as refusal:
        await of(zhou.doctor.ask(patient, ["body"]))
    assert refusal.value.rule == "cool-down"
    told = await of(me.notices())
    # Of the sign-in, and of the watch over unusual looks, which comes round on a slow machine.
    others = ("passkey-", "password-", "recovery-", "unusual-look")
    kinds = {one["kind"] for one in told if not one["kind"].startswith(others)}
    assert kinds == {"consent-asked", "appeal-answered"}
    assert (await of(me.mark_notice_read(told[0]["id"])))["read"] is True


async def _in_an_emergency(me: Any, zhou: Any, patient: str) -> None:
    """The doctor of this journey signed in with a password alone, which is not enough."""
    assert (await of(me.set_emergency(False)))["allowed"] is False
    assert (await of(me.set_emergency(True))) == await of(me.emergency())
    with pytest.raises(Refused) as refusal:
        await of(zhou.doctor.open_emergency(patient, "unconscious in the street"))
    assert refusal.value.rule == "break-glass-needs-acr"
    for nothing in (
        lambda: zhou.doctor.close_emergency(patient),
        lambda: me.stop_emergency(patient),
        lambda: me.mark_notice_read(patient),
        lambda: me.accept_request(patient),
    ):
        with pytest.raises(NotFound):
            await of(nothing())


async def _care(zhou: Any, patient: str, name: str) -> None:
    """What a doctor sees and adds."""
    rows = await of(zhou.doctor.panel(page_size=1))
    assert [row["name"] for row in rows if row["patient_id"] == patient] == [name]
    shares = await of(zhou.doctor.indicators(year=2026))
    assert [one["condition"] for one in shares["conditions"]] == ["hypertension", "diabetes"]
    seen = await of(zhou.doctor.patient(patient))
    assert seen["profile"]["name"] == name
    assert seen["withheld"]
    added = await of(zhou.doctor.log(patient, [{**WEIGHT, "start": "2026-11-12T09:00:00+08:00"}]))
    assert added["results"][0]["status"] == "created"
    records = await of(zhou.doctor.records(patient, kind="observation", page_size=1))
    assert {record["source"]["kind"] for record in records} == {"manual", "practitioner"}
    assert (await of(zhou.doctor.series(patient, "heart_rate", resolution="raw")))["v"] == [61, 63]


async def _raise(lin: Any, chen: Any, zhou: Any, name: str, community: str) -> None:
    """Begin a child's file, share its care, use all of it, and erase it."""
    born = f"{datetime.now(UTC).year - 9}-03-09"
    kid = {"name": "林小乐", "birth_date": born, "sex": "male", "region": community}
    begun = await of(lin.me.begin_child(**kid))
    father = {**kid, "name": "陈伟", "birth_date": "1979-01-02"}
    await of(chen.register(login=f"chen-{name}", password=PASSWORD, **father))
    await of(chen.sign_in(f"chen-{name}", PASSWORD))
    child = lin.me.child(begun["resident_id"])
    invited = await of(child.invite_guardian())
    assert (await of(chen.me.join_child(invited["code"])))["resident_id"] == begun["resident_id"]
    assert len(await of(child.guardians())) == 2
    assert await of(lin.me.guardians()) == []
    assert (await of(child.amend(contact="13800138000")))["name"] == "林小乐"
    assert (await of(child.profile()))["birth_date"] == born
    await _keep_records(child)
    await _be_prompted(child)
    await _share(child, zhou)
    assert (await of(child.end_contract()))["status"] == "ended"
    code = (await of(child.hand_over()))["code"]
    with pytest.raises(Invalid):
        await of(chen.claim(code, login=f"kid-{name}", password=PASSWORD))
    await of(chen.me.child(begun["resident_id"]).leave())
    assert await of(chen.me.children()) == []
    assert [one["name"] for one in await of(lin.me.children())] == ["林小乐"]
    assert (await of(child.erase_class("body")))["data_class"] == "body"
    assert (await of(child.erase()))["resident_id"] == begun["resident_id"]


async def _take_along(me: Any) -> None:
    files = {form: BytesIO() for form in ("json", "csv", "fhir")}
    for form, file in files.items():
        await of(me.export(file, format=form))
    whole = json.loads(files["json"].getvalue())
    assert whole["profile"] == await of(me.profile())
    assert {one["id"] for one in whole["records"]} == {one["id"] for one in await of(me.records())}
    assert "records.csv" in ZipFile(files["csv"]).namelist()
    assert json.loads(files["fhir"].getvalue())["resourceType"] == "Bundle"
    with pytest.raises(NotFound):
        await of(me.child(whole["resident_id"]).export(BytesIO()))


async def _leave(lin: Any, zhou: Any) -> None:
    await _take_along(lin.me)
    assert (await of(lin.me.end_contract()))["status"] == "ended"
    with pytest.raises(NotFound):
        await of(lin.me.contract())
    assert (await of(lin.me.erase_class("body")))["data_class"] == "body"
    assert (await of(lin.me.erase()))["receipt"].count(".") == 2
    with pytest.raises(SignedOut):
        await of(lin.me.profile())
    await of(zhou.sign_out())
    with pytest.raises(SignedOut):
        await of(zhou.doctor.panel())
