"""Statements of the hot paths: written in SQLAlchemy Core, compiled once, run by the driver itself.

SQLAlchemy spends about as long on a statement as PostgreSQL does; where a request counts its
microseconds the compiled text goes straight to the driver's cursor, inside the transaction of the
`Connection` it is given. Parameters and results are the driver's own values (bytes, int, str):
column types such as `UuidBytes` are not applied.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql import ClauseElement

Row = tuple[Any, ...]
Parameters = Mapping[str, Any]


class Prepared:
    """One Core statement; its parameters are its named `bindparam`s."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, tuple[str, ...] | None, dict[str, Any]]] = {}

    def rows(self, connection: Connection, parameters: Parameters) -> list[Row]:
        """Run it and fetch every row."""
        text, order, fixed = self._text(connection)
        cursor = _cursor(connection)
        try:
            cursor.execute(text, _arguments(parameters, order, fixed))
            return cursor.fetchall()  # type: ignore[no-any-return]
        finally:
            cursor.close()

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
