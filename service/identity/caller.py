"""Who is calling, as the edge proved it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from consent.request import Actor
from consent.vocabulary import ActorKind
from service.kit.errors import StepUpRequired
from service.kit.tokens import Claims

Audience = Literal["resident", "doctor", "city"]
CallerKind = Literal["resident", "practitioner", "city"]

STEP_UP = timedelta(minutes=5)
KINDS: dict[str, CallerKind] = {"resident": "resident", "doctor": "practitioner", "city": "city"}
AUDIENCES: dict[CallerKind, Audience] = {
    "resident": "resident",
    "practitioner": "doctor",
    "city": "city",
}
ACTORS = {
    "resident": ActorKind.RESIDENT,
    "practitioner": ActorKind.PRACTITIONER,
    "city": ActorKind.CITY,
}


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or machine with a valid token. `auth_time` is when they last proved themselves."""

    kind: CallerKind
    id: UUID
    auth_time: datetime
    acr: int
    scope: frozenset[str]
    family: UUID

    @classmethod
    def of(cls, claims: Claims) -> "Caller":
        kind = KINDS[claims.audience]
        return cls(kind, claims.subject, claims.auth_time, claims.acr, claims.scope, claims.family)

    @property
    def actor(self) -> Actor:
        """The caller as a consent request names them."""
        return Actor(ACTORS[self.kind], str(self.id), self.acr)

    def stepped_up(self, now: datetime) -> bool:
        """Whether the password was given within the last five minutes (a refresh is no proof)."""
        return now - self.auth_time <= STEP_UP

    def require_step_up(self, now: datetime) -> None:
        if not self.stepped_up(now):
            raise StepUpRequired


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who sent a good token, of which nobody has asked yet whether it was revoked.

    For doors that do nothing but look through `service.api.gate`: the look asks, in its own
    transaction, before it decides.
    """

    unasked: Caller
