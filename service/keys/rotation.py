"""Rotating the root key without a pause, one step at a time.

    add a version -> wait -> make it primary -> rewrap -> wait -> retire the old -> destroy it

A process sees a step of another one when its own view of the root key has aged (`keystore.AGE`) and
forgets opened keys after the cache's lifetime, so each step waits that long. `advance` takes the
next step that is due and says what comes after it; run it as often as you like.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from consent.vocabulary import Text
from service.keys import stages
from service.keys.keystore import Keystore
from service.keys.stages import ADDED, OUTGOING, PRIMARY, RETIRED, Standing


@dataclass(frozen=True, slots=True)
class Step:
    """What was done or is waited for, which version it is about, and what comes next."""

    done: str
    version: int
    next: Text
    not_before: datetime | None = None


def advance(keystore: Keystore, *, now: datetime, wait: timedelta) -> Step:
    """Begin a rotation, or take the next step of the one that is under way."""
    keystore.refresh()
    with keystore.writing() as conn:
        stages.lock(conn)
        known = {one.version: one for one in stages.standings(conn)}
        left = _left_behind(keystore, conn, known)
        if left:
            return _promoted_already(keystore, conn, left, now)
        outgoing = next((s for s in known.values() if s.stage == OUTGOING), None)
        added = next((s for s in known.values() if s.stage == ADDED), None)
        if added is not None:
            return _promoted(keystore, conn, added, now, wait)
        if outgoing is not None:
            return _retired(conn, outgoing, now, wait)
        return _begun(keystore, conn, now, wait)


def pause_of(lifetime: float) -> timedelta:
    """How long a step waits for processes that keep opened keys for `lifetime` seconds."""
    return timedelta(seconds=lifetime)


def _begun(keystore: Keystore, conn: Connection, now: datetime, wait: timedelta) -> Step:
    primary = keystore.kek.primary
    # A version that was added just before a crash is taken up; two are never added for one.
    made = max(keystore.kek.versions)
    if made == primary:
        made = keystore.kek.add_version()
    stages.put(conn, primary, PRIMARY, now)
    stages.put(conn, made, ADDED, now)
    keystore.check_in(conn, made)
    return _waiting("added", made, now + wait, _THEN_PRIMARY)


def _left_behind(keystore: Keystore, conn: Connection, known: dict[int, Standing]) -> list[int]:
    """Versions that the keystore needs and does not know to be outgoing, older than the primary.

    As when the primary was made one and the note of it was lost: with a crash, or because the
    keystore was restored from a backup of before.
    """
    gone = {version for version, one in known.items() if one.stage not in (ADDED, PRIMARY)}
    older = {one for one in keystore.checked_in(conn) if one < keystore.kek.primary}
    return sorted(older - gone)


def _promoted_already(keystore: Keystore, conn: Connection, left: list[int], now: datetime) -> Step:
    for version in left:
        stages.put(conn, version, OUTGOING, now)
    primary = keystore.kek.primary
    stages.put(conn, primary, PRIMARY, now)
    return Step("made-primary", primary, _REWRAP)


def _promoted(
    keystore: Keystore, conn: Connection, added: Standing, now: datetime, wait: timedelta
) -> Step:
    due = added.since + wait
    if now < due:
        return _waiting("waiting", added.version, due, _THEN_PRIMARY)
    for one in stages.standings(conn):
        if one.stage == PRIMARY:
            stages.put(conn, one.version, OUTGOING, now)
    keystore.kek.make_primary(added.version)
    stages.put(conn, added.version, PRIMARY, now)
    return Step("made-primary", added.version, _REWRAP)


def _retired(conn: Connection, outgoing: Standing, now: datetime, wait: timedelta) -> Step:
    if stages.wrapped_by(conn).get(outgoing.version, 0):
        return Step("waiting", outgoing.version, _REWRAP)
    due = outgoing.since + wait
    if now < due:
        return _waiting("waiting", outgoing.version, due, _THEN_RETIRE)
    stages.put(conn, outgoing.version, RETIRED, now)
    version = outgoing.version
    return Step(
        "retired",
        version,
        Text(
            f"由两名操作员执行 kangma keys destroy {version}。",
            f"Two operators run kangma keys destroy {version}.",
        ),
    )


def _waiting(done: str, version: int, due: datetime, then: Text) -> Step:
    at = due.isoformat(timespec="seconds")
    return Step(done, version, Text(f"{at} 之后{then.zh}", f"After {at}: {then.en}"), due)


_THEN_PRIMARY = Text(
    "再次执行 kangma keys rotate，启用新版本。",
    "run kangma keys rotate again to make the new version primary.",
)
_THEN_RETIRE = Text(
    "再次执行 kangma keys rotate，停用旧版本。",
    "run kangma keys rotate again to retire the old version.",
)
_REWRAP = Text(
    "执行 kangma keys rewrap，直至没有剩余，再执行 kangma keys rotate。",
    "Run kangma keys rewrap until nothing is left, then kangma keys rotate.",
)
