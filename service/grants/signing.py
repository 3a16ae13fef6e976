"""Signing with a family doctor and what it opens, in one transaction; ending it closes both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consent.decision import Permit
from consent.grant import BY_CONTRACT, Grantee
from consent.vocabulary import Action, DataClass, GranteeKind, Language, Purpose, Text
from service.contracts import actions as contracts
from service.contracts.actions import Contract
from service.grants import actions, body, store
from service.grants.body import Kept
from service.grants.terms import Terms, words
from service.identity import store as identity
from service.keys.vault import Vault
from service.kit.errors import Fault, Invalid, NotFound
from service.residents import store as residents

CONTRACT_ACTIONS = frozenset({Action.READ, Action.WRITE})
"""What a signed doctor may do: look, and add the results of examinations."""
NO_SUCH_DOCTOR = Text("没有这位医生。", "There is no such doctor.")
NO_CONTRACT = Text("目前没有签约医生。", "You have not signed with a doctor.")


@dataclass(frozen=True, slots=True)
class Signed:
    """A contract and the care grant that was made with it; None once nothing is left of it."""

    contract: Contract
    grant: Kept | None


def sign(
    conn: Connection,
    vault: Vault,
    permit: Permit,
    *,
    doctor: UUID,
    package: str,
    data_classes: Sequence[str],
    now: datetime,
    stepped_up: bool = False,
    language: Language = "zh",
) -> Signed:
    """Sign with a doctor and grant care over the listed classes, and over the name always.

    Listing a sensitive class in this request is the separate consent to it.
    """
    faults: list[Fault] = []
    listed = words(DataClass, data_classes, "/data_classes", faults)
    if not identity.in_office(conn, doctor):
        faults.append(Fault("/doctor_id", "unknown-doctor", NO_SUCH_DOCTOR))
    if faults:
        raise Invalid(faults)
    actions.require_step_up(listed, stepped_up)
    residents.bump_consent(conn, permit.subject)
    contract = contracts.sign(
        conn, vault, permit, practitioner=doctor, package=package, data_classes=listed, now=now
    )
    grant = actions.keep(
        conn,
        vault,
        permit,
        terms=_care_terms(doctor, listed, now),
        now=now,
        language=language,
        basis=BY_CONTRACT,
        contract=contract.id,
    )
    return Signed(contract, grant)


def current(conn: Connection, vault: Vault, permit: Permit) -> Signed:
    """The contract in force with its grant; `NotFound` when the resident has not signed."""
    contract = contracts.current(conn, vault, permit)
    if contract is None:
        raise NotFound(NO_CONTRACT)
    return _with_grant(conn, vault, contract)


def every(conn: Connection, vault: Vault, permit: Permit) -> list[Signed]:
    """All contracts there ever were, each with its grant, newest first."""
    return [_with_grant(conn, vault, one) for one in contracts.every(conn, vault, permit)]


def end(conn: Connection, vault: Vault, permit: Permit, *, now: datetime) -> Signed:
    """End the contract in force and withdraw the grant that was made with it."""
    # The row of the resident first: what was in force before it was held may have ended since.
    residents.bump_consent(conn, permit.subject)
    signed = current(conn, vault, permit)
    ended = contracts.end(conn, vault, permit, signed.contract, now=now)
    grants = [
        actions.end(conn, vault, permit, kept.grant.id, now=now)
        for kept in _made_with(conn, vault, signed.contract)
    ]
    vault.forget(permit.subject)
    return Signed(ended, grants[0] if grants else None)


def _with_grant(conn: Connection, vault: Vault, contract: Contract) -> Signed:
    made = _made_with(conn, vault, contract)
    return Signed(contract, made[0] if made else None)


def _made_with(conn: Connection, vault: Vault, contract: Contract) -> list[Kept]:
    grantee = Grantee(GranteeKind.PRACTITIONER, str(contract.practitioner))
    kept = [body.opened(vault, row) for row in store.between(conn, contract.resident, grantee)]
    return [one for one in kept if one.contract == contract.id]


def _care_terms(doctor: UUID, listed: frozenset[DataClass], now: datetime) -> Terms:
    classes = listed | {DataClass.PROFILE}
    return Terms(
        grantee=Grantee(GranteeKind.PRACTITIONER, str(doctor)),
        purposes=frozenset({Purpose.CARE}),
        data_classes=classes,
        actions=CONTRACT_ACTIONS,
        observations_from=None,
        observations_to=None,
        valid_from=now,
        valid_until=None,
        separate_consent=frozenset(one for one in classes if one.separate_consent),
    )
