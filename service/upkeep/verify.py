"""Opening every ciphertext there is, to name each that does not belong where it lies.

Nothing that is opened is kept, shown or returned (`service.keys.inspection`); a fault names a
table, a row by its keys, and what is wrong. What can be found:

- `broken`: changed, swapped, moved to another day, class, person or column, cut, its suite flipped,
  an older ciphertext put into a newer row, or clear columns of a row of policy (whom a grant names,
  whether a contract is in force) that are not what is sealed beside them;
- `torn`: one part of something that is written as a whole is of another revision than the rest;
- `ahead`: the row is newer than its owner's counter, which was therefore put back;
- `gone`: its key was shredded, so a restored row was not emptied yet;
- `no-keys`, `no-owner`: it belongs to somebody who has no keyring, or to nobody.

A whole row put back with its revision, in a record of one class, opens: nothing inside the data
store is newer than it. ADR 9 says so, and what helps against it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from service.contributions import actions as contributions
from service.keys import inspection
from service.keys.vault import Vault
from service.kit.db import Database
from service.kit.errors import Gone, IntegrityBroken, NotFound
from service.kit.guard import Crossing, dangerously_crossing
from service.kit.log import log
from service.kit.sealed import Sealed
from service.upkeep import store
from service.upkeep.columns import COLUMNS, Compare, SealedColumn

_crossing = partial(dangerously_crossing, Crossing.VERIFICATION)
BATCH = 200
"""Residents looked at in one read of the data store."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One row that is not as it was written. `key` names it; it holds no value."""

    table: str
    column: str
    key: Mapping[str, str]
    fault: str


@dataclass(frozen=True, slots=True)
class Seen:
    """How many ciphertexts were opened, and which rows are at fault."""

    opened: int
    faults: tuple[Fault, ...]


def verify(db: Database, vault: Vault, statistics_key: bytes) -> Seen:
    """Open everything once and drop it. The run is logged, with counts and nothing else."""
    log.warning("data store verification begun")
    opened = 0
    faults: list[Fault] = []
    after: UUID | None = None
    while batch := db.read(_crossing(partial(store.active_after, after=after, limit=BATCH))):
        for resident in batch:
            seen = _looked_at(db, vault, resident)
            opened += seen.opened
            faults += seen.faults
            # Somebody's opened keys are of no more use here.
            vault.forget(resident)
        after = batch[-1]
    faults += db.read(_crossing(lambda conn: list(_strays(conn))))
    counted, broken = db.read(_crossing(partial(_contributions, statistics_key=statistics_key)))
    log.warning("data store verified", opened=opened + counted, faults=len(faults) + len(broken))
    return Seen(opened + counted, (*faults, *broken))


def _looked_at(db: Database, vault: Vault, resident: UUID) -> Seen:
    """What is at fault for good: keys lie in a database of their own, so something may have been
    erased between the reading of its row and the opening. It is not there a second time."""
    look = _crossing(partial(_resident, vault=vault, resident=resident))
    seen = db.read(look)
    if not seen.faults:
        return seen
    vault.forget(resident)
    again = db.read(look)
    return Seen(again.opened, tuple(one for one in again.faults if one in seen.faults))


def _resident(conn: Connection, vault: Vault, resident: UUID) -> Seen:
    read = {column.name: store.rows_of(conn, column, resident) for column in COLUMNS}
    # Asked after the rows: whatever is written meanwhile, no honest row is newer than this.
    newest = store.counter(conn, resident)
    if newest is None:
        return Seen(0, ())
    faults: list[Fault] = []
    for column in COLUMNS:
        faults += _column(vault, column, read[column.name], newest)
    return Seen(sum(map(len, read.values())), tuple(faults))


def _column(
    vault: Vault, column: SealedColumn, rows: Sequence[Row[Any]], newest: int
) -> Iterator[Fault]:
    together: dict[tuple[Any, ...], set[int]] = {}
    for row in rows:
        if column.together and column.rev is not None:
            together.setdefault(_group(column, row), set()).add(row._mapping[column.rev])
    for row in rows:
        found = _condition(vault, column, row)
        if found == "whole" and column.rev is not None and row._mapping[column.rev] > newest:
            found = "ahead"
        if found == "whole" and len(together.get(_group(column, row), ())) > 1:
            found = "torn"
        if found != "whole":
            yield _fault(column, row, found)


def _condition(vault: Vault, column: SealedColumn, row: Row[Any]) -> str:
    try:
        place = column.place(vault, row)
    except Gone:
        return "gone"
    except NotFound:
        return "no-keys"
    except (IntegrityBroken, ValueError):
        return "broken"
    found = inspection.look(vault, Sealed(bytes(row._mapping[column.column.name]), place))
    if found == "whole" and column.compare is not None:
        return _compared(vault, column.compare, row)
    return found


def _compared(vault: Vault, compare: Compare, row: Row[Any]) -> str:
    """A row that opens: whether what lies in the clear beside it is what it says."""
    try:
        compare(vault, row)
    except IntegrityBroken:
        return "broken"
    return "whole"


def _group(column: SealedColumn, row: Row[Any]) -> tuple[Any, ...]:
    return tuple(row._mapping[name] for name in column.together)


def _strays(conn: Connection) -> Iterator[Fault]:
    for column in COLUMNS:
        for row in store.strays(conn, column):
            yield _fault(column, row, "no-owner")


def _contributions(conn: Connection, statistics_key: bytes) -> tuple[int, list[Fault]]:
    counted, broken = contributions.verify(conn, statistics_key=statistics_key)
    return counted, [
        Fault("contributions", "sealed", {"pseudonym": name.hex()}, "broken") for name in broken
    ]


def _fault(column: SealedColumn, row: Row[Any], fault: str) -> Fault:
    key = {one.name: _spelled(row._mapping[one.name]) for one in column.keys}
    return Fault(column.table.name, column.column.name, key, fault)


def _spelled(value: Any) -> str:
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value)
