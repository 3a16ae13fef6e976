"""Keys are rotated while real servers read and write: nobody notices, and kills are survived.

The whole life of a root key version and of data keys passes over a deployment whose server was
started before it: no read fails, jobs that were killed in the middle go on with the rest, the old
version is destroyed by two operators, and everything still opens.
"""

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import func, select

from service.cli.demo import city
from service.house import build
from service.keys import rings
from service.keys.keyring import Slot
from service.keys.tables import renewals, ring_keys
from service.kit.db import open_engine
from tests.journeys.server import KANGMA, Installation, install, serving
from tests.record_room import pressure

HOME = next(row["code"] for row in city.regions()["regions"] if row["level"] == "community")
PASSWORD = "correct horse 12"
SECRETS = {"anna": "anna's long secret", "ben": "ben's long secret"}
BYSTANDERS = 8_000
RENEWED = 200
"""Keyrings of people who do nothing, so that there is something left when the rewrap is killed."""


class Traffic:
    """People who write and read without a pause, over connections of their own."""

    def __init__(self, url: str, people: int) -> None:
        self.url = url
        self.failures: list[str] = []
        self.reads = 0
        self.writes = 0
        self._over = threading.Event()
        self.people: list[str] = []
        self.tokens = [self._register(number) for number in range(people)]
        self.kept: list[set[str]] = [set() for _ in self.tokens]
        self._threads = [
            threading.Thread(target=self._live, args=(number,)) for number in range(people)
        ]

    def _register(self, number: int) -> str:
        login = f"load-{number}-{uuid4().hex[:6]}"
        wish = {
            "login": login,
            "password": PASSWORD,
            "name": "林美",
            "birth_date": "1980-03-09",
            "sex": "female",
            "region": HOME,
        }
        with httpx.Client(base_url=self.url, timeout=60) as client:
            made = client.post("/v1/auth/register", json=wish)
            assert made.status_code == 201
            self.people.append(made.json()["resident_id"])
            form = {"grant_type": "password", "username": login, "password": PASSWORD}
            return str(client.post("/v1/auth/token", data=form).json()["access_token"])

    def _live(self, number: int) -> None:
        headers = {"authorization": f"Bearer {self.tokens[number]}"}
        with httpx.Client(base_url=self.url, timeout=60, headers=headers) as client:
            while not self._over.is_set():
                try:
                    self._turn(client, number)
                except httpx.HTTPError as error:
                    self.failures.append(type(error).__name__)

    def _turn(self, client: httpx.Client, number: int) -> None:
        record = pressure(120 + self.writes % 60)
        answer = client.post("/v1/me/records", json={"records": [record]})
        if answer.status_code == 200:
            self.kept[number].add(record["id"])
            self.writes += 1
        else:
            self.failures.append(f"write {answer.status_code} {answer.text[:200]}")
        answer = client.get("/v1/me/records", params={"limit": 1000})
        seen = {item["id"] for item in answer.json()["items"]} if answer.is_success else set()
        if not answer.is_success or not self.kept[number] <= seen:
            self.failures.append(f"read {answer.status_code} {answer.text[:200]}")
        if client.get("/v1/me/prompt").status_code != 200:
            self.failures.append("prompt")
        self.reads += 2

    @contextmanager
    def flowing(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join()


def crowd(made: Installation) -> None:
    """Keyrings of people who only exist."""
    house = build(made.settings())
    try:
        house.vault.create_many([UUID(int=(1 << 64) + n) for n in range(BYSTANDERS)])
    finally:
        house.close()


def count(made: Installation, query: Any) -> int:
    engine = open_engine(made.settings().keys_url)
    with engine.connect() as conn:
        found = int(conn.execute(query).scalar_one())
    engine.dispose()
    return found


def step(made: Installation, done: str) -> dict[str, Any]:
    """Run `kangma keys rotate` until it says that this was done."""
    for _ in range(20):
        told = made.kangma("keys", "rotate")
        if told["done"] == done:
            return told
        time.sleep(0.5)
    raise AssertionError(told)


def killed_after_one_line(made: Installation, *arguments: str) -> None:
    """Start a job and kill it, without a chance to tidy up, when it has said how far it is."""
    job = subprocess.Popen(
        [KANGMA, *arguments, "--json"],
        env=made.environment,
        cwd=made.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert job.stdout is not None
    assert job.stdout.readline()
    assert job.stdout.readline()
    job.send_signal(signal.SIGKILL)
    job.wait()
    job.stdout.close()


def said(
    made: Installation, secrets: list[str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KANGMA, *arguments, "--json"],
        env=made.environment,
        cwd=made.folder,
        input="\n".join(secrets) + "\n",
        capture_output=True,
        text=True,
    )


def to_the_end(made: Installation, *arguments: str) -> None:
    """Run a job that prints a line a step."""
    done = said(made, [], *arguments)
    assert done.returncode == 0, done.stderr


def root_key(made: Installation) -> None:
    """From version 1 to version 2, with a kill in the middle, to the end of version 1."""
    step(made, "added")
    step(made, "made-primary")
    old = select(func.count()).select_from(ring_keys).where(ring_keys.c.kek_version == 1)
    killed_after_one_line(made, "keys", "rewrap")
    assert 0 < count(made, old) < BYSTANDERS
    to_the_end(made, "keys", "rewrap")
    assert count(made, old) == 0
    step(made, "retired")
    for name in ("anna", "ben"):
        assert said(made, [SECRETS[name]], "keys", "operator", "add", name).returncode == 0
    ask = ("keys", "destroy", "1", "--operator")
    assert said(made, [SECRETS["anna"]], *ask, "anna").returncode == 0
    assert said(made, [SECRETS["anna"]], *ask, "anna").returncode == 1
    assert said(made, [SECRETS["ben"]], *ask, "ben").returncode == 0


def data_keys(made: Installation, traffic: Traffic) -> None:
    """New epochs for some and for all who write; the job that seals anew is killed and goes on."""
    house = build(made.settings())
    try:
        now = house.clock()
        begun, _ = rings.begin_all(house.keystore, {Slot.BODY}, after=None, limit=RENEWED, now=now)
    finally:
        house.close()
    assert begun == RENEWED
    for who in traffic.people:
        assert made.kangma("keys", "renew", "--resident", who)["begun"] == 9
    time.sleep(2.5)
    waiting = select(func.count()).select_from(renewals)
    killed_after_one_line(made, "keys", "reseal")
    assert count(made, waiting) > 0
    to_the_end(made, "keys", "reseal")
    assert count(made, waiting) == 0


@pytest.mark.slow
def test_nobody_notices_that_every_key_is_changed(
    database_url: str, keystore_url: str, tmp_path: Path
) -> None:
    made = install(tmp_path, database_url, keystore_url)
    made.environment |= {"KANGMA_KEY_SECONDS": "2", "KANGMA_BACKUP_DAYS": "0"}
    with serving(made, workers=2) as here:
        crowd(made)
        traffic = Traffic(here.url, 3)
        with traffic.flowing():
            root_key(made)
            data_keys(made, traffic)
            time.sleep(3)
        assert traffic.failures == []
        assert traffic.reads > 50
        assert traffic.writes > 20
    assert made.kangma("keys", "verify")["wrapped_by"].keys() == {"2"}
    verified = made.kangma("db", "verify")
    assert verified["faults"] == []
    # A server started today, with only the new version there, reads what the old one wrote.
    with serving(made) as again:
        headers = {"authorization": f"Bearer {traffic.tokens[0]}"}
        answer = httpx.get(f"{again.url}/v1/me/records?limit=1000", headers=headers, timeout=60)
        assert traffic.kept[0] <= {item["id"] for item in answer.json()["items"]}
