"""The one row a day of a resident's history, while two processes write and assess at once."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection, select

from service.app import create
from service.house import build
from service.kit.guard import Crossing, dangerously_crossing
from service.prompts.tables import prompt_history
from tests.asgi import Doors, doors
from tests.house_room import town
from tests.standing_room import NOW, settings

WRITES = 24


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_two_processes_leave_one_row_and_lose_no_change(tmp_path: Path, store: str) -> None:
    with ExitStack() as stack:
        made = settings(tmp_path, store, stack)
        here = stack.enter_context(town(made, lambda: NOW))
        other = build(made, clock=lambda: NOW, desk=True)
        stack.callback(other.close)
        there = stack.enter_context(doors(create(other)))
        lin = here.resident("lin")

        def write(number: int) -> None:
            side: Doors = (here.doors, there)[number % 2]
            values = {"systolic_bp": 118 + number % 3 * 30, "diastolic_bp": 82}
            start = f"2026-11-19T08:{number:02}:00+08:00"
            record = {"kind": "observation", "start": start, "values": values}
            logged = side.post("/v1/me/records", json={"records": [record]}, headers=lin.headers)
            assert logged.json()["results"][0]["status"] == "created", logged.text
            if number % 8 in (6, 7):
                switch = {"on": number % 8 == 7}
                done = side.put("/v1/me/prompt/automation", json=switch, headers=lin.headers)
                assert done.status_code == 200, done.text
            assert side.get("/v1/me/prompt", headers=lin.headers).status_code == 200

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(WRITES)))

        def revisions(conn: Connection) -> list[int]:
            mine = prompt_history.c.resident_id == UUID(lin.id)
            return list(conn.scalars(select(prompt_history.c.rev).where(mine)))

        found = here.house.db.read(dangerously_crossing(Crossing.VERIFICATION, revisions))
        assert len(found) == 1
        # Each write was assessed, and the row stands where the last of them put it.
        assert found[0] >= WRITES
        prompt = here.doors.get("/v1/me/prompt", headers=lin.headers).json()
        told = here.doors.get("/v1/me/prompts", headers=lin.headers).json()["items"]
        # Newest first. A change that was lost would leave two alike beside each other.
        levels = [one["level"] for one in told]
        assert levels[0] == prompt["level"]
        assert all(newer != older for newer, older in pairwise(levels))
        assert len(levels) > 1
