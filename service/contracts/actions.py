"""Signing with a family doctor. The care grant that goes with it is made in `grants.signing`."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import DataClass, Text
from service.contracts import store
from service.history import actions as history
from service.history.actions import Noted
from service.keys.vault import Vault
from service.kit.errors import Conflict, IntegrityBroken
from service.kit.ids import new_id

HISTORY = "contract"
"""The kind under which the history of policy keeps contracts."""
ALREADY_SIGNED = Text(
    "您已有签约医生，请先解约。",
    "You have already signed with a doctor; end that contract first.",
)


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract with what was agreed; `data_classes` are those the resident listed at signing."""

    id: UUID
    resident: UUID
    practitioner: UUID
    package: str
    data_classes: frozenset[DataClass]
    signed_at: datetime
    ended_at: datetime | None
    version: int = 1

    @property
    def active(self) -> bool:
        return self.ended_at is None


def sign(
    conn: Connection,
    vault: Vault,
    permit: Permit,
    *,
    practitioner: UUID,
    package: str,
    data_classes: Iterable[DataClass],
    now: datetime,
) -> Contract:
    """Sign the owner of `permit` with a practitioner; `Conflict` while another contract runs.

    The caller has already bumped the consent revision in this transaction, which holds the
    resident's row locked: two signings at once find each other here.
    """
    if store.active(conn, permit.subject) is not None:
        raise Conflict(ALREADY_SIGNED, code="already-signed")
    contract = Contract(
        new_id(), permit.subject, practitioner, package, frozenset(data_classes), now, None
    )
    store.add(conn, _sealed(vault, contract))
    _note(conn, vault, contract, now)
    return contract


def current(conn: Connection, vault: Vault, permit: Permit) -> Contract | None:
    """The contract in force of the permit's subject."""
    row = store.active(conn, permit.subject)
    return None if row is None else opened(vault, row)


def every(conn: Connection, vault: Vault, permit: Permit) -> list[Contract]:
    """All contracts of the permit's subject, ended ones included, newest first."""
    found = [opened(vault, row) for row in store.of_resident(conn, permit.subject)]
    return sorted(found, key=lambda one: (one.signed_at, one.id), reverse=True)


def end(
    conn: Connection, vault: Vault, permit: Permit, contract: Contract, *, now: datetime
) -> Contract:
    """End a contract that is in force; what was signed stays readable to the resident."""
    ended = replace(contract, ended_at=now, version=contract.version + 1)
    store.end(conn, _sealed(vault, ended))
    _note(conn, vault, ended, now)
    return ended


def _note(conn: Connection, vault: Vault, contract: Contract, now: datetime) -> None:
    state = {"practitioner": str(contract.practitioner), "active": contract.active}
    noted = Noted(HISTORY, str(contract.id), now, contract.version, state)
    history.note(conn, vault, contract.resident, noted)


def _sealed(vault: Vault, contract: Contract) -> store.ContractRow:
    body = {
        "practitioner": str(contract.practitioner),
        "package": contract.package,
        "classes": sorted(contract.data_classes),
        "signed_at": contract.signed_at.isoformat(),
        "ended_at": None if contract.ended_at is None else contract.ended_at.isoformat(),
    }
    text = json.dumps(body, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    place = store.place(contract.resident, contract.id, contract.version)
    return store.ContractRow(
        contract.resident,
        contract.id,
        contract.practitioner,
        contract.active,
        contract.version,
        vault.seal_policy(contract.resident, place, text).data,
    )


def opened(vault: Vault, row: store.ContractRow) -> Contract:
    """Open one row; clear columns that disagree with the sealed body are `IntegrityBroken`."""
    body = json.loads(vault.open_policy(row.sealed))
    practitioner, ended_at = UUID(body["practitioner"]), body["ended_at"]
    if (practitioner, ended_at is None) != (row.practitioner_id, row.active):
        raise IntegrityBroken
    return Contract(
        row.contract_id,
        row.resident_id,
        practitioner,
        body["package"],
        frozenset(map(DataClass, body["classes"])),
        datetime.fromisoformat(body["signed_at"]),
        None if ended_at is None else datetime.fromisoformat(ended_at),
        row.version,
    )
