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
from service.kit.sealed import Sealed
from service.prompts import history, levels, shelf, store, story
from service.prompts.frames import Frame
from service.prompts.shelf import Shelf
from service.prompts.store import Line
from service.residents.actions import Profile


@dataclass(frozen=True, slots=True)
class Opened:
    """What of the owner's documents stays, in the open for as long as one transaction lasts."""

    shelf: Shelf
    lines: Sequence[tuple[Line, bytes]]


def opened(connection: Connection, vault: Vault, permit: Permit) -> Opened:
    """Everything derived, under the keys it lies under now. The owner's permit only."""
    lines = []
    for line in store.history(connection, permit, history.EARLIEST, history.LATEST):
        place = store.line_place(permit.subject, line.day, line.rev)
        lines.append((line, vault.open_owner(Sealed(line.sealed, place), permit)))
    return Opened(shelf.opened(connection, vault, permit), lines)


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
    for line, text in held.lines:
        told = story.pack(_without(story.unpack(text), without))
        store.append(connection, resident, history.sealed(vault, permit, line.day, line.rev, told))
    if without in held.shelf.frames:
        held.shelf.frames[without] = Frame()
        held.shelf.changed.add(without)
    slots = held.shelf.slots(rev)
    # What is held rests on what was known before, so the level is found anew.
    held.shelf.corrected.add(without)
    head = levels.level_of(held.shelf, profile, regions, now)
    slots += levels.keep(
        connection,
        vault,
        permit,
        held.shelf,
        head,
        profile=profile,
        regions=regions,
        rev=rev,
        now=now,
    )
    store.file(connection, resident, slots)
    store.drop(connection, resident)


def _without(line: story.Line, data_class: DataClass) -> story.Line:
    return line if line.story is None else replace(line, story=line.story.without(data_class))
