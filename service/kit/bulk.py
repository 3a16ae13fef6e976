"""Many rows of one table in one statement, and many keys looked for in one.

PostgreSQL takes a column as an array and plans, starts and answers the statement once, not once a
row; on SQLite the driver steps through the rows by itself. Values are the driver's own, as for any
`Prepared`.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, Select, Table, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.types import TypeDecorator, TypeEngine

from service.kit.prepared import Parameters, Prepared, Row

AT_ONCE = 64
"""Keys looked for in one statement of SQLite."""


class Bulk:
    """Adds rows of a table, or, where `keys` are named, puts them in place of those like them."""

    def __init__(self, table: Table, *keys: str) -> None:
        self._names = tuple(table.columns.keys())
        self._on_sqlite = Prepared(_placing(sqlite_insert(table), self._names, keys))
        fresh = func.unnest(*(_array(column) for column in table.columns))
        source = fresh.table_valued(*self._names, name="fresh").render_derived()
        added = postgresql_insert(table).from_select(self._names, select(*source.c))
        self._on_postgresql = Prepared(_placing(added, self._names, keys))

    def run(self, connection: Connection, rows: Sequence[Parameters]) -> None:
        """No two of the rows may have the same keys."""
        if not rows:
            return
        if connection.dialect.name == "sqlite":
            self._on_sqlite.run_many(connection, rows)
            return
        columns = {name: [row[name] for row in rows] for name in self._names}
        self._on_postgresql.run(connection, columns)


class Found:
    """The rows of a select whose `key`, a column of octets, is one of many."""

    def __init__(self, wanted: Select[Any], key: Column[Any]) -> None:
        many = bindparam("keys", type_=ARRAY(LargeBinary))
        self._on_postgresql = Prepared(wanted.where(key == func.any(many)))

        @lru_cache
        def of_so_many(count: int) -> Prepared:
            marks = [bindparam(f"key{number}", type_=LargeBinary) for number in range(count)]
            return Prepared(wanted.where(key.in_(marks)))

        self._on_sqlite = of_so_many

    def rows(self, connection: Connection, keys: Sequence[bytes]) -> list[Row]:
        return self.later(connection, keys)() if keys else []

    def later(self, connection: Connection, keys: Sequence[bytes]) -> Callable[[], list[Row]]:
        """As `Prepared.later`."""
        if connection.dialect.name != "sqlite":
            return self._on_postgresql.later(connection, {"keys": keys})
        found = [row for part in _parts(keys) for row in self._of_part(connection, part)]
        return lambda: found

    def _of_part(self, connection: Connection, part: Sequence[bytes]) -> list[Row]:
        given = {f"key{number}": key for number, key in enumerate(part)}
        return self._on_sqlite(len(part)).rows(connection, given)


def _parts(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Single keys where there is one, else as many as one statement takes, the last repeated."""
    if len(keys) == 1:
        yield keys
        return
    for start in range(0, len(keys), AT_ONCE):
        part = keys[start : start + AT_ONCE]
        yield [*part, *[part[-1]] * (AT_ONCE - len(part))]


def _placing(statement: Any, names: Sequence[str], keys: Sequence[str]) -> Any:
    if not keys:
        return statement
    fresh = {name: statement.excluded[name] for name in names if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=fresh)


def _array(column: Column[Any]) -> Any:
    kind: TypeEngine[Any] = column.type
    # What a decorated type would turn into is what the driver is given already.
    plain = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    return bindparam(column.key, type_=ARRAY(plain))
