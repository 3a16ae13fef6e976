"""What a resident's grants open together for one request.

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

from consent.conditions import Case
from consent.grant import Grant, grantees_of
from consent.rules import ANOTHER_GRANT, EXPLICIT_DENY, MISSES, OF_GRANT, SEPARATE_CONSENT
from consent.vocabulary import DataClass, Purpose
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

    def add(self, other: "Offer") -> None:
        """Take in another offer of the same days; the grant named is the one that brings most."""
        self.classes |= other.classes
        if (-other.most, other.grant.id.int) < (-self.most, self.grant.id.int):
            self.grant, self.most = other.grant, other.most
        if other.until is not None and (self.until is None or other.until < self.until):
            self.until = other.until

    def merit(self) -> tuple[int, int, bool, int]:
        return len(self.classes), self.window.days, not self.limited, -self.grant.id.int


class Weighed(NamedTuple):
    """The offer to take, if any, and the rule that closes each class it leaves closed."""

    best: Offer | None
    withheld: dict[DataClass, str]


def weigh(case: Case, grants: Iterable[Grant]) -> Weighed:
    mine = naming_asker(case, grants)
    denied = denied_of(case, mine)
    offers, nearest = _offers(case, mine, case.request.classes - denied)
    best = max(offers, key=Offer.merit, default=None)
    offered = NO_CLASSES.union(*[offer.classes for offer in offers])
    withheld: dict[DataClass, str] = {}
    for data_class in case.request.classes - (best.classes if best else NO_CLASSES):
        if data_class in denied:
            withheld[data_class] = EXPLICIT_DENY.id
        elif data_class in offered:
            withheld[data_class] = ANOTHER_GRANT.id
        else:
            withheld[data_class] = MISSES[nearest.get(data_class, 0)]
    return Weighed(best, withheld)


def naming_asker(case: Case, grants: Iterable[Grant]) -> list[Grant]:
    """The grants to this very asker for this purpose and action; a deny may leave both open."""
    request = case.request
    names = grantees_of(request.actor)
    purpose, action = request.purpose, request.action
    return [
        grant
        for grant in grants
        if grant.grantee in names
        and (purpose in grant.purposes or (grant.deny and _denied_purpose(grant, purpose)))
        and (action in grant.actions or (grant.deny and not grant.actions))
    ]


def _denied_purpose(deny: Grant, purpose: Purpose) -> bool:
    """Whether a deny that does not name the purpose closes it all the same.

    An emergency is care without a contract: who is denied care is denied it then, too.
    """
    if not deny.purposes:
        return True
    return purpose is Purpose.EMERGENCY and Purpose.CARE in deny.purposes


def denied_of(case: Case, mine: Iterable[Grant]) -> frozenset[DataClass]:
    """The classes that some deny in force closes to the asker."""
    denied = NO_CLASSES
    for grant in mine:
        if grant.deny and _in_force(case, grant):
            denied |= EXPLICIT_DENY.applies(grant)
    return denied


def _in_force(case: Case, deny: Grant) -> bool:
    # The uses a deny might count are not looked at: nothing but time and its giver ends a deny.
    return deny.withdrawn_at is None and deny.begun(case.now) and not deny.ended(case.now)


def _offers(
    case: Case, mine: list[Grant], asked: frozenset[DataClass]
) -> tuple[list[Offer], dict[DataClass, int]]:
    """What the grants offer, and for each class how near the nearest grant came (see MISSES)."""
    offers: dict[tuple[Window, UUID | None], Offer] = {}
    nearest: dict[DataClass, int] = {}
    for grant in mine:
        named = asked & grant.data_classes
        if grant.deny or not named:
            continue
        stop = _stop(case, grant)
        closed = named if stop else named & SEPARATE_CONSENT.applies(grant)
        if closed:
            place = MISSES.index(stop or SEPARATE_CONSENT.id)
            nearest.update({c: place for c in closed if nearest.get(c, 0) < place})
        if opened := named - closed:
            _collect(offers, case, grant, opened)
    return list(offers.values()), nearest


def _stop(case: Case, grant: Grant) -> str | None:
    for rule in OF_GRANT:
        if rule.applies(case, grant):
            return rule.id
    return None


def _collect(
    offers: dict[tuple[Window, UUID | None], Offer],
    case: Case,
    grant: Grant,
    opened: frozenset[DataClass],
) -> None:
    limited = grant.uses_left is not None
    window = case.window.overlap(grant.window)
    offer = Offer(window, limited, opened, grant, len(opened), _end(grant))
    key = (window, grant.id if limited else None)
    if key in offers:
        offers[key].add(offer)
    else:
        offers[key] = offer


def _end(grant: Grant) -> datetime | None:
    """When a grant that holds now stops holding: its own end, or that of its notice."""
    ends = [end for end in (grant.valid_until, grant.outdated_from) if end is not None]
    return min(ends, default=None)
