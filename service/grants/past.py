"""What policy allowed at a moment: noted at every act, and put together again when asked."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consent.grant import Grant
from service.contracts import actions as contracts
from service.grants import body
from service.grants.body import Kept
from service.history import actions as history
from service.history.actions import Noted
from service.keys.vault import Vault

GRANT = "grant"
DENY_ALL = "deny-all"
_THE_ONE = ""
"""The id of a thing of which a resident has exactly one."""


@dataclass(frozen=True, slots=True)
class Policy:
    """All that a decision about one resident rests on, beside who is asking and where they work.

    `signed_with` is the practitioner whose contract is in force.
    """

    grants: tuple[Grant, ...]
    deny_all: bool
    signed_with: UUID | None


def note_grant(conn: Connection, vault: Vault, resident: UUID, kept: Kept, *, at: datetime) -> None:
    """Note how a grant stands from `at` on."""
    grant = kept.grant
    noted = Noted(GRANT, str(grant.id), at, grant.version, body.encode(kept))
    history.note(conn, vault, resident, noted)


def note_mode(
    conn: Connection,
    vault: Vault,
    resident: UUID,
    mode: str,
    on: bool,
    *,
    at: datetime,
    order: int,
) -> None:
    """Note a mode that is turned on or off as a whole; `order` rises with every act."""
    history.note(conn, vault, resident, Noted(mode, _THE_ONE, at, order, {"on": on}))


def policy_of(states: Iterable[Noted]) -> Policy:
    """The policy made of the state of each thing at one moment."""
    grants: list[Grant] = []
    deny_all, signed_with = False, None
    for one in states:
        if one.kind == GRANT:
            grants.append(body.decode(UUID(one.id), one.order, one.state).grant)
        elif one.kind == DENY_ALL:
            deny_all = one.state["on"]
        elif one.kind == contracts.HISTORY and one.state["active"]:
            signed_with = UUID(one.state["practitioner"])
    return Policy(tuple(grants), deny_all, signed_with)
