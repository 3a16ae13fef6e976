"""Statements on PostgreSQL's own client library, prepared once a connection, binary both ways.

Psycopg spends some 60 us of processor time on a statement beyond what libpq needs: converting
the text, looking for it among prepared ones, driving a generator. The statements of the hot paths
take bytes, whole numbers, flags and text only, so they go to libpq through `psycopg.pq`,
inside the transaction of the driver's connection. No wait holds the interpreter's lock.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from select import POLLIN, POLLOUT, poll
from struct import Struct
from typing import Any

from psycopg import Connection as Driver
from psycopg import OperationalError, errors
from psycopg.abc import Transformer as Reader
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from sqlalchemy import Connection

from service.kit import wall
from service.kit.guard import GUARD, PROTECTION, Guard, Need
from service.kit.sqltext import need_of

Row = tuple[Any, ...]
Coder = Callable[[Any], Any]

PLANS, PIPE, DRIVER, READER = "kangma_plans", "kangma_pipe", "kangma_driver", "kangma_reader"
"""Where a connection's `info` keeps what is prepared on it, its open pipe, and the driver's
connection and reader of rows.
"""
MOST_AT_ONCE = 64
"""Statements sent before their answers are read."""

_GOOD = {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}
_names = count()


def _flag(value: Any) -> bytes:
    return b"\x01" if value else b"\x00"


def _as_is(value: Any) -> Any:
    return value


# By the type numbers of PostgreSQL's catalogue (pg_type.dat), which never change.
_ENCODE: dict[int, Coder] = {
    16: _flag,
    17: _as_is,
    20: Struct(">q").pack,
    21: Struct(">h").pack,
    23: Struct(">i").pack,
    25: str.encode,
    1043: str.encode,
}
_HEAD = Struct(">iiIii").pack
_LENGTH = Struct(">i").pack
_EIGHT = Struct(">iq").pack
_NULL = _LENGTH(-1)


def _element(kind: int) -> Coder:
    """Of one element of an array, with its length."""
    encode = _ENCODE[kind]

    def octets_of(value: Any) -> bytes:
        if value is None:
            return _NULL
        octets: bytes = encode(value)
        return _LENGTH(len(octets)) + octets

    def eight_of(value: Any) -> bytes:
        return _NULL if value is None else _EIGHT(8, value)

    return eight_of if kind == 20 else octets_of


def _array(kind: int) -> Coder:
    """Of lists of one kind: a head, then each element behind its length (arrayfuncs.c)."""
    element = _element(kind)

    def octets_of(values: Sequence[Any]) -> bytes:
        distinct = set(values)
        if 2 * len(distinct) <= len(values):
            # Most columns of the log repeat themselves, so their values are written once.
            element_of: Coder = {value: element(value) for value in distinct}.__getitem__
        else:
            element_of = element
        head = _HEAD(1, None in distinct, kind, len(values), 1)
        return head + b"".join(map(element_of, values))

    return octets_of


_ARRAYS = {1000: 16, 1001: 17, 1005: 21, 1007: 23, 1009: 25, 1016: 20}
_ENCODE |= {number: _array(kind) for number, kind in _ARRAYS.items()}


Plan = tuple[Coder, ...]
"""How a statement's parameters are written, as one connection knows it."""


class Answer:
    """What a statement answers; asking for its rows waits for them."""

    __slots__ = ("_reader", "pipe", "result")

    def __init__(
        self, reader: Reader | None, *, pipe: "Pipe | None", result: PGresult | None
    ) -> None:
        self._reader = reader
        self.pipe = pipe
        self.result = result

    def rows(self) -> list[Row]:
        if self.result is None:
            assert self.pipe is not None
            self.pipe.settle()
        assert self.result is not None
        assert self._reader is not None
        # The driver's own loaders, in C where it has them.
        self._reader.set_pgresult(self.result, format=Format.BINARY)
        return self._reader.load_rows(0, self.result.ntuples, tuple)


class Pipe:
    """Statements sent one after the other, before any of their answers is waited for."""

    def __init__(self, pgconn: PGconn) -> None:
        self._pgconn = pgconn
        self._waiting: deque[Answer] = deque()
        self._answers = poll()
        self._answers.register(pgconn.socket, POLLIN)
        pgconn.enter_pipeline_mode()

    def send(
        self,
        name: bytes,
        values: list[Any],
        formats: list[Format],
        reader: Reader | None = None,
    ) -> Answer:
        if len(self._waiting) >= MOST_AT_ONCE:
            self.settle()
        self._pgconn.send_query_prepared(name, values, formats, Format.BINARY)
        answer = Answer(reader, pipe=self, result=None)
        self._waiting.append(answer)
        return answer

    def settle(self) -> None:
        """Wait for every answer; raise what went wrong first."""
        if not self._waiting:
            return
        self._pgconn.pipeline_sync()
        failed: PGresult | None = None
        while (result := self._next()).status != ExecStatus.PIPELINE_SYNC:
            self._waiting.popleft().result = result
            if failed is None and result.status not in _GOOD:
                failed = result
        if failed is not None:
            raise _error(failed)

    def _next(self) -> PGresult:
        """The next result, waited for without the interpreter's lock."""
        pgconn = self._pgconn
        while True:
            unsent = pgconn.flush()
            while unsent or pgconn.is_busy():
                if unsent:
                    _writable(pgconn.socket)
                else:
                    self._answers.poll()
                pgconn.consume_input()
                unsent = unsent and pgconn.flush()
            # None only ends the results of one statement.
            if (result := pgconn.get_result()) is not None:
                return result

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Out of the pipeline, for what libpq does only there."""
        self.settle()
        self._pgconn.exit_pipeline_mode()
        yield
        self._pgconn.enter_pipeline_mode()

    def close(self) -> None:
        try:
            self.settle()
        finally:
            # A connection that broke has answers left for ever; whoever holds it will find out.
            with suppress(OperationalError):
                self._pgconn.exit_pipeline_mode()


def _tell(pgconn: PGconn, pipe: Pipe, guard: Guard) -> None:
    """As `service.kit.wall` does, ahead of whatever is sent next: when it fails, that fails too."""
    if pgconn.transaction_status == TransactionStatus.IDLE:
        # Readers commit each statement by itself, and settings would end with it.
        pipe.send(wall.BEGIN, [], [])
    pipe.send(wall.NAME, wall.told(guard), wall.FORMATS)


@contextmanager
def piped(connection: Connection) -> Iterator[None]:
    """Inside, statements of this module do not wait for each other."""
    if PIPE in connection.info:
        yield
        return
    pipe = connection.info[PIPE] = Pipe(begun(connection).pgconn)
    try:
        yield
    except BaseException:
        del connection.info[PIPE]
        with suppress(errors.Error):
            pipe.close()
        raise
    del connection.info[PIPE]
    pipe.close()


class Wire:
    """A statement with numbered parameters, called by name in `order`; `fixed` gives some."""

    def __init__(self, text: str, order: Sequence[str], fixed: Mapping[str, Any]) -> None:
        self._text = text.encode()
        self._order = tuple(order)
        self._fixed = fixed
        self._name = b"kangma_%d" % next(_names)
        self._formats = [Format.BINARY] * len(order)
        self._need: Need | None = None

    def _ask(self, connection: Connection, parameters: Mapping[str, Any]) -> Answer:
        """Run it, or send it where the connection is `piped`."""
        info = connection.info
        pgconn = begun(connection, info).pgconn
        guard: Guard = info[GUARD]
        pipe: Pipe | None = info.get(PIPE)
        if guard.stale and guard.wall is not None:
            if pipe is None:
                # What wall 4 is told and the statement behind it are one round trip.
                with piped(connection):
                    return self._ask(connection, parameters)
            _tell(pgconn, pipe, guard)
            guard.stale = False
        # PostgreSQL plans a statement anew when the role that runs it changes, so each role has
        # its own.
        name = self._name + guard.role.encode()
        plans: dict[bytes, Plan] = info.setdefault(PLANS, {})
        plan = plans.get(name)
        if plan is None:
            plan = plans[name] = self._prepared(pgconn, pipe, name)
        values = self._values(plan, parameters)
        need = self._need
        if need is None:
            need = self._need = need_of(self._text.decode(), info[PROTECTION])
        if need != 0:
            guard.check(need, (values,))
        if pipe is not None:
            return pipe.send(name, values, self._formats, info[READER])
        result = pgconn.exec_prepared(name, values, self._formats, Format.BINARY)
        return Answer(info[READER], pipe=None, result=_good(result))

    def rows(self, connection: Connection, parameters: Mapping[str, Any]) -> list[Row]:
        """Run it and read every row."""
        return self._ask(connection, parameters).rows()

    def later(
        self, connection: Connection, parameters: Mapping[str, Any]
    ) -> Callable[[], list[Row]]:
        """Run it; its rows are waited for when they are asked for."""
        return self._ask(connection, parameters).rows

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it once for each row of parameters."""
        if len(rows) == 1:
            self._ask(connection, rows[0])
            return
        with piped(connection):
            for row in rows:
                self._ask(connection, row)

    def _values(self, plan: Plan, parameters: Mapping[str, Any]) -> list[Any]:
        if self._fixed:
            parameters = {**self._fixed, **parameters}
        return [
            None if (value := parameters[name]) is None else encode(value)
            for name, encode in zip(self._order, plan, strict=True)
        ]

    def _prepared(self, pgconn: PGconn, pipe: Pipe | None, name: bytes) -> Plan:
        if pipe is not None:
            with pipe.paused():
                return self._prepared(pgconn, None, name)
        _good(pgconn.prepare(name, self._text))
        told = _good(pgconn.describe_prepared(name))
        return tuple(_ENCODE[told.param_type(number)] for number in range(told.nparams))


def say(connection: Connection, text: bytes) -> None:
    """Run a text that neither takes nor gives values, such as a savepoint; not inside `piped`."""
    _good(begun(connection).pgconn.exec_(text))


def begun(connection: Connection, info: dict[Any, Any] | None = None) -> Driver[Any]:
    """The driver's connection, inside a transaction unless it commits by itself.

    `info` is that of the connection, for a caller who has looked it up.
    """
    if not connection.in_transaction():
        connection.begin()
    info = connection.info if info is None else info
    driver: Driver[Any] | None = info.get(DRIVER)
    if driver is None:
        driver = info[DRIVER] = connection.connection.driver_connection
        assert driver is not None
        info[READER] = Transformer(driver)
    if driver.pgconn.transaction_status == TransactionStatus.IDLE and not driver.autocommit:
        _good(driver.pgconn.exec_(b"BEGIN"))
    return driver


def _good(result: PGresult) -> PGresult:
    if result.status not in _GOOD:
        raise _error(result)
    return result


def _error(result: PGresult) -> errors.Error:
    """What went wrong, without the failing row that PostgreSQL repeats behind the first line."""
    error = errors.error_from_result(result)
    error.args = (str(error).partition("\n")[0],)
    return error


def _writable(socket: int) -> None:
    """Wait until more can be sent, or something was answered."""
    waiting = poll()
    waiting.register(socket, POLLIN | POLLOUT)
    waiting.poll()
