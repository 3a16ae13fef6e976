"""Keeping, amending and erasing records.

One call takes the owner's counter once, and first of all: from there to the commit nobody else
writes to this owner. Where nothing changes the counter is given back. Nothing of an amended or
deleted record stays behind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from consent.decision import Permit
from service.domain.vocabulary import widths
from service.domain.vocabulary.records import Record, check
from service.keys.vault import Vault
from service.kit.errors import Fault, Invalid, NotFound, Stale
from service.kit.ids import parse_id
from service.records import parts, store
from service.records.plan import BEYOND, Change, Plan, Result, Write, known_from
from service.residents.actions import Profile
from service.residents.store import advance, step_back


class Taken(NamedTuple):
    """The counter taken for a call, and what is stored of the records it names."""

    rev: int
    rows: Mapping[bytes, Sequence[store.Part]]


def log(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    entries: Sequence[Any],
    now: datetime,
    *,
    profile: Profile,
    taken: Taken | None = None,
) -> list[Result]:
    """Keep every acceptable entry once; a bad one is rejected and never blocks the others.

    `taken` is for a caller who has already asked for it, together with other things.
    """
    checked = [_checked(number, entry, profile, now) for number, entry in enumerate(entries)]
    keys = {
        record.id: vault.row_key(permit.subject, str(record.id))
        for record in checked
        if isinstance(record, Record)
    }
    rev, rows = taken or _take(connection, permit, list(keys.values()))
    plan = Plan(vault, permit, rows)
    results = _planned(plan, checked, keys)
    if not plan.writes:
        step_back(connection, permit)
        return results
    _write(connection, vault, permit, plan.writes, rev)
    return [
        replace(result, rev=rev) if result.rev is None and result.status != "rejected" else result
        for result in results
    ]


def get(
    connection: Connection, vault: Vault, permit: Permit, record_id: UUID
) -> tuple[Record, int]:
    """A record with the values of the permit's classes, and its revision."""
    key = vault.row_key(permit.subject, str(record_id))
    rows = store.existing(connection, permit, [key]).get(key, [])
    tags = parts.tags_of(vault, permit)
    visible = [row for row in rows if row.class_tag in tags]
    if not visible:
        raise NotFound
    record = parts.open_record(vault, permit, visible)
    if not parts.within(permit.window, record.start):
        raise NotFound
    return record, visible[0].rev


def put(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    record_id: UUID,
    entry: Mapping[str, Any],
    now: datetime,
    *,
    profile: Profile,
    if_match: int,
    rev: int | None = None,
) -> Result:
    """Replace a record whose `rev` is still `if_match`; the same content again changes nothing.

    `rev` is for a caller who has taken the counter already.
    """
    record = _checked(None, {**entry, "id": str(record_id)}, profile, now)
    if isinstance(record, Result):
        raise Invalid(list(record.faults))
    key = vault.row_key(permit.subject, str(record_id))
    rev, rows = _take(connection, permit, [key], rev)
    _expect(rows.get(key, ()), if_match)
    plan = Plan(vault, permit, rows)
    result = plan.take(record, key)
    if result.code == "invalid":
        raise Invalid(list(result.faults))
    if result.code is not None:
        raise Invalid([Fault("/values", "not-permitted", BEYOND)])
    if not plan.writes:
        step_back(connection, permit)
        return result
    _write(connection, vault, permit, plan.writes, rev)
    return replace(result, rev=rev)


def delete(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    record_id: UUID,
    *,
    if_match: int,
    rev: int | None = None,
) -> tuple[Change, int]:
    """Remove every part of a record. The tombstone, at the revision returned, says it is gone.

    `rev` is for a caller who has taken the counter already.
    """
    key = vault.row_key(permit.subject, str(record_id))
    rev, found = _take(connection, permit, [key], rev)
    rows = found.get(key, ())
    _expect(rows, if_match)
    known = known_from(vault, permit, rows)
    if known.foreign:
        raise NotFound
    store.write(connection, permit, [store.tombstone(key, rev)])
    store.remove_older(connection, permit, key, rev)
    return Change(key, frozenset(known.texts), None, fresh=False), rev


def _take(
    connection: Connection, permit: Permit, keys: Sequence[bytes], rev: int | None = None
) -> Taken:
    rev = advance(connection, permit) if rev is None else rev
    return Taken(rev, store.existing(connection, permit, keys))


def _checked(number: int | None, entry: Any, profile: Profile, now: datetime) -> Record | Result:
    """A record, or its rejection with pointers into the request."""
    found = check(
        entry,
        birth_date=profile.birth_date,
        sex=profile.sex,
        now=now,
        zone=ZoneInfo(profile.zone),
    )
    if isinstance(found, Record):
        return found
    base = "" if number is None else f"/records/{number}"
    faults = tuple(replace(fault, pointer=base + fault.pointer) for fault in found)
    named = entry.get("id") if isinstance(entry, dict) else None
    own_id = parse_id(named) if isinstance(named, str) else None
    return Result(own_id, "rejected", code="invalid", faults=faults)


def _planned(
    plan: Plan, checked: Sequence[Record | Result], keys: Mapping[UUID, bytes]
) -> list[Result]:
    results = []
    for number, found in enumerate(checked):
        if isinstance(found, Record):
            found = plan.take(found, keys[found.id])
            if found.faults:
                base = f"/records/{number}"
                faults = tuple(replace(f, pointer=base + f.pointer) for f in found.faults)
                found = replace(found, faults=faults)
        results.append(found)
    return results


def _expect(rows: Sequence[store.Part], if_match: int) -> None:
    if not rows or any(row.deleted for row in rows):
        raise NotFound
    if rows[0].rev != if_match:
        raise Stale


def _write(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    writes: Mapping[bytes, Write],
    rev: int,
) -> None:
    fresh: list[store.Part] = []
    for key, write in writes.items():
        day = vault.shift_day(permit.subject, parts.record_day(write.record.start))
        spare = widths.spare(write.record)
        fresh += parts.seal(vault, permit, key, day, write.texts, rev, spare)
    store.write(connection, permit, fresh)
    for key, write in writes.items():
        if write.replaces:
            store.remove_older(connection, permit, key, rev)
