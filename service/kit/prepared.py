"""Statements of the hot paths: written in SQLAlchemy Core, compiled once, run by the driver itself.

SQLAlchemy spends about as long on a statement as PostgreSQL does; where a request counts its
microseconds the compiled text goes straight to the driver, inside the transaction of the
`Connection` it is given: to libpq on PostgreSQL (`service.kit.wire`), to a cursor elsewhere.
Parameters and results are the driver's own values (bytes, int, bool, str): column types such as
`UuidBytes` are not applied.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

from service.kit.wire import Row as Row
from service.kit.wire import Wire, piped

Parameters = Mapping[str, Any]


@contextmanager
def pipelined(connection: Connection) -> Iterator[None]:
    """Inside, prepared statements are sent without waiting for each other.

    PostgreSQL answers them together when rows are read or at the end; elsewhere nothing changes.
    Only `Prepared` statements may run inside: SQLAlchemy's own want their answer at once.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    with piped(connection):
        yield


class Prepared:
    """One Core statement; its parameters are its named `bindparam`s."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, Wire | _Cursor] = {}

    def rows(self, connection: Connection, parameters: Parameters) -> list[Row]:
        """Run it and fetch every row."""
        return self._on(connection).rows(connection, parameters)

    def later(self, connection: Connection, parameters: Parameters) -> Callable[[], list[Row]]:
        """Run it, and fetch its rows when asked: `pipelined`, others are sent in between."""
        return self._on(connection).later(connection, parameters)

    def run(self, connection: Connection, parameters: Parameters) -> None:
        """Run it for its effect."""
        self._on(connection).run(connection, [parameters])

    def run_many(self, connection: Connection, rows: Sequence[Parameters]) -> None:
        """Run it once a row, in one batch of the driver."""
        if rows:
            self._on(connection).run(connection, rows)

    def _on(self, connection: Connection) -> "Wire | _Cursor":
        name = connection.dialect.name
        found = self._compiled.get(name)
        if found is None:
            found = self._compiled[name] = self._compile(connection.dialect)
        return found

    def _compile(self, dialect: Dialect) -> "Wire | _Cursor":
        kind: type[Wire] | type[_Cursor] = _Cursor
        if dialect.name == "postgresql":
            # Numbered parameters are what libpq takes.
            kind, dialect = Wire, PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
        compiled = self._statement.compile(dialect=dialect)
        # Literals inside the statement (a LIMIT, a flag) are parameters with fixed values.
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        return kind(str(compiled), getattr(compiled, "positiontup", None) or (), fixed)


class _Cursor:
    """A statement with question marks for the parameters named in `order`; `fixed` gives some."""

    def __init__(self, text: str, order: Sequence[str], fixed: Parameters) -> None:
        self._text = text
        self._order = tuple(order)
        self._fixed = fixed
        # One call picks them all, where there are several and all of them come from the caller.
        self._pick = itemgetter(*order) if len(order) > 1 and not fixed else None

    def rows(self, connection: Connection, parameters: Parameters) -> list[Row]:
        cursor = _cursor(connection)
        try:
            cursor.execute(self._text, self._values(parameters))
            return cursor.fetchall()  # type: ignore[no-any-return]
        finally:
            cursor.close()

    def later(self, connection: Connection, parameters: Parameters) -> Callable[[], list[Row]]:
        found = self.rows(connection, parameters)
        return lambda: found

    def run(self, connection: Connection, rows: Sequence[Parameters]) -> None:
        cursor = _cursor(connection)
        try:
            cursor.executemany(self._text, [self._values(row) for row in rows])
        finally:
            cursor.close()

    def _values(self, parameters: Parameters) -> tuple[Any, ...]:
        if self._pick is not None:
            return self._pick(parameters)  # type: ignore[no-any-return]
        if self._fixed:
            parameters = {**self._fixed, **parameters}
        return tuple(parameters[name] for name in self._order)


def plainly(connection: Connection, text: str) -> None:
    """Run a text without parameters through the driver's cursor, for its effect."""
    cursor = _cursor(connection)
    try:
        cursor.execute(text)
    finally:
        cursor.close()


def _cursor(connection: Connection) -> Any:
    if not connection.in_transaction():
        connection.begin()
    return connection.connection.cursor()
