"""Keys are rotated while real servers read and write: nobody notices, and kills are survived.

The whole life of a root key version and of data keys passes over a deployment whose server was
started before it: no read fails, jobs that were killed in the middle go on with the rest, the old
version is destroyed by two operators, and everything still opens.
"""

import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import choice
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import func, select

from kangma_client import Client, KangmaError, RetryPolicy
from service.cli.demo import city
from service.house import build
from service.keys import rings
from service.keys.keyring import Slot
from service.keys.tables import renewals, ring_keys
from service.kit.engines import open_engine
from tests.journeys import warm
from tests.journeys.server import KANGMA, Installation, install, serving
from tests.record_room import pressure

HOME = next(row["code"] for row in city.regions()["regions"] if row["level"] == "community")
PASSWORD = "correct horse 12"
SESSION = 240.0
"""Seconds after which somebody signs in again; access tokens live ten minutes."""
SECRETS = {"anna": "anna's long secret", "ben": "ben's long secret"}
HELD = 100
"""Octets that a job can say before it is held: two or three lines of progress."""
PAGE = 4096
"""The least that Linux keeps of what is said into a pipe."""


@dataclass(frozen=True)
class Size:
    """Of a deployment and its traffic."""

    bystanders: int
    """Keyrings of people who do nothing, so that there is something left when the rewrap is killed;
    more than three of its transactions."""
    renewed: int
    """Of whom one class is renewed."""
    people: int
    """Who write and read without a pause."""
    key_seconds: int
    reads: int
    """That there must have been, and a third as many writes."""


BY_DAY = Size(bystanders=4_000, renewed=20, people=2, key_seconds=1, reads=20)
BY_NIGHT = Size(bystanders=8_000, renewed=200, people=3, key_seconds=2, reads=60)


class Traffic:
    """People who write and read without a pause, over connections of their own."""

    def __init__(self, url: str, people: int) -> None:
        self.url = url
        self.failures: list[str] = []
        self.reads = 0
        self.writes = 0
        self._over = threading.Event()
        self.people: list[str] = []
        self.logins = [self._register(number) for number in range(people)]
        self.kept: list[list[str]] = [[] for _ in self.logins]
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
        made = httpx.post(f"{self.url}/v1/auth/register", json=wish, timeout=120)
        assert made.status_code == 201
        self.people.append(made.json()["resident_id"])
        return login

    def _live(self, number: int) -> None:
        with Client(self.url, retries=RetryPolicy(attempts=1), timeout=120) as client:
            signed_in = 0.0
            while not self._over.is_set():
                try:
                    if time.monotonic() - signed_in > SESSION:
                        client.sign_in(self.logins[number], PASSWORD)
                        signed_in = time.monotonic()
                    self._turn(client, number)
                except (KangmaError, httpx.HTTPError) as error:
                    self.failures.append(f"{type(error).__name__}: {error}")

    def _turn(self, client: Client, number: int) -> None:
        """Write a record, read it back, read an earlier one and the prompt; then a short rest."""
        record = pressure(120 + self.writes % 60)
        (result,) = client.me.log([record])["results"]
        assert result["status"] == "created"
        self.kept[number].append(record["id"])
        self.writes += 1
        for one in (record["id"], choice(self.kept[number])):
            assert client.me.record(one)["id"] == one
        client.me.prompt()
        self.reads += 3
        self._over.wait(0.1)

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


def crowd(made: Installation, bystanders: int) -> None:
    """Keyrings of people who only exist."""
    house = build(made.settings())
    try:
        house.vault.create_many([UUID(int=(1 << 64) + n) for n in range(bystanders)])
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


def killed_in_the_middle(made: Installation, left: Any, *arguments: str) -> None:
    """Start a job and kill it, without a chance to tidy up, when it has done a part of the work.

    Nobody reads what it says, and its pipe has room for little, so it stands still behind the
    transaction whose line does not fit any more, however slow this test comes to kill it.
    """
    hearing, saying = os.pipe()
    fcntl.fcntl(saying, fcntl.F_SETPIPE_SZ, PAGE)
    os.write(saying, b"-" * (PAGE - HELD))
    before = count(made, left)
    job = subprocess.Popen(
        [KANGMA, *arguments, "--json"],
        env=made.environment,
        cwd=made.folder,
        stdout=saying,
        stderr=subprocess.DEVNULL,
    )
    os.close(saying)
    for _ in range(2400):
        if count(made, left) < before:
            break
        assert job.poll() is None
        time.sleep(0.05)
    job.send_signal(signal.SIGKILL)
    job.wait()
    os.close(hearing)
    assert 0 < count(made, left) < before


def said(
    made: Installation, secrets: list[str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    told = "\n".join(secrets) + "\n"
    return warm.run((*arguments, "--json"), made.environment, made.folder, told)


def to_the_end(made: Installation, *arguments: str) -> None:
    """Run a job that prints a line a step."""
    done = said(made, [], *arguments)
    assert done.returncode == 0, done.stderr


def root_key(made: Installation) -> None:
    """From version 1 to version 2, with a kill in the middle, to the end of version 1."""
    step(made, "added")
    step(made, "made-primary")
    old = select(func.count()).select_from(ring_keys).where(ring_keys.c.kek_version == 1)
    killed_in_the_middle(made, old, "keys", "rewrap")
    to_the_end(made, "keys", "rewrap")
    assert count(made, old) == 0
    step(made, "retired")
    for name in ("anna", "ben"):
        assert said(made, [SECRETS[name]], "keys", "operator", "add", name).returncode == 0
    ask = ("keys", "destroy", "1", "--operator")
    assert said(made, [SECRETS["anna"]], *ask, "anna").returncode == 0
    assert said(made, [SECRETS["anna"]], *ask, "anna").returncode == 1
    assert said(made, [SECRETS["ben"]], *ask, "ben").returncode == 0


def data_keys(made: Installation, traffic: Traffic, size: Size) -> None:
    """New epochs for some and for all who write; the job that seals anew is killed and goes on."""
    house = build(made.settings())
    try:
        now = house.clock()
        begun, _ = rings.begin_all(
            house.keystore, {Slot.BODY}, after=None, limit=size.renewed, now=now
        )
    finally:
        house.close()
    assert begun == size.renewed
    for who in traffic.people:
        assert made.kangma("keys", "renew", "--resident", who)["begun"] == 9
    time.sleep(size.key_seconds + 0.5)
    waiting = select(func.count()).select_from(renewals)
    killed_in_the_middle(made, waiting, "keys", "reseal")
    to_the_end(made, "keys", "reseal")
    assert count(made, waiting) == 0


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(BY_DAY, id="by day"),
        pytest.param(BY_NIGHT, id="by night", marks=pytest.mark.slow),
    ],
)
def test_nobody_notices_that_every_key_is_changed(
    database_url: str, keystore_url: str, tmp_path: Path, size: Size
) -> None:
    made = install(tmp_path, database_url, keystore_url)
    seconds = str(size.key_seconds)
    made.environment |= {"KANGMA_KEY_SECONDS": seconds, "KANGMA_BACKUP_DAYS": "0"}
    with serving(made, workers=2) as here:
        crowd(made, size.bystanders)
        traffic = Traffic(here.url, size.people)
        with traffic.flowing():
            root_key(made)
            data_keys(made, traffic, size)
            # What any process still held opened is forgotten by now.
            time.sleep(size.key_seconds + 0.5)
        assert traffic.failures == []
        assert traffic.reads > size.reads
        assert traffic.writes > size.reads / 3
    assert made.kangma("keys", "verify")["wrapped_by"].keys() == {"2"}
    verified = made.kangma("db", "verify")
    assert verified["faults"] == []
    # A server started today, with only the new version there, reads what the old one wrote.
    with serving(made) as again, Client(again.url) as client:
        client.sign_in(traffic.logins[0], PASSWORD)
        kept = {record["id"] for record in client.me.records(page_size=1000)}
        assert kept == set(traffic.kept[0])
