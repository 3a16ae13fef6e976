"""The four walls of consent taken away one by one, and slips that a wall makes harmless.

Each function takes away one wall and leaves the other three as they are, so that a test shows what
this wall alone stops.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.engine import Dialect

from consent.decision import Permit
from consent.request import AccessRequest
from consent.vocabulary import ALL_CLASSES, DataClass
from service.grants import gate
from service.keys import permits, vault
from service.keys.keyring import Slot
from service.keys.vault import Vault
from service.kit import guard
from service.kit.guard import Guard
from service.kit.prepared import Prepared
from service.migrations import walls
from service.records import parts
from tests.walled_room import plain

# -- walls taken away -----------------------------------------------------------------------------


def without_classes_of_permits(patch: pytest.MonkeyPatch) -> None:
    """Wall 1, one half: a genuine permit opens every class, whatever it names."""
    every, opening = frozenset(Slot), Vault._open_found

    def opened(self: Vault, sealed: Any, _: Any, permit: Permit | None) -> bytes:
        return opening(self, sealed, every, permit)

    patch.setattr(Vault, "_open_found", opened)
    patch.setattr(vault, "named", lambda permit: every)


def without_seals_of_permits(patch: pytest.MonkeyPatch) -> None:
    """Wall 1, the other half: whatever looks like a permit is taken for one."""
    patch.setattr(permits, "check", lambda permit, now: None)


def without_consent_revision(patch: pytest.MonkeyPatch) -> None:
    """Wall 2: statements on data are content with any older consent revision."""
    compiling, loose = Prepared._compile, dict[tuple[int, str], Any]()

    def compiled(self: Prepared, dialect: Dialect) -> Any:
        made: Any = compiling(self, dialect)
        text, equal, below = made._text, "consent_revision = ", "consent_revision >= "
        if isinstance(text, bytes):
            made._text = text.replace(equal.encode(), below.encode())
        else:
            made._text = text.replace(equal, below)
        return made

    def on(self: Prepared, connection: Connection) -> Any:
        key = id(self), connection.dialect.name
        if key not in loose:
            loose[key] = compiled(self, connection.dialect)
        return loose[key]

    patch.setattr(Prepared, "_on", on)


def without_guard(patch: pytest.MonkeyPatch) -> None:
    """Wall 3: every statement runs, whoever it names."""
    patch.setattr(Guard, "allows", lambda self, need, rows: True)


@contextmanager
def without_row_security(owner: str, table: str) -> Iterator[None]:
    """Wall 4: PostgreSQL shows every row of one table; it stands again afterwards."""
    with closing(plain(owner)) as conn:
        conn.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        try:
            yield
        finally:
            conn.execute(walls.source().encode())


# -- slips that a wall makes harmless -------------------------------------------------------------


def remember_decisions(patch: pytest.MonkeyPatch, *, seconds: float) -> None:
    """Whoever thinks decisions cost too much: that on a look is not made anew for so long."""
    deciding = gate.admit_look
    kept: dict[AccessRequest, tuple[float, Any]] = {}

    def decided(conn: Connection, vault: Vault, request: AccessRequest, **more: Any) -> Any:
        until, answer = kept.get(request, (0.0, None))
        if monotonic() < until:
            guard.ask(conn, request.subject)
            guard.admit(conn, answer[1].permit)
            return answer
        answer = deciding(conn, vault, request, **more)
        if answer[1].permit is not None:
            kept[request] = (monotonic() + seconds, answer)
        return answer

    patch.setattr(gate, "admit_look", decided)


def list_every_class(patch: pytest.MonkeyPatch) -> None:
    """Whoever forgets to ask the permit: lists are made of records of every class."""

    def every(vault: Vault, permit: Permit) -> dict[bytes, DataClass]:
        return {vault.class_tag(permit.subject, one): one for one in ALL_CLASSES}

    patch.setattr(parts, "tags_of", every)


def widened(permit: Permit) -> Permit:
    """A copy of a permit, changed by force to name every class."""
    made: Permit = object.__new__(Permit)
    for name in Permit.__slots__:
        object.__setattr__(made, name, getattr(permit, name))
    object.__setattr__(made, "classes", ALL_CLASSES)
    return made
