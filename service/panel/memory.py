"""Rows of panels that were opened a moment ago, so that turning a page opens nothing again.

A row is remembered for as long as its permit is good (five minutes at most) and is used again
only for the very same sealed card, in a moment in which neither records nor consent have moved
since that card was made. A withdrawal moves consent, so it wins over what is remembered here.
Comparing the sealed bytes, which no two sealings share, also keeps a row out that was read in a
transaction that was undone. With another post nothing is used again: a move does not find the card
that a look is just making.

What is over or forgotten is also let go of, because it is a name, a birth date and a level.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from consent.grant import Grantee
from service.keys.vault import Vault
from service.panel.order import Row
from service.panel.store import Slot

PANELS = 64
"""Panels remembered at most; the one looked at longest ago goes first."""


class Remembered(NamedTuple):
    """`grantees` are the names under which the practitioner was let see the row."""

    grantees: tuple[Grantee, ...]
    sealed_card: bytes
    row: Row


class Memory:
    """What one process remembers. Rows are asked for and kept by the writing thread alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._panels: OrderedDict[UUID, dict[UUID, Remembered]] = OrderedDict()

    def row(
        self, practitioner: UUID, grantees: tuple[Grantee, ...], slot: Slot, now: datetime
    ) -> Row | None:
        """The row of a slot, when everything it rests on is as it was."""
        found = self._panels.get(practitioner, {}).get(slot.resident_id)
        if found is None or not slot.current:
            return None
        if (found.grantees, found.sealed_card) != (grantees, slot.sealed_card):
            return None
        return found.row if _good(found, now) else None

    def keep(self, practitioner: UUID, rows: dict[UUID, Remembered]) -> None:
        """Remember exactly these rows of a panel, which nobody changes any more."""
        with self._lock:
            self._panels[practitioner] = rows
            self._panels.move_to_end(practitioner)
            while len(self._panels) > PANELS:
                self._panels.popitem(last=False)

    def sweep(self, now: datetime) -> None:
        """Let go of every row whose permit is over."""
        self._leave(lambda _, one: _good(one, now))

    def forget(self, resident: UUID) -> None:
        """Let go of a resident on every panel."""
        self._leave(lambda who, _: who != resident)

    def _leave(self, stays: Callable[[UUID, Remembered], bool]) -> None:
        with self._lock:
            for practitioner, rows in list(self._panels.items()):
                rest = {who: one for who, one in rows.items() if stays(who, one)}
                if not rest:
                    del self._panels[practitioner]
                elif len(rest) < len(rows):
                    # Never changed in place, because the writing thread looks without the lock.
                    self._panels[practitioner] = rest


def _good(one: Remembered, now: datetime) -> bool:
    permit = one.row.decision.permit
    return permit is not None and now < permit.expires_at


_memories: "WeakKeyDictionary[Vault, Memory]" = WeakKeyDictionary()
_first = threading.Lock()


def memory_of(vault: Vault) -> Memory:
    """The memory that lives as long as this vault, and forgets whom it forgets."""
    with _first:
        found = _memories.get(vault)
        if found is None:
            found = _memories[vault] = Memory()
            vault.when_forgetting(found.forget)
        return found
