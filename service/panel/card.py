"""A panel card: what one doctor sees of one resident at a glance, from the granted classes."""

import json
from collections.abc import Set
from dataclasses import dataclass, field, fields, replace
from datetime import date
from hashlib import sha256
from typing import Any

from consent.decision import Permit
from consent.vocabulary import DataClass
from service.domain.risk.stability import Steady
from service.prompts.head import spelled, steady_of

MOST_DUE = 5
"""Items that a card has room for beside the longest name."""
FRAME = 768
"""Every sealed card is of this size; the longest name fits."""


@dataclass(frozen=True, slots=True)
class Card:
    """`level` None means not enough data in the granted classes.

    `due` holds the first items that are due with their day, earliest first. `last_seen` is the
    day of the newest reading in those classes. `basis` names what the level rests on.
    """

    name: str
    birth_date: date
    sex: str
    level: int | None
    previous_level: int | None
    level_changed_on: date | None
    due: tuple[tuple[str, date], ...]
    last_seen: date | None
    basis: str
    made_on: date
    automation: bool = True
    """False: the resident switched automated levels off."""
    held: Steady = field(default_factory=Steady)
    """What is held of the level, of assessments under this very basis alone."""
    due_more: int = 0
    """How many more are due than `due` has room for."""

    @property
    def next_due(self) -> date | None:
        return self.due[0][1] if self.due else None

    def overdue(self, today: date) -> bool:
        return self.next_due is not None and self.next_due <= today

    @property
    def level_change(self) -> int | None:
        """Levels risen (positive, worse) or fallen at the last change; None without one."""
        if self.level is None or self.previous_level is None:
            return None
        return self.level - self.previous_level


def basis_of(permit: Permit) -> str:
    """The classes and days under which a level was found."""
    words = [*sorted(permit.classes), str(permit.window and tuple(permit.window))]
    return sha256(" ".join(words).encode()).hexdigest()[:16]


def held_of(before: Card | None, permit: Permit, corrected: Set[DataClass] = frozenset()) -> Steady:
    """What the card of before holds of the level for a permit; nothing where it could tell more.

    Under another basis it rests on what may be closed now, and after a correction in an open
    class on what was never so. Corrections are not known by their day, so within a window, where
    an end of the hold would tell of one outside, nothing is held.
    """
    if before is None or before.basis != basis_of(permit) or permit.window is not None:
        return Steady()
    return Steady() if corrected & permit.classes else before.held


def with_history(card: Card, before: Card | None) -> Card:
    """The card with the history of its level carried over from the one before.

    A level found on other classes is no earlier level of these, so a changed grant starts anew.
    """
    if before is None or before.basis != card.basis:
        return card
    if before.level == card.level:
        previous, changed_on = before.previous_level, before.level_changed_on
    else:
        previous, changed_on = before.level, card.made_on
    return replace(card, previous_level=previous, level_changed_on=changed_on)


def encode(card: Card) -> bytes:
    """The fields in their order; cards are many and short-lived, so they carry no names."""
    values = [getattr(card, one.name) for one in fields(Card)[:-2]]
    values += [spelled(card.held), card.due_more]
    text = json.dumps(values, default=date.isoformat, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def decode(text: bytes) -> Card:
    values: list[Any] = json.loads(text)
    name, born, sex, level, previous, changed_on, due, seen, basis, made_on, *more = values
    # Cards from before the switch tell nothing of it, and older ones hold nothing.
    automation = more[0] if more else True
    held = steady_of(*more[1]) if more[1:] else Steady()
    due_more = more[2] if more[2:] else 0
    return Card(
        name,
        date.fromisoformat(born),
        sex,
        level,
        previous,
        _day(changed_on),
        tuple((item, date.fromisoformat(on)) for item, on in due),
        _day(seen),
        basis,
        date.fromisoformat(made_on),
        automation,
        held,
        due_more,
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
