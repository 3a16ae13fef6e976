"""Many rows in one statement: what is written is what is read, on both databases."""

from collections.abc import Iterator
from os import urandom
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    select,
)

from service.kit.bulk import AT_ONCE, Bulk, Found
from service.kit.column_types import Instant, UuidBytes
from service.kit.db import Database
from service.kit.guard import Need, Protection
from service.kit.sqltext import need_of
from service.migrations.draft import tables_of

TABLE = Table(
    "bulky",
    MetaData(),
    Column("id", UuidBytes, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("whole", BigInteger),
    Column("number", Integer),
    Column("small", SmallInteger),
    Column("flag", Boolean),
    Column("words", Text),
    Column("octets", LargeBinary),
)


@pytest.fixture
def store(database: Database) -> Iterator[Database]:
    TABLE.create(database.engine, checkfirst=False)
    yield database
    TABLE.drop(database.engine)


def row(at: int, **more: Any) -> dict[str, Any]:
    return {
        "id": at.to_bytes(16, "big"),
        "at": at,
        "whole": -(2**62) - at,
        "number": at - 7,
        "small": -at,
        "flag": at % 2 == 0,
        "words": f"第{at}行 '{{,}}\"\\ NULL",
        "octets": bytes([0, 255, at % 256]),
        **more,
    }


EMPTY = dict.fromkeys(("whole", "number", "small", "flag", "words", "octets"))


def kept(store: Database) -> list[dict[str, Any]]:
    plain = select(*(Column(c.name) for c in TABLE.c)).select_from(TABLE).order_by(TABLE.c.id)

    def read(conn: Connection) -> list[dict[str, Any]]:
        return [dict(one._mapping) for one in conn.execute(plain)]

    return [
        {**one, "id": bytes(one["id"]), "flag": None if one["flag"] is None else bool(one["flag"])}
        for one in store.read(read)
    ]


@pytest.mark.parametrize("count", [0, 1, 2, 500])
def test_rows_come_back_as_they_went(store: Database, count: int) -> None:
    rows = [row(number) for number in range(count)]
    store.write(lambda conn: Bulk(TABLE).run(conn, rows))
    assert kept(store) == rows


def test_nothing_is_nothing_and_not_an_empty_text(store: Database) -> None:
    rows = [row(1), row(2, **EMPTY), row(3, words="", octets=b"", flag=False)]
    store.write(lambda conn: Bulk(TABLE).run(conn, rows))
    assert kept(store) == rows


def test_a_row_takes_the_place_of_the_one_with_its_key(store: Database) -> None:
    placing = Bulk(TABLE, "id")
    store.write(lambda conn: placing.run(conn, [row(1), row(2)]))
    newer = [row(2, words="newer", whole=None), row(3)]
    store.write(lambda conn: placing.run(conn, newer))
    assert kept(store) == [row(1), *newer]


def test_one_row_that_is_there_already_undoes_all(store: Database) -> None:
    store.write(lambda conn: Bulk(TABLE).run(conn, [row(2)]))
    with pytest.raises(Exception, match=r"(?i)unique"):
        store.write(lambda conn: Bulk(TABLE).run(conn, [row(1), row(2), row(3)]))
    assert kept(store) == [row(2)]


@pytest.mark.parametrize("count", [0, 1, 2, AT_ONCE, AT_ONCE + 1, 300])
def test_rows_are_found_by_many_keys(store: Database, count: int) -> None:
    store.write(lambda conn: Bulk(TABLE).run(conn, [row(number) for number in range(400)]))
    found = Found(select(TABLE.c.id, TABLE.c.at), TABLE.c.id)
    keys = [number.to_bytes(16, "big") for number in range(0, 2 * count, 2)]
    unknown = [urandom(16)] if count else []
    rows = store.read(lambda conn: found.rows(conn, [*keys, *unknown]))
    # The numbers above 399 are not there.
    assert sorted(at for _, at in rows) == [
        number for number in range(0, 2 * count, 2) if number < 400
    ]


def test_the_guard_lets_a_log_be_added_to_and_not_copied() -> None:
    protection = Protection(tables_of("data"))
    adding = "INSERT INTO access_log (seq) SELECT fresh.seq FROM unnest($1::BIGINT[]) AS fresh(seq)"
    assert need_of(adding, protection) == Need.NOTHING
    copying = "INSERT INTO access_log (seq) SELECT access_log.seq FROM access_log"
    assert need_of(copying, protection) == Need.CROSSING
    assert need_of("INSERT INTO access_log TABLE access_log", protection) == Need.CROSSING
    from_elsewhere = "INSERT INTO access_log (hash) SELECT sealed FROM record_parts"
    assert need_of(from_elsewhere, protection) & Need.PERMIT
    changing = f"{adding} ON CONFLICT (seq) DO UPDATE SET seq = 0"
    assert need_of(changing, protection) == Need.CROSSING
