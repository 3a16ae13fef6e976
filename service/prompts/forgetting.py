"""Taking one class out of everything that was derived from it, when its keys are destroyed.

The frames and the history are opened while their old keys still open, and sealed anew under new
ones. The class's own frame becomes the empty frame that everybody has from the first day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import DataClass
from service.domain.regions import RegionTree
from service.keys.vault import Vault
from service.prompts import history, levels, shelf, store, story
from service.prompts.frames import Frame
from service.prompts.shelf import Shelf
from service.prompts.store import Day
from service.residents.actions import Profile


@dataclass(frozen=True, slots=True)
class Opened:
    """What of the owner's documents stays, in the open for as long as one transaction lasts."""

    shelf: Shelf
    days: Sequence[tuple[Day, bytes]]


def opened(connection: Connection, vault: Vault, permit: Permit) -> Opened:
    """Everything derived, under the keys it lies under now. The owner's permit only."""
    found = store.history(connection, permit, history.EARLIEST, history.LATEST)
    days = [(day, history.opened(vault, permit, day)) for day in found]
    return Opened(shelf.opened(connection, vault, permit), days)


def put_back(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    held: Opened,
    *,
    without: DataClass,
    profile: Profile,
    regions: RegionTree,
    rev: int,
    now: datetime,
) -> None:
    """Seal it anew without one class: the level as it is now, and as it was known to be before."""
    resident = permit.subject
    for (filed_at, day, _), text in held.days:
        told = story.pack([_without(line, without) for line in story.unpack(text)])
        store.append(connection, resident, history.sealed(vault, permit, day, filed_at, told))
    if without in held.shelf.frames:
        held.shelf.frames[without] = Frame()
        held.shelf.changed.add(without)
    # What is held rests on what was known before, so the level is found anew.
    held.shelf.corrected.add(without)
    levels.settle(
        connection,
        vault,
        permit,
        held.shelf,
        profile=profile,
        regions=regions,
        rev=rev,
        now=now,
    )
    store.drop(connection, resident)


def _without(line: story.Line, data_class: DataClass) -> story.Line:
    return line if line.story is None else replace(line, story=line.story.without(data_class))
