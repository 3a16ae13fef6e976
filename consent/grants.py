"""All grants of one resident, indexed by whom they name, and what they open.

Made once when the rows are opened and kept beside them: it never changes, because grants do not.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from consent.conditions import Claim
from consent.decision import LOG_BEFORE_REVEAL, SPEND_USE, scope_bytes
from consent.grant import Grant, names_of
from consent.offers import Offer, about, next_denial, weigh
from consent.request import AccessRequest, Facts
from consent.rules import GRANTED, MISSES
from consent.vocabulary import DataClass, GranteeKind
from consent.window import ALL_DAYS, Window

NO_OBLIGATIONS: frozenset[str] = frozenset()
LOGGED = frozenset({LOG_BEFORE_REVEAL})
LOGGED_AND_SPENT = frozenset({LOG_BEFORE_REVEAL, SPEND_USE})
NO_CLASSES: frozenset[DataClass] = frozenset()
MOST_REMEMBERED = 64
_EVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Opening(NamedTuple):
    """What grants open for one claim, from `since` until before `until`, and by which rule.

    `grant` is None when they open nothing: then `rule` says why. `expires_at` is when the first
    of the grants it rests on ends or a deny begins, None for an open end. `scope` is what a permit
    on it seals, and worth nothing without the seal.
    """

    since: datetime
    until: datetime
    rule: str
    grant: UUID | None
    classes: frozenset[DataClass]
    withheld: Mapping[DataClass, str]
    window: Window | None
    obligations: frozenset[str]
    expires_at: datetime | None
    scope: bytes


class Grants:
    """An immutable collection of grants that knows at once which of them name an asker."""

    __slots__ = ("_all", "_naming", "_openings")

    def __init__(self, grants: Iterable[Grant] = ()) -> None:
        self._all = tuple(grants)
        naming: defaultdict[tuple[GranteeKind, str], list[Grant]] = defaultdict(list)
        for grant in self._all:
            naming[grant.grantee.kind, grant.grantee.id].append(grant)
        self._naming = dict(naming)
        self._openings: dict[tuple[object, ...], Opening] = {}

    def __iter__(self) -> Iterator[Grant]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def about(self, request: AccessRequest) -> list[Grant]:
        """The grants that name the asker, the purpose and the action of a request."""
        return [
            grant
            for name in names_of(request.actor)
            for grant in self._naming.get(name, ())
            if about(grant, request.purpose, request.action)
        ]

    def opening(self, request: AccessRequest, facts: Facts, now: datetime) -> Opening:
        """What the grants open for a request.

        The answer is remembered under everything it was made from but the time, and given again
        only inside the stretch of time in which no grant about the request begins or ends.
        """
        actor = request.actor
        key = (
            request.subject.int,
            actor.kind,
            actor.id,
            actor.acr,
            actor.clinic,
            actor.roles,
            request.purpose,
            request.action,
            request.classes,
            request.window,
            facts.contract_in_force,
            facts.clinic_contract,
        )
        found = self._openings.get(key)
        if found is None or not found.since <= now < found.until:
            found = self._opened(request, facts, now)
            if len(self._openings) >= MOST_REMEMBERED:
                self._openings.clear()
            self._openings[key] = found
        return found

    def _opened(self, request: AccessRequest, facts: Facts, now: datetime) -> Opening:
        claim = Claim(
            request.purpose,
            request.action,
            request.classes,
            request.window or ALL_DAYS,
            facts.contract_in_force,
            facts.clinic_contract,
        )
        mine = self.about(request)
        best, withheld = weigh(claim, mine, now)
        since, until = _unchanged(mine, now)
        closed = MappingProxyType(withheld)
        if best is None:
            rule = max(withheld.values(), key=MISSES.index)
            return Opening(
                since, until, rule, None, NO_CLASSES, closed, None, NO_OBLIGATIONS, None, b""
            )
        rule, grant = _rule(claim, best), best.grant.id
        window = None if best.window == ALL_DAYS else best.window
        return Opening(
            since,
            until,
            rule,
            grant,
            best.classes,
            closed,
            window,
            LOGGED_AND_SPENT if best.limited else LOGGED,
            min(filter(None, (best.until, next_denial(mine, now))), default=None),
            scope_bytes(
                request.subject,
                request.actor,
                best.classes,
                request.purpose,
                request.action,
                grant,
                rule,
                False,
                window,
            ),
        )


def _rule(claim: Claim, offer: Offer) -> str:
    return next(rule.id for rule in GRANTED if rule.applies(claim, offer.grant))


def _unchanged(mine: list[Grant], now: datetime) -> tuple[datetime, datetime]:
    """The stretch of time around `now` in which none of the grants begins or ends."""
    turns = [
        turn
        for grant in mine
        for turn in (grant.valid_from, grant.valid_until, grant.outdated_from)
        if turn is not None
    ]
    first, last = _EVER
    return (
        max([turn for turn in turns if turn <= now], default=first),
        min([turn for turn in turns if turn > now], default=last),
    )
