"""Assessing a resident: cheaply with every write, wholly when the prompt is read.

A write stores the level and index at once (the head). The whole prompt, with its reasons and the
path to green, is made when somebody asks for it and kept until something it rests on changes:
a reading, the profile, the rule pack or the day (readings go stale, people have birthdays).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from consent.decision import Permit
from service.domain.regions import RegionTree
from service.domain.risk import assess as risk
from service.domain.risk.assess import Assessment
from service.domain.risk.person import Person, Reading
from service.domain.risk.rules import steadily
from service.keys.vault import Vault
from service.prompts import document, head, levels, shelf, store
from service.prompts.head import Brief, Head
from service.prompts.readings import person_of, readings_of
from service.prompts.shelf import Shelf
from service.records.plan import Change
from service.residents import actions as residents
from service.residents.actions import Profile
from service.residents.store import advance

Readings = Mapping[str, Sequence[Reading]]


def open_file(connection: Connection, vault: Vault, permit: Permit, *, rev: int = 0) -> None:
    """Give a new resident a slot for every class: rows tell nothing of what somebody measures."""
    store.file(connection, permit.subject, shelf.empty(vault, permit, rev))


def note(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    *,
    profile: Profile,
    regions: RegionTree,
    changes: Sequence[Change],
    rev: int,
    now: datetime,
    held: Shelf | None = None,
) -> Brief:
    """Take what a write at `rev` changed into the frames, and say what the level is now.

    The head is the owner's: a doctor's write brings frames up to date and learns no level.
    `held` is for a caller who has the shelf already.
    """
    if held is None:
        held = shelf.opened(connection, vault, permit)
    held.take(connection, changes)
    after = held.head
    if permit.owner and held.changed:
        after = levels.settle(
            connection,
            vault,
            permit,
            held,
            profile=profile,
            regions=regions,
            rev=rev,
            now=now,
        )
    else:
        store.file(connection, permit.subject, held.slots(rev))
    return head.brief(after, held.head)


def current(connection: Connection, vault: Vault, permit: Permit, *, now: datetime) -> bytes | None:
    """The whole prompt as JSON, when the stored one is still true; else None."""
    found = store.stored(connection, permit)
    if found.sealed is None or found.rev is None or found.rev < found.newest:
        return None
    return document.opened(vault, permit, found.rev, found.sealed, now)


@steadily()
def renew(
    connection: Connection, vault: Vault, permit: Permit, *, regions: RegionTree, now: datetime
) -> bytes:
    """Assess wholly, store the prompt and the head it implies, and return the prompt as JSON.

    It takes a revision whether or not the head moved by time alone or by a doctor's write: that
    it did could be counted otherwise. The revision also keeps writers out until the commit.
    """
    rev = advance(connection, permit)
    profile = residents.profile(connection, vault, permit)
    held = shelf.opened(connection, vault, permit)
    after = levels.settle(
        connection, vault, permit, held, profile=profile, regions=regions, rev=rev, now=now
    )
    assessment = _assessed(held, profile, regions, now)
    text = document.spelled(levels.shown(assessment, after, automation=profile.automation))
    document.keep(connection, vault, permit, text, rev=rev, now=now, until=_until(after))
    return text


def switch(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    *,
    on: bool,
    regions: RegionTree,
    now: datetime,
) -> Brief:
    """Let levels be assessed, or not. On assesses at once, off leaves no level and no index."""
    profile, rev = residents.automate(connection, vault, permit, on=on)
    held = shelf.opened(connection, vault, permit)
    if rev is None:
        return head.brief(held.head, held.head)
    after = levels.settle(
        connection, vault, permit, held, profile=profile, regions=regions, rev=rev, now=now
    )
    store.drop(connection, permit.subject)
    return head.brief(after, held.head)


def _assessed(held: Shelf, profile: Profile, regions: RegionTree, now: datetime) -> Assessment:
    found = readings_of(held.frames.values())
    person = person_of(profile, found, regions)
    return levels.assessed(profile, person, found, now)


def _until(shown: Head) -> datetime | None:
    fall = shown.steady.pending
    return None if fall is None else fall.at


def what_if(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    values: Mapping[str, float | str],
    *,
    regions: RegionTree,
    now: datetime,
) -> bytes:
    """The prompt if these values (canonical units, checked before) were measured now."""
    person, found = readings(connection, vault, permit, regions=regions)
    return document.spelled(risk.what_if(person, found, values, now).as_prompt())


def readings(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    *,
    regions: RegionTree,
    profile: Profile | None = None,
) -> tuple[Person, Readings]:
    """Who is assessed, and the newest readings of the permit's classes within its window."""
    if profile is None:
        profile = residents.profile(connection, vault, permit)
    held = shelf.opened(connection, vault, permit)
    found = readings_of(held.frames.values(), permit.window)
    return person_of(profile, found, regions), found
