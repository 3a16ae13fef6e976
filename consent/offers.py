"""What a resident's grants open together for one claim.

Kept simple enough to check by eye:

1. Every deny in force that names the asker, the purpose and the action is taken off what was asked.
   An asker is named by their own id, their clinic, or a role in it.
2. Every other grant that holds now is an offer: the classes it opens, and its days of observation
   narrowed to the days asked for. Offers of the very same days are added together, because one
   permit has one window. A grant of limited uses is never added to another, because each use is
   taken off the one grant the permit names.
3. The offer of most classes is taken; of equals the one of more days, then one without limited
   uses, then the one naming the lowest grant id. What only the others would have opened is
   withheld under `another-grant`, and opens when it is asked for alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from consent.conditions import Claim, days_in_common
from consent.grant import Grant
from consent.rules import ANOTHER_GRANT, EXPLICIT_DENY, MISSES, OF_GRANT, SEPARATE_CONSENT
from consent.vocabulary import Action, DataClass, Purpose
from consent.window import Window

NO_CLASSES: frozenset[DataClass] = frozenset()


@dataclass(slots=True)
class Offer:
    """What one grant, or several over the same days, would open until `until` (None: open end)."""

    window: Window
    limited: bool
    classes: frozenset[DataClass]
    grant: Grant
    most: int
    until: datetime | None

    def add(self, grant: Grant, opened: frozenset[DataClass], until: datetime | None) -> None:
        """Take in a grant of the same days; the grant named is the one that brings most."""
        self.classes |= opened
        brings = len(opened)
        if brings > self.most or (brings == self.most and grant.id.int < self.grant.id.int):
            self.grant, self.most = grant, brings
        if until is not None and (self.until is None or until < self.until):
            self.until = until

    def merit(self) -> tuple[int, int, bool, int]:
        return len(self.classes), self.window.days, not self.limited, -self.grant.id.int


class Weighed(NamedTuple):
    """The offer to take, if any, and the rule that closes each class it leaves closed."""

    best: Offer | None
    withheld: dict[DataClass, str]


def weigh(claim: Claim, mine: list[Grant], now: datetime) -> Weighed:
    """Weigh `mine`, the grants that are about this claim (see `about`)."""
    denied = denied_of(mine, now)
    offers, nearest = _offers(claim, mine, claim.classes - denied, now)
    best = max(offers, key=Offer.merit, default=None)
    offered = NO_CLASSES.union(*[offer.classes for offer in offers])
    withheld: dict[DataClass, str] = {}
    for data_class in claim.classes - (best.classes if best else NO_CLASSES):
        if data_class in denied:
            withheld[data_class] = EXPLICIT_DENY.id
        elif data_class in offered:
            withheld[data_class] = ANOTHER_GRANT.id
        else:
            withheld[data_class] = MISSES[nearest.get(data_class, 0)]
    return Weighed(best, withheld)


def about(grant: Grant, purpose: Purpose, action: Action) -> bool:
    """Whether a grant is about this purpose and action; a deny may leave both open."""
    if not grant.deny:
        return purpose in grant.purposes and action in grant.actions
    return _denied_purpose(grant, purpose) and (not grant.actions or action in grant.actions)


def _denied_purpose(deny: Grant, purpose: Purpose) -> bool:
    if not deny.purposes or purpose in deny.purposes:
        return True
    # An emergency is care without a contract: who is denied care is denied it then, too.
    return purpose is Purpose.EMERGENCY and Purpose.CARE in deny.purposes


def denied_of(mine: Iterable[Grant], now: datetime) -> frozenset[DataClass]:
    """The classes that some deny in force closes to the asker."""
    denied = NO_CLASSES
    for grant in mine:
        if grant.deny and _in_force(grant, now):
            denied |= EXPLICIT_DENY.applies(grant)
    return denied


def next_denial(mine: Iterable[Grant], now: datetime) -> datetime | None:
    """When the next deny among these begins; None when none is to come."""
    coming = (one for one in mine if one.deny and one.withdrawn_at is None and not one.begun(now))
    return min((one.valid_from for one in coming), default=None)


def _in_force(deny: Grant, now: datetime) -> bool:
    # The uses a deny might count are not looked at: nothing but time and its giver ends a deny.
    return deny.withdrawn_at is None and deny.begun(now) and not deny.ended(now)


def _offers(
    claim: Claim, mine: list[Grant], asked: frozenset[DataClass], now: datetime
) -> tuple[list[Offer], dict[DataClass, int]]:
    """What the grants offer, and for each class how near the nearest grant came (see MISSES)."""
    offers: dict[tuple[Window, UUID | None], Offer] = {}
    nearest: dict[DataClass, int] = {}
    for grant in mine:
        named = asked & grant.data_classes
        if grant.deny or not named:
            continue
        stop = _stop(claim, grant, now)
        closed = named if stop else named & SEPARATE_CONSENT.applies(grant)
        if closed:
            place = MISSES.index(stop or SEPARATE_CONSENT.id)
            nearest.update({c: place for c in closed if nearest.get(c, 0) < place})
        if opened := named - closed:
            _collect(offers, claim, grant, opened)
    return list(offers.values()), nearest


def _stop(claim: Claim, grant: Grant, now: datetime) -> str | None:
    for rule in OF_GRANT:
        if rule.applies(claim, grant, now):
            return rule.id
    return None


def _collect(
    offers: dict[tuple[Window, UUID | None], Offer],
    claim: Claim,
    grant: Grant,
    opened: frozenset[DataClass],
) -> None:
    window, until = days_in_common(claim, grant), grant.ends_at
    limited = grant.uses_left is not None
    key = (window, grant.id if limited else None)
    if known := offers.get(key):
        known.add(grant, opened, until)
    else:
        offers[key] = Offer(window, limited, opened, grant, len(opened), until)
