"""What policy allowed at a moment: noted at every act, and put together again when asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consent.grant import Grant
from service.contracts import actions as contracts
from service.emergencies import actions as emergencies
from service.grants import body
from service.grants.body import Kept
from service.guardians import actions as guardians
from service.history import actions as history
from service.history.actions import Noted
from service.keys.vault import Vault

GRANT = "grant"
DENY_ALL = "deny-all"
EMERGENCY_REFUSED = "emergency-refused"
_THE_ONE = ""
"""The id of a thing of which a resident has exactly one."""


@dataclass(frozen=True, slots=True)
class Policy:
    """All that a decision about one resident rests on, beside who is asking and where they work.

    `signed_with` is the practitioner whose contract is in force. `emergencies` says of each
    practitioner who has opened break-glass and not closed it, since when. `guardians` are those of
    a child, `minor_until` is when the child decides alone.
    """

    grants: tuple[Grant, ...] = ()
    deny_all: bool = False
    signed_with: UUID | None = None
    emergency_refused: bool = False
    emergencies: Mapping[str, datetime] = field(default_factory=dict)
    guardians: frozenset[str] = frozenset()
    minor_until: datetime | None = None


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
    modes = {DENY_ALL: False, EMERGENCY_REFUSED: False}
    signed_with = None
    open_since: dict[str, datetime] = {}
    guarded: dict[str, datetime] = {}
    for one in states:
        if one.kind == GRANT:
            grants.append(body.decode(UUID(one.id), one.order, one.state).grant)
        elif one.kind in modes:
            modes[one.kind] = one.state["on"]
        elif one.kind == contracts.HISTORY and one.state["active"]:
            signed_with = UUID(one.state["practitioner"])
        elif one.kind == emergencies.HISTORY and one.state["open"]:
            opened_at = datetime.fromisoformat(one.state["opened_at"])
            open_since[one.state["practitioner"]] = opened_at
        elif one.kind == guardians.HISTORY and not one.state["left"]:
            guarded[one.state["guardian"]] = datetime.fromisoformat(one.state["until"])
    return Policy(
        grants=tuple(grants),
        deny_all=modes[DENY_ALL],
        signed_with=signed_with,
        emergency_refused=modes[EMERGENCY_REFUSED],
        emergencies=open_since,
        guardians=frozenset(guarded),
        minor_until=min(guarded.values(), default=None),
    )
