"""What is asked, by whom, and the facts it is judged on."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from consent.vocabulary import Action, ActorKind, DataClass, Purpose
from consent.window import Window

SubjectStatus = Literal["active", "erased", "unknown"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking. A resident's or practitioner's `id` is the UUID as lower-case text.

    `acr` says how well they proved who they are: 1 password, 2 second factor or passkey.
    """

    kind: ActorKind
    id: str
    acr: int = 1


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
    """What the service knows about the subject at this moment, read in one transaction.

    `revision` is the subject's consent revision, `contract_in_force` whether the asking
    practitioner is signed with the subject, `stepped_up` whether the caller proved themselves
    again within five minutes, `deny_all` whether the subject shut everybody else out.
    """

    subject_status: SubjectStatus
    revision: int
    contract_in_force: bool
    stepped_up: bool
    deny_all: bool
