"""Statements of the hot paths: written in SQLAlchemy Core, compiled once, run by the driver itself.

SQLAlchemy spends about as long on a statement as PostgreSQL does; where a request counts its
microseconds the compiled text goes straight to the driver's cursor, inside the transaction of the
`Connection` it is given. Parameters and results are the driver's own values (bytes, int, str):
column types such as `UuidBytes` are not applied.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql import ClauseElement

Row = tuple[Any, ...]
Parameters = Mapping[str, Any]


@contextmanager
def pipelined(connection: Connection) -> Iterator[None]:
    """Inside, prepared statements are sent without waiting for each other.

    PostgreSQL answers them together at the next fetch or at the end; elsewhere nothing changes.
    Only `Prepared` statements may run inside: SQLAlchemy's own want their answer at once.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    driver: Any = connection.connection.driver_connection
    with driver.pipeline():
        yield


class Asked:
    """A statement that was sent and whose rows are still to be fetched, once."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def rows(self) -> list[Row]:
        try:
            return self._cursor.fetchall()  # type: ignore[no-any-return]
        finally:
            self._cursor.close()


class Prepared:
    """One Core statement; its parameters are its named `bindparam`s."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, tuple[str, ...] | None, dict[str, Any]]] = {}

    def ask(self, connection: Connection, parameters: Parameters) -> Asked:
        """Send it; the rows are fetched from what this returns."""
        text, order, fixed = self._text(connection)
        cursor = _cursor(connection)
        try:
            cursor.execute(text, _arguments(parameters, order, fixed))
        except BaseException:
            cursor.close()
            raise
        return Asked(cursor)

    def rows(self, connection: Connection, parameters: Parameters) -> list[Row]:
        """Run it and fetch every row."""
        return self.ask(connection, parameters).rows()

    def run(self, connection: Connection, parameters: Parameters) -> None:
        """Run it for its effect."""
        text, order, fixed = self._text(connection)
        cursor = _cursor(connection)
        try:
            cursor.execute(text, _arguments(parameters, order, fixed))
        finally:
            cursor.close()

    def run_many(self, connection: Connection, rows: Sequence[Parameters]) -> None:
        """Run it once a row, in one batch of the driver."""
        if not rows:
            return
        if len(rows) == 1:
            self.run(connection, rows[0])
            return
        text, order, fixed = self._text(connection)
        cursor = _cursor(connection)
        try:
            cursor.executemany(text, [_arguments(row, order, fixed) for row in rows])
        finally:
            cursor.close()

    def _text(self, connection: Connection) -> tuple[str, tuple[str, ...] | None, dict[str, Any]]:
        name = connection.dialect.name
        found = self._compiled.get(name)
        if found is None:
            compiled = self._statement.compile(dialect=connection.dialect)
            order = getattr(compiled, "positiontup", None)
            # Literals inside the statement (a LIMIT, a flag) are parameters with fixed values.
            fixed = {key: value for key, value in compiled.params.items() if value is not None}
            found = str(compiled), tuple(order) if order else None, fixed
            self._compiled[name] = found
        return found


def _cursor(connection: Connection) -> Any:
    if not connection.in_transaction():
        connection.begin()
    if connection.dialect.name == "postgresql":
        # Binary rows: bytes come as they are instead of as hexadecimal text.
        return connection.connection.cursor(binary=True)
    return connection.connection.cursor()


def _arguments(
    parameters: Parameters, order: tuple[str, ...] | None, fixed: dict[str, Any]
) -> Parameters | tuple[Any, ...]:
    if fixed:
        parameters = {**fixed, **parameters}
    return parameters if order is None else tuple(parameters[name] for name in order)
