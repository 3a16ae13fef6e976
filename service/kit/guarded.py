"""Connections of the two drivers with a guard of their own: below SQLAlchemy, so that raw SQL and
raw cursors meet it as well.

SQLite says which tables and columns a statement touches while it compiles it, through views,
aliases and quotes alike. It keeps compiled statements for reuse and says nothing then, so what a
text needed is remembered and looked up at every execution.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NoReturn, TypeVar, cast

import psycopg

from service.kit.guard import Guard, Need, NoPermit, Protection
from service.kit.sqltext import need_of

T = TypeVar("T")
Rows = Sequence[Any]
MOST_TEXTS = 4096
"""Texts of statements remembered a connection; then all are compiled and judged anew."""

_READING = sqlite3.SQLITE_READ
_WRITING = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
_SHAPING = {sqlite3.SQLITE_DROP_TABLE, sqlite3.SQLITE_ALTER_TABLE}
_TRIGGERS = {sqlite3.SQLITE_CREATE_TRIGGER, sqlite3.SQLITE_CREATE_TEMP_TRIGGER}
_ELSEWHERE = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH}
_PRAGMAS = {"writable_schema", "trusted_schema"}
_RAW_PAGES = "sqlite_dbpage"


class GuardedSqlite(sqlite3.Connection):
    """A connection whose every statement is judged by `guard`."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.guard = Guard()
        self._protection: Protection | None = None
        self._needs: dict[str, Need] = {}
        self._need = Need.NOTHING
        self._rows: Rows = ()
        self._made: set[str] = set()
        self._refused = False

    def protect(self, protection: Protection) -> None:
        """From here on; what was compiled before is compiled and judged anew."""
        self._protection = protection
        self._needs.clear()
        self.set_authorizer(self._authorize)

    def cursor(self, factory: Any = None) -> "SqliteCursor":  # type: ignore[override]
        return super().cursor(SqliteCursor)

    # The driver's shortcuts make plain cursors of their own.

    def execute(self, sql: str, parameters: Any = (), /) -> "SqliteCursor":
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> "SqliteCursor":
        return self.cursor().executemany(sql, parameters)

    def executescript(self, script: str, /) -> "SqliteCursor":
        return self.cursor().executescript(script)

    def judged(self, text: str, rows: Rows, run: Callable[[], T]) -> T:
        """Run a statement with these rows of values, or raise `NoPermit`."""
        if self._protection is None:
            return run()
        known = self._needs.get(text)
        if known is not None and known != 0:
            self.guard.check(known, _values(rows))
        self._rows, self._need, self._refused = rows, Need.NOTHING, False
        self._made.clear()
        try:
            return run()
        except sqlite3.DatabaseError:
            if self._refused:
                raise NoPermit(f"a statement on protected tables needs {self._need!r}") from None
            raise
        finally:
            if known is None or self._need != 0:
                self._remember(text)

    def _remember(self, text: str) -> None:
        if self._refused:
            return
        if len(self._needs) >= MOST_TEXTS:
            # Setting an authorizer makes SQLite compile every statement again.
            assert self._protection is not None
            self.protect(self._protection)
        self._needs[text] = self._needs.get(text, Need.NOTHING) | self._need

    def _authorize(
        self, action: int, first: str | None, second: str | None, base: str | None, by: str | None
    ) -> int:
        need = self._need_of(action, (first or "").lower(), (second or "").lower())
        if not need:
            return sqlite3.SQLITE_OK
        self._need |= need
        if self.guard.allows(need, _values(self._rows)):
            return sqlite3.SQLITE_OK
        self._refused = True
        return sqlite3.SQLITE_DENY

    def _need_of(self, action: int, first: str, second: str) -> Need:
        assert self._protection is not None
        kinds = self._protection.tables()
        if action == sqlite3.SQLITE_CREATE_TABLE or action == sqlite3.SQLITE_CREATE_INDEX:
            # A table that is being made, or indexed, is read by nobody yet.
            self._made.add(first if action == sqlite3.SQLITE_CREATE_TABLE else second)
        elif action == _READING or action in _WRITING:
            kind = kinds.get(first)
            if kind is not None and first not in self._made:
                return self._touching(action, first, second, kind)
            if first == _RAW_PAGES:
                return Need.CROSSING
        elif action in _SHAPING or action in _TRIGGERS:
            if first in kinds or second in kinds:
                return Need.CROSSING
        elif action in _ELSEWHERE or (action == sqlite3.SQLITE_PRAGMA and first in _PRAGMAS):
            return Need.CROSSING
        return Need.NOTHING

    def _touching(self, action: int, table: str, column: str, kind: str) -> Need:
        assert self._protection is not None
        if kind == "log":
            if action == sqlite3.SQLITE_INSERT:
                return Need.NOTHING
            if action != _READING:
                return Need.CROSSING
            # An empty name stands for counting rows.
            is_open = not column or column in self._protection.open_columns(table)
            return Need.NOTHING if is_open else Need.PERMIT
        if kind == "policy" and column not in self._protection.closed_columns(table):
            return Need.ASKED
        return Need.PERMIT

    # Ways to the pages that are no statements.

    def blobopen(self, *arguments: Any, **more: Any) -> NoReturn:
        raise NoPermit("values are read by statements")

    def backup(self, *arguments: Any, **more: Any) -> None:
        self.guard.check(Need.CROSSING, ())
        super().backup(*arguments, **more)

    def serialize(self, *arguments: Any, **more: Any) -> bytes:
        self.guard.check(Need.CROSSING, ())
        return super().serialize(*arguments, **more)


class SqliteCursor(sqlite3.Cursor):
    """Cursors of a `GuardedSqlite`."""

    def execute(self, sql: str, parameters: Any = (), /) -> "SqliteCursor":
        connection = cast(GuardedSqlite, self.connection)
        run = super().execute
        connection.judged(sql, (parameters,), lambda: run(sql, parameters))
        return self

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> "SqliteCursor":
        connection, rows = cast(GuardedSqlite, self.connection), list(parameters)
        run = super().executemany
        connection.judged(sql, rows, lambda: run(sql, rows))
        return self

    def executescript(self, script: str, /) -> "SqliteCursor":
        # One judgement is about one statement.
        cast(GuardedSqlite, self.connection).guard.check(Need.CROSSING, ())
        super().executescript(script)
        return self


class Judging:
    """Of cursors of a PostgreSQL connection that has a guard."""

    connection: Any

    def _judge(self, query: Any, rows: Rows) -> None:
        guard: Guard | None = getattr(self.connection, "guard", None)
        if guard is None:
            # The driver itself asks the server about its types before the connection is ours.
            return
        if not isinstance(query, str):
            query = query.decode() if isinstance(query, bytes) else query.as_string(self)
        protection: Protection = self.connection.protection
        if need := _need(query, protection, len(protection.tables())):
            guard.check(need, _values(rows))
        if query.startswith("ROLLBACK"):
            # What was told since the savepoint is forgotten with it, and behind an error PostgreSQL
            # takes no other statement.
            guard.stale = True
        else:
            guard.tell()


class PostgresServerCursor(Judging, psycopg.ServerCursor[Any]):
    """Cursors whose rows stay in the server until they are asked for (`yield_per`)."""

    def execute(self, query: Any, params: Any = None, **more: Any) -> "PostgresServerCursor":
        try:
            self._judge(query, (params or (),))
        except NoPermit:
            # Nobody else closes a cursor that was never opened.
            self.close()
            raise
        return super().execute(query, params, **more)


class PostgresCursor(Judging, psycopg.Cursor[Any]):
    """Cursors whose rows come at once."""

    def execute(self, query: Any, params: Any = None, **more: Any) -> "PostgresCursor":
        self._judge(query, (params or (),))
        return super().execute(query, params, **more)

    def executemany(self, query: Any, params_seq: Iterable[Any], **more: Any) -> None:
        rows = list(params_seq)
        self._judge(query, rows)
        super().executemany(query, rows, **more)

    def stream(self, query: Any, params: Any = None, **more: Any) -> Any:
        self._judge(query, (params or (),))
        return super().stream(query, params, **more)

    def copy(self, statement: Any, params: Any = None, **more: Any) -> Any:
        self._judge(statement, (params or (),))
        return super().copy(statement, params, **more)


@lru_cache(maxsize=4096)
def _need(text: str, protection: Protection, tables: int) -> Need:
    """`tables` makes the memory forget when another table is declared."""
    return need_of(text, protection)


def _values(rows: Rows) -> Iterable[Iterable[Any]]:
    return (row.values() if isinstance(row, dict) else row for row in rows)
