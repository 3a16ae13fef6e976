"""Wall 3 on PostgreSQL, where the text of a statement tells what it touches."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from consent.vocabulary import Action
from service.grants import gate
from service.kit import guard
from service.kit.db import Database
from service.kit.guard import NoPermit
from service.records.tables import record_parts
from tests.consent_room import Clinic
from tests.record_room import pressure

pytestmark = pytest.mark.walled


@pytest.fixture
def dialect() -> str:
    return "postgresql"


@pytest.fixture
def here(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(database, keystore_url, tmp_path)
    yield clinic
    clinic.keystore.close()


def test_rows_taken_as_a_whole_are_not_open_columns(here: Clinic) -> None:
    """Being asked about opens the policy of a resident, not the columns of data beside it."""
    lin = here.resident()

    def asked(statement: str) -> Any:
        def run(conn: Connection) -> Any:
            guard.ask(conn, lin)
            return conn.exec_driver_sql(statement, (lin.bytes,)).all()

        return run

    whole = [
        "SELECT row_to_json(r) FROM residents r WHERE r.resident_id = %s",
        "SELECT residents FROM residents WHERE residents.resident_id = %s",
        "SELECT r FROM public.residents AS r WHERE r.resident_id = %s",
    ]
    for statement in whole:
        with pytest.raises(NoPermit):
            here.read(asked(statement))
    named = "SELECT r.status FROM residents AS r WHERE r.resident_id = %s"
    assert here.read(asked(named)) == [("active",)]


def test_a_stream_inherits_nothing_from_the_job_before(here: Clinic) -> None:
    """Of two jobs in one transaction the second was permitted nothing."""
    lin = here.resident()
    here.log(lin, pressure())
    mine = record_parts.c.resident_id == lin

    def both(conn: Connection) -> Any:
        gate.own(conn, here.vault, resident=lin, action=Action.READ, now=here.now)
        assert conn.execute(select(func.count(record_parts.c.day)).where(mine)).scalar_one() > 0
        guard.guard_of(conn).begin("anyone")
        return conn.execute(select(record_parts).execution_options(yield_per=10)).all()

    with pytest.raises(NoPermit):
        here.write(both)
