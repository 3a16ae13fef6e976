"""Who asks about a resident: a practitioner in office, and what is between the two."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, LargeBinary, and_, bindparam, select

from consent.grant import Grantee
from service.contracts.store import ContractRow
from service.contracts.tables import contracts
from service.emergencies.tables import emergency_sessions
from service.grants.store import COLUMNS, STANDING, STATES, Standing, named, naming
from service.grants.tables import grants
from service.identity.tables import practitioners
from service.kit.prepared import Prepared, Row
from service.residents.tables import resident_state


class Bond(NamedTuple):
    """Whether a resident has signed with this practitioner, and with anybody of their clinic."""

    signed: bool = False
    clinic_signed: bool = False


class Asker(NamedTuple):
    """A practitioner in office who asks about one resident, and what is between them.

    `in_emergency` is whether they opened break-glass and nobody closed it; its time may be over.
    """

    clinic_id: UUID | None
    role: str
    bond: Bond
    in_emergency: bool
    name: str
    clinic: str
    contract: Row | None = None
    """The contract that the bond rests on, as it lies in the store: see `contract_of`."""


_RESIDENT = bindparam("resident", type_=LargeBinary)
_SIGNER = practitioners.alias("signer")
_PRACTITIONER = and_(
    practitioners.c.practitioner_id == bindparam("practitioner", type_=LargeBinary),
    practitioners.c.disabled.is_(False),
)
_ABOUT_ASKER = (
    practitioners.c.clinic_id,
    practitioners.c.role,
    contracts.c.practitioner_id,
    _SIGNER.c.clinic_id,
    # A star here could be one over any table of the statement, for all that its text tells.
    select(emergency_sessions.c.resident_id)
    .where(
        emergency_sessions.c.resident_id == _RESIDENT,
        emergency_sessions.c.practitioner_id == practitioners.c.practitioner_id,
        emergency_sessions.c.open,
    )
    .exists()
    .label("in_emergency"),
    practitioners.c.name,
    practitioners.c.clinic,
    contracts.c.contract_id,
    contracts.c.version,
    contracts.c.sealed_body,
)
_GRANTS = len(STANDING) + len(_ABOUT_ASKER)
"""Where the columns of a grant begin in a row of `facing`."""


def _with_bond(joined: Any) -> Any:
    """Practitioners with the contract in force of the resident, and with who signed it."""
    return joined.outerjoin(
        contracts, and_(contracts.c.resident_id == _RESIDENT, contracts.c.active)
    ).outerjoin(
        _SIGNER,
        # A contract with somebody who left office is no contract with their clinic.
        and_(
            _SIGNER.c.practitioner_id == contracts.c.practitioner_id,
            _SIGNER.c.disabled.is_(False),
        ),
    )


# Asked at every look, without a cache: who moves to another clinic has moved on the next request.
_ASKER = Prepared(select(*_ABOUT_ASKER).select_from(_with_bond(practitioners)).where(_PRACTITIONER))


@lru_cache
def _facing(names: int) -> Prepared:
    """The statement of `facing` for so many grantees."""
    joined = _with_bond(STATES.outerjoin(practitioners, _PRACTITIONER))
    given: tuple[Any, ...] = ()
    if names:
        given = COLUMNS
        joined = joined.outerjoin(grants, and_(grants.c.resident_id == _RESIDENT, named(names)))
    return Prepared(
        select(*STANDING, *_ABOUT_ASKER, *given)
        .select_from(joined)
        .where(resident_state.c.resident_id == _RESIDENT)
    )


def asker(conn: Connection, resident: UUID, practitioner: UUID) -> Asker | None:
    """What a decision needs to know of a practitioner; None for one who is not in office."""
    given = {"resident": resident.bytes, "practitioner": practitioner.bytes}
    rows = _ASKER.rows(conn, given)
    if not rows:
        return None
    (row,) = rows
    return _asker(practitioner, row)


def facing(
    conn: Connection, resident: UUID, practitioner: UUID, grantees: Sequence[Grantee]
) -> Callable[[], list[Row]]:
    """The rows of `standing`, `asker` and `raw_between` in one statement, for `told` to read.

    Without grantees there are no grants.
    """
    given = {"resident": resident.bytes, "practitioner": practitioner.bytes}
    return _facing(len(grantees)).later(conn, given | naming(grantees))


def told(
    resident: UUID, practitioner: UUID, rows: Sequence[Row]
) -> tuple[Standing | None, Asker | None, list[Row]]:
    """What the rows of `facing` say: the standing, who asks, and the rows of grants."""
    if not rows:
        return None, None, []
    _, status, revision, deny_all, refused, *about = rows[0][:_GRANTS]
    known = Standing(resident, status, revision, bool(deny_all), bool(refused))
    # The first column of a grant names its resident: it is empty where there is no grant.
    between = [row[_GRANTS:] for row in rows if row[_GRANTS:] and row[_GRANTS] is not None]
    # Nobody is in office without a role.
    return known, None if about[1] is None else _asker(practitioner, about), between


def contract_of(resident: UUID, contract: Row) -> ContractRow:
    """The row of an asker's contract, which is in force as far as its clear columns tell."""
    practitioner, found, version, sealed_body = contract
    return ContractRow(
        resident,
        UUID(bytes=bytes(found)),
        UUID(bytes=bytes(practitioner)),
        True,
        version,
        bytes(sealed_body),
    )


def _asker(practitioner: UUID, about: Sequence[Any]) -> Asker:
    clinic, role, signed_with, signed_at, in_emergency, name, clinic_name, *contract = about
    bond = Bond(
        signed=signed_with == practitioner.bytes,
        clinic_signed=clinic is not None and signed_at == clinic,
    )
    known = None if clinic is None else UUID(bytes=bytes(clinic))
    rests_on = (signed_with, *contract) if bond.signed or bond.clinic_signed else None
    return Asker(known, role, bond, bool(in_emergency), name, clinic_name, rests_on)
