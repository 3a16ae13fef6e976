"""Uses left: each look takes one, a failed look takes none, and the last is never taken twice."""

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection

from consent.decision import SPEND_USE
from service.grants import actions, gate, uses
from service.grants.uses import UseTaken
from service.kit.db import Database
from service.kit.errors import Invalid
from tests.consent_room import Clinic, care_offer, statistics_offer
from tests.databases import fresh_postgres
from tests.guarded_room import carrying


@pytest.fixture
def here(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(database, keystore_url, tmp_path)
    yield clinic
    clinic.keystore.close()


def limited(here: Clinic, number: int) -> tuple[UUID, UUID, UUID]:
    """A resident whose only grant to their doctor may be used so often."""
    lin, zhou = here.resident(), here.doctor_named()
    signed = here.sign(lin, zhou, ["body"])
    assert signed.grant is not None
    here.withdraw(lin, signed.grant.grant.id)
    return lin, zhou, here.give(lin, care_offer(zhou, "profile", uses=number)).grant.id


def look(conn: Connection, here: Clinic, lin: UUID, zhou: UUID) -> str:
    """Decide and spend as a look does; the rule that decided in the end."""
    while True:
        decision = here.decided(conn, zhou, lin)
        if decision.permit is None:
            return decision.rule
        try:
            with conn.begin_nested():
                uses.spend(conn, here.vault, decision, subject=lin, now=here.now)
        except UseTaken:
            continue
        return decision.rule


def left(here: Clinic, lin: UUID, grant: UUID) -> tuple[int | None, str]:
    kept = here.act(lin, actions.get, grant)
    return kept.grant.uses_left, kept.grant.status(here.now)


def test_each_look_takes_one_use_until_none_is_left(here: Clinic) -> None:
    lin, zhou, grant = limited(here, 2)
    told = [here.write(lambda conn: look(conn, here, lin, zhou)) for _ in range(4)]
    assert told == ["signed-doctor", "signed-doctor", "no-uses-left", "no-uses-left"]
    assert left(here, lin, grant) == (0, "used-up")


def test_a_look_that_fails_takes_no_use(here: Clinic) -> None:
    lin, zhou, grant = limited(here, 1)

    def failing(conn: Connection) -> None:
        look(conn, here, lin, zhou)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        here.write(failing)
    assert left(here, lin, grant) == (1, "active")
    assert here.write(lambda conn: look(conn, here, lin, zhou)) == "signed-doctor"


def test_a_use_of_a_withdrawn_grant_is_not_taken(here: Clinic) -> None:
    lin, zhou, grant = limited(here, 3)
    decision = here.asked(zhou, lin)
    assert decision.permit is not None
    assert SPEND_USE in decision.obligations
    here.withdraw(lin, grant)
    with pytest.raises(UseTaken):
        here.write(
            carrying(
                decision.permit,
                lambda conn: uses.spend(conn, here.vault, decision, subject=lin, now=here.now),
            )
        )
    assert left(here, lin, grant)[0] == 3


def test_new_terms_count_anew(here: Clinic) -> None:
    lin, zhou, grant = limited(here, 1)
    here.write(lambda conn: look(conn, here, lin, zhou))
    offer = care_offer(zhou, "profile", uses=2)
    here.act(lin, actions.change, grant, offer=offer, now=here.now)
    told = [here.write(lambda conn: look(conn, here, lin, zhou)) for _ in range(3)]
    assert told == ["signed-doctor", "signed-doctor", "no-uses-left"]


def test_the_same_use_is_never_taken_twice(here: Clinic, database_url: str) -> None:
    """Two processes with threads of their own ask at once, far more often than is allowed."""
    allowed = 7
    lin, zhou, grant = limited(here, allowed)
    elsewhere = Database(database_url)
    told: list[str] = []
    start = threading.Barrier(6)

    def ask(database: Database) -> None:
        start.wait()
        for _ in range(5):
            told.append(database.write(lambda conn: look(conn, here, lin, zhou)))

    processes = [here.database, elsewhere] * 3
    threads = [threading.Thread(target=ask, args=(one,)) for one in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elsewhere.close()
    assert len(told) == 30
    assert told.count("signed-doctor") == allowed
    assert set(told) == {"signed-doctor", "no-uses-left"}
    assert left(here, lin, grant) == (0, "used-up")


def in_a_process(
    urls: tuple[str, str], folder: Path, lin: UUID, zhou: UUID, times: int
) -> list[str]:
    """What a process of its own is told when it looks so often."""
    clinic = Clinic(Database(urls[0]), urls[1], folder)
    # Both are ready before either begins.
    (folder / f"{os.getpid()}.ready").touch()
    while len(list(folder.glob("*.ready"))) < 2:
        time.sleep(0.001)
    told = [clinic.write(lambda conn: look(conn, clinic, lin, zhou)) for _ in range(times)]
    clinic.database.close()
    clinic.keystore.close()
    return told


def test_two_processes_share_the_uses_that_there_are(tmp_path: Path) -> None:
    with fresh_postgres() as url, fresh_postgres() as keystore_url:
        here = Clinic(Database(url), keystore_url, tmp_path)
        lin, zhou, grant = limited(here, 40)
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
            urls = (url, keystore_url)
            asking = [
                processes.submit(in_a_process, urls, tmp_path, lin, zhou, 50) for _ in range(2)
            ]
            told = [rule for one in asking for rule in one.result()]
        assert told.count("signed-doctor") == 40
        assert set(told) == {"signed-doctor", "no-uses-left"}
        assert left(here, lin, grant) == (0, "used-up")
        here.database.close()
        here.keystore.close()


def test_a_panel_rests_on_no_limited_grant(here: Clinic) -> None:
    lin, zhou, grant = limited(here, 1)
    assert here.asked(zhou, lin).allow
    panel = here.read(
        lambda conn: gate.admit_panel(conn, here.vault, practitioner=zhou, now=here.now)
    )
    assert [decision.allow for decision in panel.values()] == [False]
    assert left(here, lin, grant)[0] == 1


def test_neither_counting_nor_a_refusal_has_uses(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    for offer in (statistics_offer(uses=1), care_offer(zhou, "profile", uses=1, deny=True)):
        with pytest.raises(Invalid) as told:
            here.give(lin, offer)
        assert [fault.pointer for fault in told.value.faults] == ["/uses"]
