"""An export that breaks off, as a client behind a real server sees it: a failure, never a file."""

import asyncio
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from kangma_client import AsyncClient, Client, TransportError
from service.house import REGIONS_FILE, House, build, prepare
from service.kit.clock import utc_now
from service.kit.settings import Settings
from service.records import whole
from tests.faults.test_slow_clients import served
from tests.house_room import COMMUNITY, PASSWORD, REGIONS
from tests.journeys.visits import of

SWAP = text(
    "UPDATE record_parts SET sealed = (SELECT sealed FROM record_parts ORDER BY record_key LIMIT 1)"
    " WHERE record_key = (SELECT record_key FROM record_parts ORDER BY record_key DESC LIMIT 1)"
)
LIN = {"name": "林梅", "birth_date": "1980-05-17", "sex": "female", "region": COMMUNITY}


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, House]]:
    monkeypatch.setattr(whole, "PARTS", 8)
    settings = Settings(
        data=tmp_path / "data", kek=f"file:{tmp_path / 'keys' / 'kek.json'}", profile="test"
    )
    prepare(settings)
    (settings.data / REGIONS_FILE).write_text(json.dumps(REGIONS), "utf-8")
    house = build(settings, clock=utc_now)
    with served(house) as (host, port):
        yield f"http://{host}:{port}", house


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_the_client_is_told_that_it_is_not_whole(kind: Any, address: tuple[str, House]) -> None:
    asyncio.run(_cut(kind, *address))


async def _cut(kind: Any, url: str, house: House) -> None:
    client = kind(url)
    await of(client.register(login="lin", password=PASSWORD, **LIN))
    await of(client.sign_in("lin", PASSWORD))
    weights = [
        {
            "kind": "observation",
            "start": f"2026-01-{1 + n:02}T08:00:00+08:00",
            "values": {"body_weight": 60 + n % 9},
        }
        for n in range(30)
    ]
    await of(client.me.log(weights))
    for form in ("json", "csv", "fhir"):
        file = BytesIO()
        await of(client.me.export(file, format=form))
        assert file.tell() > 1000
    with house.db.engine.begin() as conn:
        conn.execute(SWAP)
    for form in ("json", "csv", "fhir"):
        with pytest.raises(TransportError):
            await of(client.me.export(BytesIO(), format=form))
    # It is the row that is wrong: whoever asks goes on being served.
    assert (await of(client.me.profile()))["name"] == "林梅"
    await of(client.close())
