"""Taking one class out of everything that was derived from it, when its keys are destroyed.

The frames and the history are opened while their old keys still open, and sealed anew under new
ones. The class's own frame becomes the empty frame that everybody has from the first day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import DataClass
from service.domain.regions import RegionTree
from service.keys.vault import Vault
from service.kit.sealed import Sealed
from service.prompts import history, shelf, store
from service.prompts.actions import level_of
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
        place = store.line_place(resident, line.day, line.rev)
        sealed = vault.seal_owner(permit, place, text, frame=history.FRAME)
        store.append(connection, resident, line._replace(sealed=sealed.data))
    if without in held.shelf.frames:
        held.shelf.frames[without] = Frame()
        held.shelf.changed.add(without)
    slots = held.shelf.slots(rev)
    head = level_of(held.shelf, profile, regions, now)
    slots.append(shelf.sealed_head(vault, permit, head, rev))
    store.file(connection, resident, slots)
    if head is not held.shelf.head:
        history.append(connection, vault, permit, head, rev, now)
    store.drop(connection, resident)
