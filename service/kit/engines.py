"""Engines of the two databases: how connections are opened, begun, guarded and kept quiet."""

from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.engine import ExceptionContext

from service.kit.guard import GUARD, PROTECTION, Guard, Protection, guard_of
from service.kit.guarded import GuardedSqlite, PostgresCursor, PostgresServerCursor

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)
"""Tables of the data store. The keystore has its own metadata in `service.keys.tables`."""
_protection = Protection(metadata)
NO_JIT = "-c jit=off"
"""Statements here touch few rows. What policies add to a plan looks dear to PostgreSQL, and to
compile one for a panel took 1.7 s of its 1.9."""


def open_engine(url: str) -> Engine:
    """An engine whose errors never print bound values."""
    if url.startswith("sqlite"):
        given = {"check_same_thread": False, "timeout": 30, "factory": GuardedSqlite}
        engine = create_engine(url, hide_parameters=True, connect_args=given)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        _guard(engine)
        return engine
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=8,
        max_overflow=8,
        # With a threshold the driver would deallocate every prepared statement of a connection at
        # a rollback, those of `service.kit.wire` too.
        connect_args={
            "options": NO_JIT,
            "prepare_threshold": None,
            "cursor_factory": PostgresCursor,
        },
    )
    event.listen(engine, "handle_error", _hush)
    _guard(engine)
    return engine


def _guard(engine: Engine) -> None:
    """Give every connection a guard, and note when PostgreSQL forgets what it was told."""
    event.listen(engine, "connect", _guarded)
    event.listen(engine, "begin", _forgotten)


def _guarded(connection: Any, record: Any) -> None:
    record.info[PROTECTION] = _protection
    if isinstance(connection, GuardedSqlite):
        record.info[GUARD] = connection.guard
        connection.protect(_protection)
    else:
        record.info[GUARD] = connection.guard = Guard()
        connection.server_cursor_factory = PostgresServerCursor
        connection.protection = _protection


def _forgotten(connection: Connection, *_: Any) -> None:
    guard_of(connection).stale = True


def _hush(context: ExceptionContext) -> None:
    """PostgreSQL repeats the failing row behind the first line of its message; it is cut off."""
    for error in (context.sqlalchemy_exception, context.original_exception):
        if error is not None and error.args and isinstance(error.args[0], str):
            error.args = (error.args[0].partition("\n")[0], *error.args[1:])


def _prepare_sqlite(connection: Any, _: object) -> None:
    # The driver must not open transactions by itself: `_begin_sqlite` does, at the right moment.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "secure_delete=ON",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "busy_timeout=30000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that upgrades to a write may fail with SQLITE_BUSY at once.
    writing = connection.get_execution_options().get("kangma_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def read_only(engine: Engine) -> Engine:
    """An engine for readers: their connections come from a pool of their own."""
    if engine.dialect.name == "sqlite":
        return engine
    readers = create_engine(
        engine.url,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        connect_args={
            "options": f"{NO_JIT} -c default_transaction_read_only=on",
            # Behind the walls readers roll back too, and a threshold would then cost their plans.
            "prepare_threshold": None,
            "cursor_factory": PostgresCursor,
        },
    )
    event.listen(readers, "handle_error", _hush)
    _guard(readers)
    return readers
