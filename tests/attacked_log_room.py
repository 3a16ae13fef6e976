"""A log of 300 entries under two checkpoints, and how one change after the other is tried on it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Integer,
    LargeBinary,
    Table,
    Text,
    select,
    type_coerce,
    update,
)
from sqlalchemy.exc import DBAPIError

from service.audit import store, verification
from service.audit.entry import Logged
from service.audit.tables import (
    access_log,
)
from service.audit.verification import Breach
from service.kit.column_types import Instant, UuidBytes
from service.kit.db import Database
from tests.audit_room import KEYS, checkpoint, fill, make_tables, proven
from tests.databases import fresh_postgres

SUBJECTS = [uuid5(UUID(int=0), str(number)) for number in range(6)]
COUNT, MARKS = 300, (120, 280)
# The first and the last of all, the first of another chain, both sides of a checkpoint, the last
# entry under one, the edge of a tile, and behind every checkpoint.
PLACES = (0, 1, 119, 120, 150, 255, 256, 279, 280, 299)
DAILY = {"sqlite": (0, 120, 255, 299), "postgresql": (150,)}
Names = Callable[[Breach], bool]


class Mutation(NamedTuple):
    """One change of the database, and which breaches name it rightly."""

    name: str
    apply: Callable[[Connection], object]
    names: Names
    copies: Sequence[str] = ()


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[Database]:
    if kind == "sqlite":
        opened = Database(f"sqlite:///{folder / 'kangma.db'}")
        yield opened
        opened.close()
        return
    with fresh_postgres() as url:
        opened = Database(url)
        yield opened
        opened.close()


@contextmanager
def filled_log(kind: str, folder: Path) -> Iterator[Database]:
    """A proven log on one of the two databases."""
    with _database(kind, folder) as opened:
        make_tables(opened)
        done = 0
        for mark in (*MARKS, COUNT):
            fill(opened, SUBJECTS, mark - done, start=done)
            done = mark
            if mark in MARKS:
                checkpoint(opened)
        assert proven(opened) is None
        yield opened


def attacked(log: Database, mutation: Mutation) -> tuple[bool, Breach | None]:
    """Whether the database took the change, and what a proof finds; all of it is undone."""
    writing = log.engine.execution_options(kangma_writes=True)
    with writing.connect() as conn, conn.begin() as transaction:
        try:
            mutation.apply(conn)
            return True, verification.verify(conn, KEYS, mutation.copies)
        except DBAPIError:
            return False, None
        finally:
            transaction.rollback()


def check(log: Database, mutations: Sequence[Mutation], *, refused: int = 0) -> None:
    assert mutations
    missed, misnamed, taken = [], [], 0
    for one in mutations:
        took, breach = attacked(log, one)
        taken += took
        if took and breach is None:
            missed.append(one.name)
        elif took and breach is not None and not one.names(breach):
            misnamed.append((one.name, breach))
    assert (missed, misnamed) == ([], [])
    # A database that refuses everything would prove nothing.
    assert taken >= len(mutations) - refused
    assert proven(log) is None


def everything(log: Database) -> list[Logged]:
    return log.read(lambda conn: [store.logged_of(row) for row in store.every_row(conn)])


def by_leaf(log: Database) -> list[Logged]:
    return sorted(everything(log), key=lambda one: one.link.leaf)


def entry(*ones: Logged) -> Names:
    """Names one of these entries: by chain and number, or by its place or a span around it."""

    def named(breach: Breach) -> bool:
        for one in ones:
            if breach.subject is not None:
                if (breach.subject, breach.seq) == (one.entry.subject, one.link.seq):
                    return True
            elif breach.leaf is not None:
                last = breach.leaf if breach.until is None else breach.until
                if breach.leaf <= one.link.leaf <= last:
                    return True
        return False

    return named


def at(one: Logged) -> Any:
    return (access_log.c.resident_id == one.entry.subject) & (access_log.c.seq == one.link.seq)


# -- single cells --------------------------------------------------------------------------------


def values_for(column: Any, old: Any, other: Any) -> list[Any]:
    """Several kinds of wrong values: another entry's, an empty one, nonsense, a small step."""
    found: list[Any] = [other]
    if column.nullable:
        found.append(None)
    kind = type(column.type)
    if kind in (BigInteger, Integer, Instant):
        found += [old + 1, old - 1, 0, old + 100_000]
        if kind is not Integer:
            found.append(2**62)
    elif kind is Boolean:
        found += [not old]
    elif kind is Text:
        found += ["", "nonsense", (old or "x") + " ", (old or "x").upper()]
    else:
        assert kind in (LargeBinary, UuidBytes)
        octets = bytes(old or bytes(16))
        found += [b"", octets[:-1] + bytes([octets[-1] ^ 1]), octets + b"\0", octets[::-1]]
    return [value for value in found if value != old]


def raw(column: Any, value: Any) -> Any:
    """The value past the column's type, as somebody with a database shell writes it."""
    kind = {UuidBytes: LargeBinary, Instant: BigInteger}.get(type(column.type))
    return value if kind is None else type_coerce(value, kind())


def cells(log: Database, table: Table, where: Any, other: Any, names: Names) -> list[Mutation]:
    """Every cell of one row, changed to every kind of value."""
    columns = [store._raw(column) for column in table.c]

    def row_at(condition: Any) -> Any:
        return log.read(lambda conn: conn.execute(select(*columns).where(condition)).one())

    old, foreign = row_at(where), row_at(other)
    return [
        Mutation(
            f"{table.name}.{column.name} = {value!r}",
            lambda conn, column=column, value=value: conn.execute(
                update(table).where(where).values({column: raw(column, value)})
            ),
            names,
        )
        for column in table.c
        for value in values_for(column, getattr(old, column.name), getattr(foreign, column.name))
    ]
