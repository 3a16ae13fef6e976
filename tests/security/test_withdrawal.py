"""P3: a withdrawal works on the next request, on every process, and wins over every cache."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import Connection

from consent.decision import Permit
from consent.request import Actor
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, Purpose
from service.grants import actions, gate
from service.keys.vault import Vault
from service.kit.db import Database
from service.kit.errors import Refused, ServiceError
from service.records import actions as records
from service.records import pages
from service.residents import actions as residents
from service.residents.store import Withdrawn
from tests.consent_room import Clinic, care_offer, statistics_offer
from tests.databases import fresh_postgres
from tests.guarded_room import carrying
from tests.meanwhile import PATIENCE
from tests.record_room import PROFILE, pressure


class Process(NamedTuple):
    """Another process on the same databases: its own pool, threads and opened keys."""

    database: Database
    vault: Vault


@pytest.fixture
def here(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(database, keystore_url, tmp_path)
    yield clinic
    clinic.keystore.close()


@pytest.fixture
def elsewhere(here: Clinic, database_url: str) -> Iterator[Process]:
    opened = Database(database_url)
    yield Process(opened, here.another_vault())
    opened.close()


def permit(
    conn: Connection, here: Clinic, vault: Vault, doctor: UUID, resident: UUID, action: Action
) -> Permit:
    return gate.permit_or_raise(
        conn,
        vault,
        actor=Actor(ActorKind.PRACTITIONER, str(doctor)),
        subject=resident,
        purpose=Purpose.CARE,
        action=action,
        classes=ALL_CLASSES,
        now=here.now,
    )


def signed(here: Clinic) -> tuple[UUID, UUID, UUID]:
    lin, zhou = here.resident(), here.doctor_named()
    made = here.sign(lin, zhou)
    here.log(lin, pressure())
    assert made.grant is not None
    return lin, zhou, made.grant.grant.id


@pytest.mark.parametrize("how", ["withdraw", "end", "shut_out", "erase"])
def test_the_next_request_of_another_process_is_refused(
    here: Clinic, elsewhere: Process, how: str
) -> None:
    lin, zhou, grant = signed(here)

    def read(conn: Connection) -> int:
        held = permit(conn, here, elsewhere.vault, zhou, lin, Action.READ)
        return len(pages.page(conn, elsewhere.vault, held, pages.Query()).items)

    # The other process has decided before, read before and holds the opened keys.
    assert elsewhere.database.read(read) == 1
    if how == "withdraw":
        here.withdraw(lin, grant)
    elif how == "end":
        here.end(lin)
    elif how == "shut_out":
        here.act(lin, actions.shut_out, on=True, now=here.now)
    else:
        here.write(lambda conn: residents.erase(conn, here.own(conn, lin)))
    with pytest.raises(ServiceError) as told:
        elsewhere.database.read(read)
    expected = {"withdraw": "withdrawn", "end": "withdrawn", "shut_out": "deny-all"}
    if how in expected:
        assert isinstance(told.value, Refused)
        assert told.value.rule in {expected[how], "no-contract"}
    else:
        assert told.value.code == "not-found"


def test_a_permit_from_before_opens_no_data_statement_after(
    here: Clinic, elsewhere: Process
) -> None:
    lin, zhou, grant = signed(here)
    vault = elsewhere.vault
    held = elsewhere.database.read(lambda conn: permit(conn, here, vault, zhou, lin, Action.READ))
    writing = elsewhere.database.read(
        lambda conn: permit(conn, here, vault, zhou, lin, Action.WRITE)
    )
    here.withdraw(lin, grant)
    for statement in (
        lambda conn: residents.profile(conn, vault, held),
        lambda conn: pages.page(conn, vault, held, pages.Query()),
        lambda conn: pages.page(conn, vault, held, pages.Query(measure="systolic_bp")),
    ):
        with pytest.raises(Withdrawn):
            elsewhere.database.read(carrying(held, statement))

    def late(conn: Connection) -> object:
        return records.log(conn, vault, writing, [pressure()], here.now, profile=PROFILE)

    with pytest.raises(Withdrawn):
        elsewhere.database.write(carrying(writing, late))


def test_a_look_begun_before_a_withdrawal_does_not_write_after_it(tmp_path: Path) -> None:
    """The permit is decided, the withdrawal commits, and then the write comes.

    On PostgreSQL only: SQLite has one writer at a time, so nothing can come in between.
    """
    with fresh_postgres() as url, fresh_postgres() as keystore_url:
        here = Clinic(Database(url), keystore_url, tmp_path)
        other = Database(url)
        lin, zhou, grant = signed(here)

        def write(conn: Connection) -> None:
            held = permit(conn, here, here.vault, zhou, lin, Action.WRITE)
            here.withdraw(lin, grant)
            records.log(conn, here.vault, held, [pressure()], here.now, profile=PROFILE)

        with pytest.raises(Withdrawn):
            other.write(write)
        found = here.read(
            lambda conn: pages.page(conn, here.vault, here.manage(conn, lin), pages.Query())
        )
        assert len(found.items) == 1
        other.close()
        here.database.close()
        here.keystore.close()


def test_no_read_that_begins_after_a_withdrawal_shows_anything(
    here: Clinic, elsewhere: Process
) -> None:
    """Readers of another process hammer while the consent is given and withdrawn in turn."""
    lin, zhou, grant = signed(here)
    # Odd while it is withdrawn. Two withdrawals are told apart: a read that began in one and was
    # overtaken by a new consent is not stale in the next.
    turn = [0]
    stop = threading.Event()
    stale: list[int] = []
    reads = [0, 0]
    granted, withdrawn = 0, 1

    def read(conn: Connection) -> int:
        held = permit(conn, here, elsewhere.vault, zhou, lin, Action.READ)
        return len(pages.page(conn, elsewhere.vault, held, pages.Query()).items)

    def hammer() -> None:
        while not stop.is_set():
            began = turn[0]
            try:
                shown = elsewhere.database.read(read)
            except Refused:
                reads[1] += 1
                continue
            reads[0] += 1
            if began % 2 and turn[0] == began:
                stale.append(shown)

    threads = [threading.Thread(target=hammer) for _ in range(3)]
    for thread in threads:
        thread.start()

    def read_some(kind: int) -> None:
        """Until reads of this kind have ended that began after the change, or something is wrong.

        Each of the three may be in the middle of one that began before."""
        enough, end = reads[kind] + 4, time.monotonic() + PATIENCE
        while reads[kind] < enough and not stale and time.monotonic() < end:
            time.sleep(0.002)

    try:
        for _ in range(8):
            here.withdraw(lin, grant)
            turn[0] += 1
            read_some(withdrawn)
            turn[0] += 1
            grant = here.give(lin, care_offer(zhou, "profile", "body")).grant.id
            read_some(granted)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert stale == []
    assert min(reads) >= 8 * 4


def test_withdrawing_the_statistics_grant_ends_the_counting(here: Clinic) -> None:
    lin = here.resident()
    grant = here.give(lin, statistics_offer()).grant.id

    def counted() -> list[bool]:
        found = here.read(
            lambda conn: gate.admit_statistics(conn, here.vault, after=None, limit=9, now=here.now)
        )
        return [decision.allow for decision in found.values()]

    assert counted() == [True]
    here.withdraw(lin, grant)
    assert counted() == []
