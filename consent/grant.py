"""A grant: who lets whom do what with which classes, for what, over which days, until when.

A grant lists everything it allows by name, so a class, purpose or action invented later never
widens it. Instants are kept in UTC; a grant with a naive one cannot be made.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal
from uuid import UUID

from consent.instant import in_utc
from consent.request import Actor
from consent.vocabulary import Action, ActorKind, DataClass, GranteeKind, Purpose
from consent.window import Window

GrantStatus = Literal["active", "not-yet-valid", "expired", "outdated", "withdrawn", "used-up"]

BY_RESIDENT = "resident"
BY_CONTRACT = "care-contract"
"""Where a grant comes from. One that is not plainly the resident's own ends with the contract."""

STATISTICS_SERVICE = "statistics"
"""Id of the one service that may count residents; see the rule `statistics-grant`."""


@dataclass(frozen=True, slots=True)
class Grantee:
    """Who receives the grant.

    `id` is the UUID of a practitioner or of a clinic as lower-case text, the name of a service, or
    for a role `"<clinic>:<role>"`.
    """

    kind: GranteeKind
    id: str


def names_of(actor: Actor) -> tuple[tuple[GranteeKind, str], ...]:
    """Everything an actor is named as in grants; empty for those who can never hold one."""
    if actor.kind is ActorKind.SERVICE:
        return ((GranteeKind.SERVICE, actor.id),)
    if actor.kind is not ActorKind.PRACTITIONER:
        return ()
    own = (GranteeKind.PRACTITIONER, actor.id)
    if actor.clinic is None:
        return (own,)
    roles = [(GranteeKind.ROLE, f"{actor.clinic}:{role}") for role in sorted(actor.roles)]
    return (own, (GranteeKind.CLINIC, actor.clinic), *roles)


def grantees_of(actor: Actor) -> tuple[Grantee, ...]:
    """The names of an actor as grantees, for those who look up the grants that name them."""
    return tuple(Grantee(kind, id_) for kind, id_ in names_of(actor))


@dataclass(frozen=True, slots=True)
class Notice:
    """The exact text the resident read before agreeing; `sha256` is lower-case hex of its bytes."""

    id: str
    version: str
    language: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Grant:
    """One agreement of one resident with one grantee.

    `separate_consent` holds the sensitive classes agreed to one by one (PIPL article 29); a
    sensitive class outside it stays closed even when `data_classes` names it. `uses_left` None
    means as often as needed. `observations_from` and `observations_to` are days, both included.
    `outdated_from` is the instant from which a changed notice needs a new consent; None while the
    notice agreed to is the one that counts.

    With `deny` the grant closes instead of opening. A deny errs on the closing side: an empty list
    of purposes, actions or classes means all of them, and its observation days are not looked at.
    """

    id: UUID
    version: int
    grantee: Grantee
    purposes: frozenset[Purpose]
    data_classes: frozenset[DataClass]
    actions: frozenset[Action]
    observations_from: date | None
    observations_to: date | None
    valid_from: datetime
    valid_until: datetime | None
    separate_consent: frozenset[DataClass] = frozenset()
    uses_left: int | None = None
    deny: bool = False
    notice: Notice | None = None
    withdrawn_at: datetime | None = None
    basis: str = BY_RESIDENT
    outdated_from: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("valid_from", "valid_until", "withdrawn_at", "outdated_from"):
            instant = getattr(self, name)
            if instant is not None and instant.tzinfo is not UTC:
                object.__setattr__(self, name, in_utc(instant, "a grant"))

    @property
    def window(self) -> Window:
        return Window(self.observations_from, self.observations_to)

    @property
    def ends_at(self) -> datetime | None:
        """When a grant that holds stops holding: at its own end or at that of its notice."""
        until, outdated = self.valid_until, self.outdated_from
        if until is None or outdated is None:
            return until or outdated
        return min(until, outdated)

    def begun(self, now: datetime) -> bool:
        return self.valid_from <= now

    def ended(self, now: datetime) -> bool:
        """True from the very instant `valid_until` on."""
        return self.valid_until is not None and self.valid_until <= now

    def outdated(self, now: datetime) -> bool:
        """True from the very instant on at which a changed notice took the place of this one."""
        return self.outdated_from is not None and self.outdated_from <= now

    def status(self, now: datetime) -> GrantStatus:
        """How the grant stands. A withdrawal counts at once, whatever the clock that stamped it."""
        if self.withdrawn_at is not None:
            return "withdrawn"
        if self.ended(now):
            return "expired"
        if not self.begun(now):
            return "not-yet-valid"
        if self.outdated(now):
            return "outdated"
        if self.uses_left is not None and self.uses_left <= 0:
            return "used-up"
        return "active"
