"""Rows of panels that were opened a moment ago, so that turning a page opens nothing again.

A row is remembered for as long as its permit is good (five minutes at most) and is used again
only for the very same sealed card, in a moment in which neither records nor consent have moved
since that card was made. A withdrawal moves consent, so it wins over what is remembered here.
Comparing the sealed bytes, which no two sealings share, also keeps a row out that was read in a
transaction that was undone.
"""

from collections import OrderedDict
from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from service.keys.vault import Vault
from service.panel.order import Row
from service.panel.store import Slot

PANELS = 64
"""Panels remembered at most; the one looked at longest ago goes first."""


class Remembered(NamedTuple):
    sealed_card: bytes
    row: Row


class Memory:
    """What one process remembers. Used by the writing thread alone."""

    def __init__(self) -> None:
        self._panels: OrderedDict[UUID, dict[UUID, Remembered]] = OrderedDict()

    def row(self, practitioner: UUID, slot: Slot, now: datetime) -> Row | None:
        """The row of a slot, when everything it rests on is as it was."""
        found = self._panels.get(practitioner, {}).get(slot.resident_id)
        if found is None or not slot.current or found.sealed_card != slot.sealed_card:
            return None
        permit = found.row.decision.permit
        return found.row if permit is not None and now < permit.expires_at else None

    def keep(self, practitioner: UUID, rows: dict[UUID, Remembered]) -> None:
        """Remember exactly these rows of a panel."""
        self._panels[practitioner] = rows
        self._panels.move_to_end(practitioner)
        while len(self._panels) > PANELS:
            self._panels.popitem(last=False)


_memories: "WeakKeyDictionary[Vault, Memory]" = WeakKeyDictionary()


def memory_of(vault: Vault) -> Memory:
    """The memory that lives as long as this vault."""
    return _memories.setdefault(vault, Memory())
