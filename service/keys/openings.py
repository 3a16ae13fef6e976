"""How many classes the vault opened for somebody other than their owner, and what became of it.

The vault counts the first opening of each class under each permit. Whoever writes the entry of a
look takes what its permit opened and writes the number into the entry; what was opened and told to
nobody (a card that is sealed again, a row that a list did not show) is kept back by name. Whatever
a transaction leaves over was opened without an entry: it is counted all the same, so the day's
openings exceed the day's entries, and the operator is alerted at once.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple
from uuid import UUID, uuid4

from consent.decision import Permit
from service.kit import metrics
from service.kit.clock import Clock, city_day
from service.kit.log import log

_MOST_DAYS = 2


class Tally(NamedTuple):
    """Of one process and day: classes opened for an entry or without one, and those kept back."""

    opened: int = 0
    kept_back: int = 0


class _Here(threading.local):
    """What the transaction of this thread has opened so far."""

    running: bool = False
    last: tuple[Permit | None, set[str]] = (None, set())

    def __init__(self) -> None:
        self.pending: dict[bytes, tuple[Permit, set[str]]] = {}
        self.taken: Counter[date] = Counter()
        self.kept_back: Counter[date] = Counter()


class Openings:
    """The ledger of one process. Its transactions report their beginning and their end to it."""

    def __init__(self, clock: Clock) -> None:
        self.process: UUID = uuid4()
        self._clock = clock
        self._here = _Here()
        self._lock = threading.Lock()
        self._opened: Counter[date] = Counter()
        self._kept_back: Counter[date] = Counter()

    def note(self, permit: Permit, slot: str) -> None:
        """A value of this class was opened under a permit that is not its owner's."""
        here = self._here
        known, slots = here.last
        if permit is known and slot in slots:
            return
        if not here.running:
            # Only a transaction that writes can keep an entry.
            self._count_unlogged({permit.seal: (permit, {slot})})
            return
        _, slots = here.pending.setdefault(permit.seal, (permit, set()))
        slots.add(slot)
        here.last = (permit, slots)

    def take(self, permit: Permit | None, day: date) -> int:
        """The number of classes that a permit opened, for its entry of this day to tell."""
        count = self._pop(permit)
        self._here.taken[day] += count
        return count

    def keep_back(self, permit: Permit | None) -> None:
        """What this permit opened is told to nobody."""
        self._here.kept_back[self._today()] += self._pop(permit)

    def tallies(self) -> Mapping[date, Tally]:
        """The tally of each recent day, with what the running transaction adds if it is kept."""
        here = self._here
        left = sum(len(slots) for _, slots in here.pending.values())
        with self._lock:
            opened, kept_back = self._opened + here.taken, self._kept_back + here.kept_back
        if left:
            opened[self._today()] += left
        days = sorted({*opened, *kept_back})[-_MOST_DAYS:]
        return {day: Tally(opened[day], kept_back[day]) for day in days}

    # -- what the transactions of a thread report ------------------------------------------------

    def begin(self) -> None:
        self._clear()
        self._here.running = True

    def keep(self) -> None:
        """The transaction is durable: what it took and kept back counts, the rest was unlogged."""
        here = self._here
        with self._lock:
            self._opened.update(here.taken)
            self._kept_back.update(here.kept_back)
        if here.pending:
            self._count_unlogged(here.pending)
        self._clear()

    def undo(self) -> None:
        """The transaction was undone: nothing it opened was told to anybody."""
        left = sum(len(slots) for _, slots in self._here.pending.values())
        undone = left + self._here.taken.total() + self._here.kept_back.total()
        if undone:
            with self._lock:
                self._kept_back[self._today()] += undone
        self._clear()

    def lose(self) -> None:
        """Nobody knows whether the transaction was kept, and with it the tally that it wrote.

        Tally and entries stand or fall together, so both are left to what the store says, and
        counting begins anew beside them: one ledger would overwrite a tally that was kept. What was
        opened without an entry since the last tally was told to the operator at once.
        """
        with self._lock:
            self.process = uuid4()
            self._opened.clear()
            self._kept_back.clear()
        self._clear()

    # -- inside ----------------------------------------------------------------------------------

    def _pop(self, permit: Permit | None) -> int:
        if permit is None:
            return 0
        here = self._here
        found = here.pending.pop(permit.seal, None)
        # A later value of the same permit begins a new count.
        here.last = (None, set())
        return 0 if found is None else len(found[1])

    def _clear(self) -> None:
        here = self._here
        here.running = False
        if here.pending or here.taken or here.kept_back:
            here.pending, here.taken, here.kept_back = {}, Counter(), Counter()
        here.last = (None, set())

    def _count_unlogged(self, left: Mapping[bytes, tuple[Permit, set[str]]]) -> None:
        count = sum(len(slots) for _, slots in left.values())
        with self._lock:
            self._opened[self._today()] += count
        metrics.unlogged_openings.inc(count)
        for permit, slots in left.values():
            log.error(
                "classes opened without an entry",
                actor_kind=permit.actor.kind.value,
                actor=permit.actor.id,
                purpose=permit.purpose.value,
                action=permit.action.value,
                count=len(slots),
            )

    def _today(self) -> date:
        return city_day(self._clock())
