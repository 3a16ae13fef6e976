"""Wall 4: telling PostgreSQL for whom a transaction runs, about whom, and under whose permits.

The database's own policies (`service/migrations/walls.sql`) let the role of each audience see rows
of the residents named here, and none when nobody is named. All of it is local to the transaction:
what follows on the connection, after a commit, a rollback or an error, starts from nothing.
"""

from collections.abc import Callable, Iterable

from psycopg import Connection as Driver
from psycopg import errors
from psycopg.pq import ExecStatus, Format, TransactionStatus
from sqlalchemy import Connection

from service.kit.guard import Guard

NAME, BEGIN = b"kangma_wall", b"kangma_begin"
"""What is prepared on a connection whose database has wall 4: telling it, and a beginning."""
FORMATS = [Format.TEXT] * 4
_TELL = (
    b"SELECT set_config('role', $1, true), set_config('kangma.asked', $2, true),"
    b" set_config('kangma.names', $3, true), set_config('kangma.subjects', $4, true)"
)
_STANDS = b"SELECT 1 WHERE to_regprocedure('kangma_subjects()') IS NOT NULL"


def wall_of(connection: Connection) -> Callable[[Guard], None] | None:
    """How to tell this connection's database; None where it has no wall 4."""
    if connection.dialect.name != "postgresql":
        return None
    driver: Driver[object] | None = connection.connection.driver_connection
    assert driver is not None
    found = driver.pgconn.exec_(_STANDS)
    if found.status != ExecStatus.TUPLES_OK or found.ntuples == 0:
        return None
    driver.pgconn.prepare(NAME, _TELL)
    driver.pgconn.prepare(BEGIN, b"BEGIN")

    def tell(guard: Guard) -> None:
        pgconn = driver.pgconn
        if pgconn.transaction_status == TransactionStatus.IDLE:
            # Readers commit each statement by itself, and settings would end with it.
            pgconn.exec_(b"BEGIN")
        result = pgconn.exec_prepared(NAME, told(guard), FORMATS)
        if result.status != ExecStatus.TUPLES_OK:
            raise errors.error_from_result(result)

    return tell


def told(guard: Guard) -> list[bytes]:
    """The settings of a job: its role, who is asked about (ids and names), whose data is open."""
    return [
        b"kangma_" + guard.role.encode(),
        _octets(guard.asked),
        _names(guard.asked),
        _octets(guard.permitted),
    ]


def _octets(who: Iterable[bytes | str]) -> bytes:
    """A list of octets as PostgreSQL writes it."""
    return b"{%s}" % b",".join(
        b'"\\\\x%s"' % one.hex().encode() for one in who if isinstance(one, bytes)
    )


def _names(who: Iterable[bytes | str]) -> bytes:
    names = [one for one in who if isinstance(one, str)]
    quoted = ('"' + one.replace("\\", "\\\\").replace('"', '\\"') + '"' for one in names)
    return b"{%s}" % ",".join(quoted).encode()
