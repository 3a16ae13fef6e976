"""Wall 3: no statement touches a protected table without a permit, however it is written.

Every connection has a `Guard`. The gate tells it about whom a decision is being asked (`ask`) and
which permits it handed out (`admit`); `service.kit.groups` empties it before and after each job,
also between the jobs of one transaction. A table says in its `info` how it is protected:

- `data`: a statement must name a resident, as a bound value, of whom a permit was admitted;
- `policy`: what is read before there can be a permit, so being asked about is enough;
- `log`: rows may always be added, read under a permit, never changed.

A column of a policy table may be `data`, and columns of a log (its hashes) `open`. Which tables a
statement touches is told by SQLite itself while it compiles (`service.kit.guarded`), or read from
the text (`service.kit.sqltext`) before it goes to PostgreSQL, where wall 4 sees what no text tells.

What must cross from resident to resident (migrations, verification, erasure after a restore) says
so with `dangerously_without_permit`; tests keep the list of those who may.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from enum import IntFlag, StrEnum
from time import monotonic
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection, MetaData, Table

from consent.decision import Permit
from service.kit.audience import Audience
from service.kit.log import log

T = TypeVar("T")
GUARD = "kangma_guard"
"""Where a connection's `info` keeps its guard."""
PROTECTION = "kangma_protection"
"""Where it keeps which tables of its database are protected, and how."""
PROTECTED = "protected"
"""The member of a table's or a column's `info` that says how it is protected."""


class Need(IntFlag):
    """What a statement needs before it may run."""

    NOTHING = 0
    ASKED = 1
    PERMIT = 2
    CROSSING = 4


_PERMIT, _CROSSING = int(Need.PERMIT), int(Need.CROSSING)


class Crossing(StrEnum):
    """The reasons for which a job may go from resident to resident without any permit."""

    MIGRATION = "migration"
    ERASURES = "unfinished erasures"
    VERIFICATION = "verification of everything stored"
    RESEALING = "sealing anew under younger keys"
    RESTORE = "erasing again after a restore"
    WATCH = "looking for unusual access"
    APPEALS = "counting appeals without an answer"


LOG_EVERY, CHORES_LOG_EVERY = 60.0, 3600.0
"""Seconds between two lines of the log about one reason: somebody's crossings, and the chores'."""
_logged: dict[tuple[Audience, Crossing], float] = {}


class NoPermit(RuntimeError):
    """A statement on a protected table without the permit it needs. It names no value."""


class Guard:
    """What the job that holds a connection may touch. One thread uses it at a time."""

    __slots__ = ("asked", "audience", "crossing", "permitted", "stale", "wall")

    def __init__(self) -> None:
        self.asked: set[bytes | str] = set()
        self.permitted: set[bytes | str] = set()
        self.crossing: Crossing | None = None
        self.audience: Audience = "anyone"
        self.wall: Callable[[Guard], None] | None = None
        """Tells the database all of this, where it has wall 4 (`service.kit.wall`)."""
        self.stale = True
        """Whether it has not been told yet."""

    @property
    def role(self) -> Audience:
        """As whom statements run on a database with wall 4.

        The chores cross no further than their own role sees: the login of the HTTP service cannot
        become upkeep.
        """
        if self.crossing is None or self.audience == "chores":
            return self.audience
        return "upkeep"

    def begin(self, audience: Audience) -> None:
        """A job of this audience begins and has been permitted nothing."""
        self.asked.clear()
        self.permitted.clear()
        self.crossing = None
        self.audience = audience
        self.stale = True

    def end(self) -> None:
        """Whatever comes next on this connection is another matter."""
        self.begin("anyone")

    def tell(self) -> None:
        """Before any statement: let wall 4 know what this job was permitted by now."""
        if self.stale and self.wall is not None:
            self.stale = False
            self.wall(self)

    def check(self, need: Need, rows: Iterable[Iterable[Any]]) -> None:
        """Raise `NoPermit` unless each row of bound values names somebody permitted or asked."""
        if not self.allows(need, rows):
            raise NoPermit(f"a statement on protected tables ran without: {need!r}")

    def allows(self, need: Need, rows: Iterable[Iterable[Any]]) -> bool:
        if need == 0 or self.crossing is not None:
            return True
        # As whole numbers: every statement comes through here, and flags are ten times as slow.
        if int.__and__(need, _CROSSING):
            return False
        known = self.permitted if int.__and__(need, _PERMIT) else self.asked
        return bool(known) and all(_names(row, known) for row in rows)


def _names(values: Iterable[Any], known: Collection[bytes | str]) -> bool:
    for value in values:
        # Drivers wrap octets: sqlite3 in a memoryview, psycopg in a Binary.
        plain = getattr(value, "obj", value)
        if type(plain) in (bytes, str) and plain in known:
            return True
    return False


def guard_of(conn: Connection) -> Guard:
    guard: Guard = conn.info[GUARD]
    return guard


def ask(conn: Connection, *who: UUID | str | bytes) -> None:
    """A decision about these is being asked: their policy may be read.

    For the gate, and for who proved a tie to somebody otherwise (a new file, a guardian's code).

    A practitioner or a service in place of a resident stands for their own panel. Octets are the
    keyed tag or the digest under which a row is found before it is known whose it is.
    """
    guard = guard_of(conn)
    before = len(guard.asked)
    for one in who:
        guard.asked.add(one.bytes if isinstance(one, UUID) else one)
    guard.stale |= len(guard.asked) != before


def admit(conn: Connection, permit: Permit) -> None:
    """This permit was handed out: its subject's data may be touched. For the gate alone."""
    # An instance of the class has proved its seal, and the class has no other kinds.
    if type(permit) is not Permit:
        raise NoPermit("this is no permit")
    guard, subject = guard_of(conn), permit.subject.bytes
    if subject not in guard.permitted:
        guard.permitted.add(subject)
        guard.asked.add(subject)
        guard.stale = True


@contextmanager
def keeping_the_log(conn: Connection) -> Iterator[None]:
    """Inside, statements run as the role that keeps the access log: proofs need all its hashes.

    What an entry tells still takes a permit (see `open` columns).
    """
    with _as(conn, "log"):
        yield


@contextmanager
def looking_for_a_panel(conn: Connection) -> Iterator[None]:
    """Inside, statements find who is on the panel of the practitioner who is asked about.

    A role of its own: looking for a panel goes through contracts and grants, and were that a
    doctor's policy, every decision about one resident would carry it too.
    """
    with _as(conn, "panel"):
        yield


@contextmanager
def _as(conn: Connection, role: Audience) -> Iterator[None]:
    guard = guard_of(conn)
    before, guard.audience, guard.stale = guard.audience, role, True
    try:
        yield
    finally:
        guard.audience, guard.stale = before, True


@contextmanager
def dangerously_without_permit(conn: Connection, why: Crossing) -> Iterator[None]:
    """Inside, statements go from resident to resident and nobody was asked.

    It is logged, seldom enough: a verification crosses for every resident.
    """
    guard = guard_of(conn)
    _tell_of(guard.audience, why)
    before, guard.crossing = guard.crossing, why
    guard.stale = True
    try:
        yield
    finally:
        guard.crossing = before
        guard.stale = True


def _tell_of(audience: Audience, why: Crossing) -> None:
    """What somebody does is a warning; what the chores do all day is not news, but is told too."""
    chore = audience == "chores"
    every = CHORES_LOG_EVERY if chore else LOG_EVERY
    now, last = monotonic(), _logged.get((audience, why))
    if last is None or now - last >= every:
        _logged[audience, why] = now
        (log.info if chore else log.warning)("crossing", why=str(why), audience=audience)


def dangerously_crossing(
    why: Crossing, job: Callable[[Connection], T]
) -> Callable[[Connection], T]:
    """A job all of which runs `dangerously_without_permit`."""

    def run(conn: Connection) -> T:
        with dangerously_without_permit(conn, why):
            return job(conn)

    return run


# -- which tables are protected, and how ----------------------------------------------------------


class Protection:
    """The protected tables of a metadata: `of` says what touching one needs."""

    def __init__(self, metadata: MetaData) -> None:
        self._metadata = metadata
        self._count = -1
        self._tables: dict[str, str] = {}
        self._columns: dict[str, frozenset[str]] = {}
        self._open: dict[str, frozenset[str]] = {}

    def tables(self) -> dict[str, str]:
        """Names of protected tables with their kinds. Tables may be declared at any time."""
        if len(self._metadata.tables) != self._count:
            self._count = len(self._metadata.tables)
            found = [one for one in self._metadata.tables.values() if PROTECTED in one.info]
            self._tables = {table.name: table.info[PROTECTED] for table in found}
            self._columns = {table.name: _columns(table, "data") for table in found}
            self._open = {table.name: _columns(table, "open") for table in found}
        return self._tables

    def closed_columns(self, table: str) -> frozenset[str]:
        """Columns of a policy table that are data."""
        return self._columns.get(table, frozenset())

    def open_columns(self, table: str) -> frozenset[str]:
        """Columns of a log that tell nothing of what was looked at."""
        return self._open.get(table, frozenset())

    def told_columns(self, table: str) -> frozenset[str]:
        """All other columns of a log."""
        return frozenset(self._metadata.tables[table].columns.keys()) - self.open_columns(table)


def _columns(table: Table, kind: str) -> frozenset[str]:
    return frozenset(one.name for one in table.columns if one.info.get(PROTECTED) == kind)
