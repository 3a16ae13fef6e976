"""SQL over every sealed column at once. It selects and replaces ciphertexts and never opens one."""

from collections.abc import Collection, Iterator, Mapping
from os import urandom
from secrets import randbelow
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    LargeBinary,
    Row,
    bindparam,
    delete,
    func,
    select,
    update,
)

from service.residents.store import ACTIVE
from service.residents.tables import resident_state, residents
from service.upkeep.columns import COLUMNS, DATA, SealedColumn

JUMP = 1 << 20
"""How far counters jump after a restore at least, so that no revision is given a second time."""
_LANDINGS = 1 << 32
"""Further by one of so many, so that neither is one of an earlier restore of the same backup."""


def active_after(conn: Connection, after: UUID | None, limit: int) -> list[UUID]:
    """The next residents in order of id who are not erased."""
    query = select(residents.c.resident_id).where(residents.c.status == ACTIVE)
    if after is not None:
        query = query.where(residents.c.resident_id > after)
    return list(conn.scalars(query.order_by(residents.c.resident_id).limit(limit)))


def counter(conn: Connection, resident: UUID) -> int | None:
    """The counter of a resident's writes; None for somebody erased meanwhile."""
    return conn.scalar(
        select(resident_state.c.rev)
        .join(residents, residents.c.resident_id == resident_state.c.resident_id)
        .where(residents.c.resident_id == resident, residents.c.status == ACTIVE)
    )


def rows_of(conn: Connection, column: SealedColumn, resident: UUID) -> list[Row[Any]]:
    """Every row of a resident that has a ciphertext in this column, with all that places it."""
    query = select(column.table, *column.more).where(
        column.table.c.resident_id == resident, func.length(column.column) > 0
    )
    return list(conn.execute(query))


def strays(conn: Connection, column: SealedColumn) -> list[Row[Any]]:
    """Rows that belong to nobody: their resident does not exist."""
    known = select(residents.c.resident_id)
    return list(conn.execute(select(*column.keys).where(column.table.c.resident_id.not_in(known))))


def replace(conn: Connection, column: SealedColumn, row: Row[Any], data: bytes) -> bool:
    """Put another ciphertext in the place of the one that was read, if it is still there."""
    done = conn.execute(
        update(column.table)
        .where(*_same(column, row), column.column == row._mapping[column.column.name])
        .values({column.column.name: data})
    )
    return done.rowcount == 1


def empty(conn: Connection, column: SealedColumn, row: Row[Any]) -> None:
    """Take a ciphertext away: the row with it, or where the row must stay the bytes alone."""
    if column.kept:
        conn.execute(update(column.table).where(*_same(column, row)).values(_emptied(column)))
    else:
        conn.execute(delete(column.table).where(*_same(column, row)))


def keys_used(conn: Connection, resident: UUID) -> dict[str, set[int]]:
    """The numbers of the keys that a resident's ciphertexts claim, by column."""
    used: dict[str, set[int]] = {}
    for column in COLUMNS:
        number = func.substr(column.column, 3, 4, type_=LargeBinary)
        query = (
            select(number)
            .distinct()
            .where(column.table.c.resident_id == resident, func.length(column.column) > 0)
        )
        used[column.name] = {int.from_bytes(bytes(found), "big") for found in conn.scalars(query)}
    return used


def sealed_under(
    conn: Connection, resident: UUID, dek_ids: Collection[int]
) -> Iterator[tuple[SealedColumn, Row[Any]]]:
    """Rows of a resident whose ciphertext claims one of these keys."""
    numbers = [dek_id.to_bytes(4, "big") for dek_id in dek_ids]
    for column in COLUMNS:
        number = func.substr(column.column, 3, 4, type_=LargeBinary)
        asked = bindparam("numbers", numbers, type_=LargeBinary, expanding=True)
        query = select(*column.keys).where(
            column.table.c.resident_id == resident, number.in_(asked)
        )
        for row in conn.execute(query).all():
            yield column, row


def remove_data(conn: Connection, resident: UUID) -> None:
    """Remove everything of a resident that tells of their health."""
    for column in DATA:
        mine = column.table.c.resident_id == resident
        if column.kept:
            conn.execute(update(column.table).where(mine).values(_emptied(column)))
        else:
            conn.execute(delete(column.table).where(mine))


def statuses(conn: Connection, asked: Collection[UUID]) -> Mapping[UUID, str]:
    """The status of those of these residents whom the data store knows."""
    rows = conn.execute(
        select(residents.c.resident_id, residents.c.status).where(
            residents.c.resident_id.in_(asked)
        )
    )
    return {row[0]: row[1] for row in rows}


def begin_another_life(conn: Connection, *, shut: bool) -> int:
    """After a restore: new epochs, so that old cursors end, and counters beyond any given before.

    `shut` closes everybody's file to others until its owner opens it again.
    """
    ids = list(conn.scalars(select(resident_state.c.resident_id)))
    values: dict[str, Any] = {
        "epoch": bindparam("fresh"),
        "rev": resident_state.c.rev + JUMP + randbelow(_LANDINGS),
        "consent_revision": resident_state.c.consent_revision + 1,
    }
    if shut:
        values["deny_all"] = True
    if ids:
        renewed = update(resident_state).where(
            resident_state.c.resident_id == bindparam("who", type_=residents.c.resident_id.type)
        )
        rows = [{"who": one, "fresh": urandom(8)} for one in ids]
        conn.execute(renewed.values(values), rows)
    return len(ids)


def _same(column: SealedColumn, row: Row[Any]) -> list[Any]:
    return [key == row._mapping[key.name] for key in column.keys]


def _emptied(column: SealedColumn) -> dict[str, Any]:
    return {column.column.name: None}
