"""Who asks about a resident: a practitioner in office, and what is between the two."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, LargeBinary, and_, bindparam, select

from service.contracts.tables import contracts
from service.emergencies.tables import emergency_sessions
from service.grants.store import STANDING, STATES, Standing
from service.identity.tables import practitioners
from service.kit.prepared import Prepared
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
)


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
_FACING = Prepared(
    select(*STANDING, *_ABOUT_ASKER)
    .select_from(_with_bond(STATES.outerjoin(practitioners, _PRACTITIONER)))
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
    conn: Connection, resident: UUID, practitioner: UUID
) -> tuple[Standing | None, Asker | None]:
    """`standing` and `asker` in one statement; no asker where there is no standing."""
    given = {"resident": resident.bytes, "practitioner": practitioner.bytes}
    rows = _FACING.rows(conn, given)
    if not rows:
        return None, None
    ((_, status, revision, deny_all, refused, *about),) = rows
    known = Standing(resident, status, revision, bool(deny_all), bool(refused))
    # Nobody is in office without a role.
    return known, None if about[1] is None else _asker(practitioner, about)


def _asker(practitioner: UUID, about: Sequence[Any]) -> Asker:
    clinic, role, signed_with, signed_at, in_emergency, name, clinic_name = about
    known = _uuid(clinic)
    bond = Bond(
        signed=_uuid(signed_with) == practitioner,
        clinic_signed=known is not None and _uuid(signed_at) == known,
    )
    return Asker(known, role, bond, bool(in_emergency), name, clinic_name)


def _uuid(value: Any) -> UUID | None:
    return None if value is None else UUID(bytes=bytes(value))
