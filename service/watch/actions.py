"""Telling residents of unusual access, and operators of a practitioner who reads unusually much.

The log itself is written without waiting for any of this: entries are looked through afterwards,
each once, by whichever process comes first. What a resident sees in the log is worked out there and
then (`marked`), so it never depends on this having run.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Connection

from consent.vocabulary import ActorKind
from service.audit.entry import Logged
from service.keys.vault import Vault
from service.kit import metrics
from service.kit.clock import CITY_ZONE, city_day
from service.kit.errors import Gone, NotFound
from service.kit.log import log
from service.notices import actions as notices
from service.notices.words import UNUSUAL_LOOK
from service.watch import alarms, store
from service.watch.alarms import REACH, Alarm, Look

BATCH = 500
MONTH = 28
"""Days from which it is told how much a practitioner usually reads."""
_SOMEBODY = "有人 / somebody"


def marked(conn: Connection, subject: UUID, entries: Sequence[Logged]) -> list[list[Alarm]]:
    """The alarms of each of a resident's entries."""
    if not entries:
        return []
    since = min(one.entry.at for one in entries) - REACH
    before = store.before(conn, subject, since, max(one.link.seq for one in entries))
    return [alarms.raised(_look(one), before) for one in entries]


def look_through(conn: Connection, vault: Vault, *, now: datetime) -> int:
    """Look through the next entries; how many there were, at most `BATCH`."""
    rows = store.fresh(conn, store.lock(conn), BATCH)
    if not rows:
        return 0
    of_each: defaultdict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        of_each[row.resident_id].append(row)
    for subject, mine in of_each.items():
        _tell(conn, vault, subject, mine, now)
    _count(conn, rows)
    store.move(conn, rows[-1].leaf + 1)
    return len(rows)


def _tell(
    conn: Connection, vault: Vault, subject: UUID, rows: Sequence[Any], now: datetime
) -> None:
    looks = store.looks(rows)
    since = min(one.at for one in looks) - REACH
    before = store.before(conn, subject, since, looks[-1].seq)
    for look, row in zip(looks, rows, strict=True):
        for alarm in alarms.news(look, before):
            try:
                _notify(conn, vault, subject, look, row.actor_name, alarm, now)
            except (Gone, NotFound):
                # Somebody who was erased meanwhile has nobody left to tell.
                return


def _notify(
    conn: Connection,
    vault: Vault,
    subject: UUID,
    look: Look,
    name: str | None,
    alarm: Alarm,
    now: datetime,
) -> None:
    when = look.at.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M")
    facts = {"when": when, "name": name or _SOMEBODY, "zh": alarm.text.zh, "en": alarm.text.en}
    about = uuid5(subject, f"{alarm.id} {look.seq}")
    notices.tell(conn, vault, subject, kind=UNUSUAL_LOOK, about=about, facts=facts, now=now)


def _count(conn: Connection, rows: Iterable[Any]) -> None:
    """Add to the days of practitioners; alert when one passes three times what is usual."""
    for (actor, day), patients in _read_by(rows).items():
        now = store.count(conn, actor, day.toordinal(), patients)
        past = store.days(conn, actor, day.toordinal() - MONTH, day.toordinal())
        if alarms.is_crossing(now - patients, now, past):
            usual = round(alarms.usual(past))
            log.warning("unusually many patients read", actor=actor, count=now, usual=usual)
            metrics.unusual_reading.inc()


def _read_by(rows: Iterable[Any]) -> Mapping[tuple[str, date], int]:
    patients: defaultdict[tuple[str, date], set[UUID]] = defaultdict(set)
    for row in rows:
        if row.actor_kind == ActorKind.PRACTITIONER and row.decision == "allow":
            patients[row.actor_id, city_day(row.at)].add(row.resident_id)
    return {key: len(found) for key, found in patients.items()}


def _look(one: Logged) -> Look:
    entry = one.entry
    return Look(
        seq=one.link.seq,
        at=entry.at,
        actor_kind=entry.actor_kind,
        actor_id=entry.actor_id,
        decision=entry.decision,
        rule=entry.rule,
    )
