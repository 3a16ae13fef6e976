"""The only SQL on grants."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, LargeBinary, Select, and_, bindparam, insert, select, update

from consent.grant import Grantee
from service.contracts.tables import contracts
from service.grants.tables import ACTIVE, grants
from service.kit.prepared import Prepared
from service.kit.sealed import Place, Sealed
from service.residents.tables import resident_state, residents


class GrantRow(NamedTuple):
    resident_id: UUID
    grant_id: UUID
    grantee_kind: str
    grantee_id: str
    status: str
    version: int
    sealed_body: bytes

    @property
    def sealed(self) -> Sealed:
        return Sealed(self.sealed_body, place(self.resident_id, self.grant_id, self.version))


class Standing(NamedTuple):
    """What a decision needs to know of a resident, beside the grants."""

    resident_id: UUID
    status: str
    consent_revision: int
    deny_all: bool


_COLUMNS = tuple(grants.c[name] for name in GrantRow._fields)
_STANDING = select(
    resident_state.c.resident_id,
    residents.c.status,
    resident_state.c.consent_revision,
    resident_state.c.deny_all,
).join(residents, residents.c.resident_id == resident_state.c.resident_id)

# Asked before every statement of every request, so it is compiled once.
_STANDING_OF_ONE = Prepared(
    _STANDING.where(resident_state.c.resident_id == bindparam("resident", type_=LargeBinary))
)


_RESIDENT = bindparam("resident", type_=LargeBinary)

# What a resident's own write asks for, with the counter that it takes. The inner condition names
# the parameter, not the other table's column: behind RETURNING SQLite's dialect leaves out table
# names, and `resident_id = resident_id` is true of everybody.
_ENTERED = Prepared(
    update(resident_state)
    .where(resident_state.c.resident_id == _RESIDENT)
    .values(rev=resident_state.c.rev + 1)
    .returning(
        select(residents.c.status).where(residents.c.resident_id == _RESIDENT).scalar_subquery(),
        resident_state.c.consent_revision,
        resident_state.c.deny_all,
        resident_state.c.rev,
    )
)


def place(resident: UUID, grant: UUID, version: int) -> Place:
    return Place("grants", "body", resident, grant.bytes, revision=version)


def standing(conn: Connection, resident: UUID) -> Standing | None:
    rows = _STANDING_OF_ONE.rows(conn, {"resident": resident.bytes})
    if not rows:
        return None
    ((_, status, revision, deny_all),) = rows
    return Standing(resident, status, revision, bool(deny_all))


def entered(conn: Connection, resident: UUID) -> tuple[Standing, int] | None:
    """The standing and the next revision of the resident's counter, their row locked till commit.

    For a write that goes on only if it is permitted on this standing. Revision and mode are those
    of the locked row. Where an erasure was waited for, the status is still the one before it: the
    write must then read the profile, which is gone.
    """
    rows = _ENTERED.rows(conn, {"resident": resident.bytes})
    if not rows:
        return None
    ((status, revision, deny_all, rev),) = rows
    return Standing(resident, status, revision, bool(deny_all)), rev


def standings_of_panel(conn: Connection, practitioner: UUID) -> list[Standing]:
    """One statement for all residents whose contract with this practitioner is in force."""
    query = _STANDING.join(
        contracts,
        and_(contracts.c.resident_id == resident_state.c.resident_id, contracts.c.active),
    ).where(contracts.c.practitioner_id == practitioner)
    return [Standing(*row) for row in conn.execute(query)]


def standings_after(
    conn: Connection, grantee: Grantee, *, after: UUID | None, limit: int
) -> list[Standing]:
    """The next residents in id order who have an active grant to this grantee."""
    consenting = _to(grantee, select(grants.c.resident_id)).where(grants.c.status == ACTIVE)
    query = _STANDING.where(resident_state.c.resident_id.in_(consenting))
    if after is not None:
        query = query.where(resident_state.c.resident_id > after)
    query = query.order_by(resident_state.c.resident_id).limit(limit)
    return [Standing(*row) for row in conn.execute(query)]


def of_resident(conn: Connection, resident: UUID) -> list[GrantRow]:
    query = select(*_COLUMNS).where(grants.c.resident_id == resident)
    return _rows(conn, query)


def one(conn: Connection, resident: UUID, grant: UUID) -> GrantRow | None:
    query = select(*_COLUMNS).where(grants.c.resident_id == resident, grants.c.grant_id == grant)
    found = _rows(conn, query)
    return found[0] if found else None


def between(conn: Connection, resident: UUID, grantee: Grantee) -> list[GrantRow]:
    """Every grant of a resident to one grantee, withdrawn ones included: a refusal names them."""
    return _rows(conn, _to(grantee, select(*_COLUMNS)).where(grants.c.resident_id == resident))


def active_to(
    conn: Connection, grantee: Grantee, residents_: Sequence[UUID] | None = None
) -> list[GrantRow]:
    """Every active grant to one grantee, of all residents or of the given ones."""
    query = _to(grantee, select(*_COLUMNS)).where(grants.c.status == ACTIVE)
    if residents_ is not None:
        query = query.where(grants.c.resident_id.in_(residents_))
    return _rows(conn, query)


def practitioners_of(conn: Connection, resident: UUID) -> list[str]:
    """The practitioners who hold an active grant of this resident."""
    query = (
        select(grants.c.grantee_id)
        .distinct()
        .where(
            grants.c.resident_id == resident,
            grants.c.grantee_kind == "practitioner",
            grants.c.status == ACTIVE,
        )
    )
    return list(conn.execute(query).scalars())


def add(conn: Connection, row: GrantRow) -> None:
    conn.execute(insert(grants).values(**row._asdict()))


def replace(conn: Connection, row: GrantRow) -> None:
    """Store a newer version of a grant."""
    conn.execute(
        update(grants)
        .where(grants.c.resident_id == row.resident_id, grants.c.grant_id == row.grant_id)
        .values(status=row.status, version=row.version, sealed_body=row.sealed_body)
    )


def _to(grantee: Grantee, query: Select[Any]) -> Select[Any]:
    return query.where(
        grants.c.grantee_kind == grantee.kind.value, grants.c.grantee_id == grantee.id
    )


def _rows(conn: Connection, query: Select[Any]) -> list[GrantRow]:
    return [GrantRow(*row) for row in conn.execute(query)]
