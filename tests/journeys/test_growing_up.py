"""A family over the years, through the Python client: begun, shared, kept, grown up, handed over.

The service runs in this process, so that its clock can be moved to the birthday.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from kangma_client import AsyncClient, Invalid, NotFound, OnlyGuardian, Refused
from service.app import create
from service.kit.settings import Settings
from tests.asgi import ADDRESS
from tests.conftest import MovingClock
from tests.house_room import COMMUNITY, PASSWORD, town

FOURTEEN = datetime(2029, 2, 28, 16, tzinfo=UTC)
"""1 March 2029 begins in Shanghai."""
HEIGHT = {
    "kind": "observation",
    "start": "2026-11-19T08:00:00+08:00",
    "values": {"body_height": 152.5},
}


def test_a_child_grows_up(tmp_path: Path, clock: MovingClock) -> None:
    kek = f"file:{tmp_path / 'keys' / 'kek.json'}"
    with town(Settings(data=tmp_path / "data", kek=kek, profile="test"), clock) as here:
        transport = httpx.ASGITransport(create(here.house))
        asyncio.run(_years(lambda: AsyncClient(ADDRESS, transport=transport), clock))


async def _years(client: Callable[[], AsyncClient], clock: MovingClock) -> None:
    mother, father, young = client(), client(), client()
    for one, name in ((mother, "林梅"), (father, "陈伟")):
        await one.register(
            login=name, password=PASSWORD, name=name, birth_date="1985-05-17", sex="female",
            region=COMMUNITY,
        )  # fmt: skip
        await one.sign_in(name, PASSWORD)
    begun = await mother.me.begin_child(
        name="林小乐", birth_date="2015-03-01", sex="male", region=COMMUNITY
    )
    assert datetime.fromisoformat(begun["until"]) == FOURTEEN
    child = mother.me.child(begun["resident_id"])
    with pytest.raises(NotFound):
        await father.me.child(begun["resident_id"]).profile()
    await father.me.join_child((await child.invite_guardian())["code"])
    same = father.me.child(begun["resident_id"])
    logged = await child.log([HEIGHT])
    assert logged["results"][0]["status"] == "created"
    assert [one["values"] async for one in same.records()] == [HEIGHT["values"]]
    seen = [(one["actor"]["name"], one["action"]) async for one in child.access_log()]
    assert ("陈伟", "read") in seen
    await same.leave()
    with pytest.raises(OnlyGuardian):
        await child.leave()
    await _come_of_age(mother, young, begun["resident_id"], clock)
    for one in (mother, father, young):
        await one.close()


async def _come_of_age(
    mother: AsyncClient, young: AsyncClient, child_id: str, clock: MovingClock
) -> None:
    clock.now = FOURTEEN - timedelta(seconds=1)
    await mother.sign_in("林梅", PASSWORD)
    child = mother.me.child(child_id)
    code = (await child.hand_over())["code"]
    assert [one async for one in child.records()]
    with pytest.raises(Invalid):
        await young.claim(code, login="小乐", password=PASSWORD)
    clock.advance(timedelta(seconds=1))
    with pytest.raises(Refused) as refusal:
        await child.profile()
    assert refusal.value.rule == "guardian-ended"
    assert [one["of_age"] async for one in mother.me.children()] == [True]
    assert (await young.claim(code, login="小乐", password=PASSWORD))["resident_id"] == child_id
    await young.sign_in("小乐", PASSWORD)
    mine: list[Any] = [one async for one in young.me.records()]
    assert [one["values"] for one in mine] == [HEIGHT["values"]]
    assert {one["name"] async for one in young.me.guardians()} == {"林梅", "陈伟"}
    assert [one async for one in mother.me.children()] == []
