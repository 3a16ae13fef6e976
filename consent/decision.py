"""What a decision says, and the Permit: the capability without which no sealed value opens."""

import marshal
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from hmac import compare_digest
from typing import NoReturn, final
from uuid import UUID

from consent import signet
from consent.request import Actor
from consent.vocabulary import Action, ActorKind, DataClass, Purpose, Text
from consent.window import Window as Window

LOG_BEFORE_REVEAL = "log-before-reveal"
"""Obligation: an entry in the subject's access log is durable before anything is shown."""

SPEND_USE = "spend-use"
"""Obligation: one use of the decision's grant is taken off, in the same transaction."""

NOTIFY_SUBJECT = "notify-subject"
"""Obligation: the subject is told at once that somebody looked without being asked."""

REVIEW = "review"
"""Obligation: somebody is made to look into it afterwards, with the reason that was given."""


class PermitInvalid(Exception):
    """Base of what can be wrong with a permit."""


class PermitForged(PermitInvalid):
    """The seal does not fit: not made by `decide` in this process, or changed since."""


class PermitExpired(PermitInvalid):
    """The permit was good and its time is over."""


_BIT = {data_class: 1 << place for place, data_class in enumerate(DataClass)}
_KIND, _PURPOSE, _ACTION = (
    {word: place for place, word in enumerate(words)} for words in (ActorKind, Purpose, Action)
)


@lru_cache(maxsize=2048)
def _bits(classes: frozenset[DataClass]) -> int:
    if type(classes) is not frozenset:
        raise TypeError("the classes of a permit are a frozenset")
    return sum(_BIT[data_class] for data_class in classes)


def scope_bytes(
    subject: UUID,
    actor: Actor,
    classes: frozenset[DataClass],
    purpose: Purpose,
    action: Action,
    grant: UUID | None,
    rule: str,
    owner: bool,
    window: Window | None,
) -> bytes:
    """What a permit opens to whom and why, as bytes: scopes that differ anywhere differ here.

    `marshal` marks type and length of each part, so no field runs into the next, and takes plain
    types only. Its version 2 has no back references: equal values give equal bytes. The bytes are
    never read back and never leave the process.
    """
    parts = (
        subject.int,
        _KIND[actor.kind],
        actor.id,
        actor.acr,
        actor.clinic,
        tuple(sorted(actor.roles)) if actor.roles else (),
        _bits(classes),
        _PURPOSE[purpose],
        _ACTION[action],
        None if grant is None else grant.int,
        rule,
        owner,
        None if window is None else (_ordinal(window.first), _ordinal(window.last)),
    )
    return marshal.dumps(parts, 2)


def moment_bytes(revision: int, expires_at: datetime) -> bytes:
    """The rest of a permit, which is new each time. A scope says itself where it ends."""
    return marshal.dumps((revision, expires_at.timestamp()), 2)


def _ordinal(day: date | None) -> int | None:
    return None if day is None else day.toordinal()


@final
@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to use `classes` of one subject, for one purpose and action, until `expires_at`.

    Made by `consent.decide.decide` and by nothing else: making one by hand, `dataclasses.replace`
    and subclassing fail at once, and `verify` finds whatever was changed by force. `owner` is True
    for the subject and for the guardian of a child. `window` None means observations of any day.
    `revision` is the consent revision the decision saw; every data statement joins on it.
    """

    subject: UUID
    actor: Actor
    classes: frozenset[DataClass]
    purpose: Purpose
    action: Action
    grant: UUID | None
    rule: str
    owner: bool
    window: Window | None
    revision: int
    expires_at: datetime
    seal: bytes = field(repr=False)

    def __post_init__(self) -> None:
        self._check_seal()

    def verify(self, now: datetime | None = None) -> None:
        """Raise unless genuine, unchanged and in time at `now`; None asks the system clock."""
        self._check_seal()
        if (datetime.now(UTC) if now is None else now) >= self.expires_at:
            raise PermitExpired("the permit has expired")

    def _check_seal(self) -> None:
        try:
            scope = scope_bytes(
                self.subject,
                self.actor,
                self.classes,
                self.purpose,
                self.action,
                self.grant,
                self.rule,
                self.owner,
                self.window,
            )
            expected = signet.press(scope + moment_bytes(self.revision, self.expires_at))
        except (AttributeError, KeyError, TypeError, ValueError) as odd:
            raise PermitForged("the permit holds something that is no permit field") from odd
        if type(self.seal) is not bytes or not compare_digest(expected, self.seal):
            raise PermitForged("the seal does not fit the permit")

    def __copy__(self) -> "Permit":
        return self

    def __deepcopy__(self, memo: object) -> "Permit":
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a permit is never stored and never leaves its process")

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("a permit has no other kinds")


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request.

    `rule` and `sentence` say why. `classes` are those permitted, `withheld` names for each class
    asked for and not permitted the rule that closed it. `grant` is the grant the permission rests
    on. `permit` is there exactly when `allow` is True.
    """

    allow: bool
    rule: str
    sentence: Text
    grant: UUID | None
    revision: int
    classes: frozenset[DataClass]
    withheld: Mapping[DataClass, str]
    window: Window | None
    obligations: frozenset[str]
    permit: Permit | None
