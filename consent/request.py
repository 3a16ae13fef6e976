"""What is asked, by whom, and the facts it is judged on."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from consent.instant import in_utc
from consent.vocabulary import Action, ActorKind, DataClass, Purpose
from consent.window import Window

SubjectStatus = Literal["active", "erased", "unknown"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking. A resident's or practitioner's `id` is the UUID as lower-case text.

    `acr` says how well they proved who they are: 1 password, 2 second factor or passkey.
    A practitioner works for one `clinic` (its UUID as lower-case text) in some `roles` there, plain
    words such as `nurse`.
    """

    kind: ActorKind
    id: str
    acr: int = 1
    clinic: str | None = None
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One wish to use one person's data for one purpose.

    `unknown` carries every word of the wish that the vocabulary does not have; one such word is
    enough to refuse all of it. `window` asks for these days of observation only, None for any.
    """

    actor: Actor
    subject: UUID
    purpose: Purpose
    action: Action
    classes: frozenset[DataClass]
    unknown: tuple[str, ...] = ()
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the service knows about subject and asker at this moment, read in one transaction.

    `revision` is the subject's consent revision, `stepped_up` whether the caller proved themselves
    again within five minutes, `deny_all` whether the subject shut everybody else out.
    `contract_in_force` is about the asking practitioner, `clinic_contract` about any practitioner
    of the asker's clinic. `guardians` are ids of residents; `minor_until` is the instant from which
    the subject decides alone (see `consent.life`), None for somebody who is no child.
    `emergency_since` is when the asker opened break-glass on this subject, None when they did not
    or closed it; `emergency_refused` is the subject's "not even in an emergency".
    `emergency_opening` is true when break-glass is about to be opened, and nobody looks yet;
    `emergency_ended` is when the subject last ended a session of the asker, or of anybody who
    opened it for the asker's clinic, and did not allow emergencies anew since.
    Instants are kept in UTC; a naive one raises ValueError.
    """

    subject_status: SubjectStatus
    revision: int
    contract_in_force: bool
    stepped_up: bool
    deny_all: bool
    clinic_contract: bool = False
    guardians: frozenset[str] = frozenset()
    minor_until: datetime | None = None
    emergency_since: datetime | None = None
    emergency_refused: bool = False
    emergency_opening: bool = False
    emergency_ended: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("minor_until", "emergency_since", "emergency_ended"):
            instant = getattr(self, name)
            if instant is not None and instant.tzinfo is not UTC:
                object.__setattr__(self, name, in_utc(instant, "the facts"))
