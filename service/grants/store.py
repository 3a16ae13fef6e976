"""The only SQL on grants."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    Text,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    union,
    update,
)

from consent.grant import Grantee
from service.contracts.tables import contracts
from service.grants.tables import ACTIVE, grants
from service.identity.tables import practitioners
from service.kit.prepared import Prepared, Row
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
    emergency_refused: bool = False


COLUMNS = tuple(grants.c[name] for name in GrantRow._fields)
STANDING = (
    resident_state.c.resident_id,
    residents.c.status,
    resident_state.c.consent_revision,
    resident_state.c.deny_all,
    resident_state.c.emergency_refused,
)
STATES = resident_state.join(residents, residents.c.resident_id == resident_state.c.resident_id)
_STANDING = select(*STANDING).select_from(STATES)

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
    ((_, status, revision, deny_all, refused),) = rows
    return Standing(resident, status, revision, bool(deny_all), bool(refused))


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


def on_panel(grantees: Sequence[Grantee], practitioner: UUID) -> ColumnElement[bool]:
    """Of which contracts in force the residents stand on this practitioner's panel.

    Those signed with the practitioner, and those signed with a colleague of the same clinic where
    the resident gave something to the clinic or to the role. `grantees` are all that the
    practitioner may ask as. Nobody stands on the panel of one who is not in office.
    """
    mine = practitioners.alias("mine")
    holder = practitioners.alias("holder")
    in_office = (
        select(holder.c.practitioner_id)
        .where(holder.c.practitioner_id == practitioner, holder.c.disabled.is_(False))
        .exists()
    )
    colleague = practitioners.alias("colleague")
    colleagues = (
        select(colleague.c.practitioner_id)
        .join(mine, mine.c.clinic_id == colleague.c.clinic_id)
        .where(mine.c.practitioner_id == practitioner, colleague.c.disabled.is_(False))
    )
    # A star here could be one over any table of the statement, for all that its text tells.
    given = select(grants.c.grant_id).where(
        grants.c.resident_id == contracts.c.resident_id,
        grants.c.status == ACTIVE,
        _named(grantees),
    )
    shared = given.exists()
    by_clinic = and_(contracts.c.practitioner_id.in_(colleagues), shared)
    own = contracts.c.practitioner_id == practitioner
    # Says nothing that the rest does not, but in a way that indices answer: whoever stands on the
    # panel signed or gave something, and without it all contracts would be gone through.
    signed = contracts.alias("signed")
    candidates = union(
        select(signed.c.resident_id).where(signed.c.practitioner_id == practitioner),
        select(grants.c.resident_id).where(_named(grantees), grants.c.status == ACTIVE),
    )
    among = contracts.c.resident_id.in_(candidates)
    return and_(contracts.c.active, among, in_office, or_(own, by_clinic))


def standings_of_panel(
    conn: Connection, grantees: Sequence[Grantee], practitioner: UUID
) -> list[tuple[Standing, bool]]:
    """One statement for everybody of a panel; True where the contract is the practitioner's own."""
    query = (
        select(*STANDING, contracts.c.practitioner_id)
        .select_from(STATES)
        .join(contracts, contracts.c.resident_id == resident_state.c.resident_id)
        .where(on_panel(grantees, practitioner))
    )
    return [
        (Standing(*row[:-1]), row.practitioner_id == practitioner) for row in conn.execute(query)
    ]


def holders_after(
    conn: Connection, grantee: Grantee, *, after: UUID | None, limit: int
) -> list[UUID]:
    """The next residents in id order who have an active grant to this grantee."""
    query = _to([grantee], select(grants.c.resident_id).distinct())
    query = query.where(grants.c.status == ACTIVE)
    if after is not None:
        query = query.where(grants.c.resident_id > after)
    return list(conn.scalars(query.order_by(grants.c.resident_id).limit(limit)))


def standings(conn: Connection, residents_: Sequence[UUID]) -> list[Standing]:
    """The standings of these residents, in id order."""
    if not residents_:
        return []
    query = _STANDING.where(resident_state.c.resident_id.in_(residents_))
    rows = conn.execute(query.order_by(resident_state.c.resident_id))
    return [Standing(*row) for row in rows]


def of_resident(conn: Connection, resident: UUID) -> list[GrantRow]:
    query = select(*COLUMNS).where(grants.c.resident_id == resident)
    return _rows(conn, query)


def one(conn: Connection, resident: UUID, grant: UUID) -> GrantRow | None:
    query = select(*COLUMNS).where(grants.c.resident_id == resident, grants.c.grant_id == grant)
    found = _rows(conn, query)
    return found[0] if found else None


def between(conn: Connection, resident: UUID, *grantees: Grantee) -> list[GrantRow]:
    """Every grant of a resident to these, withdrawn ones included: a refusal names them."""
    return [row_of(raw) for raw in raw_between(conn, resident, grantees)]


def raw_between(conn: Connection, resident: UUID, grantees: Sequence[Grantee]) -> list[Row]:
    """As `between`, as the driver gives the rows: to tell whether they are the same."""
    given = {"resident": resident.bytes} | naming(grantees)
    return _between(len(grantees)).rows(conn, given)


def row_of(raw: Row) -> GrantRow:
    resident, grant, kind, id_, status, version, sealed_body = raw
    return GrantRow(
        UUID(bytes=bytes(resident)),
        UUID(bytes=bytes(grant)),
        kind,
        id_,
        status,
        version,
        bytes(sealed_body),
    )


@lru_cache
def _between(names: int) -> Prepared:
    return Prepared(select(*COLUMNS).where(grants.c.resident_id == _RESIDENT, named(names)))


def named(names: int) -> ColumnElement[bool]:
    """Grants to one of so many grantees of `naming`; a practitioner has one to three names."""
    return or_(
        *(
            and_(
                grants.c.grantee_kind == bindparam(f"kind{number}", type_=Text),
                grants.c.grantee_id == bindparam(f"id{number}", type_=Text),
            )
            for number in range(names)
        )
    )


def naming(grantees: Sequence[Grantee]) -> dict[str, Any]:
    """The parameters of `named`."""
    given = {}
    for number, one in enumerate(grantees):
        given[f"kind{number}"], given[f"id{number}"] = one.kind.value, one.id
    return given


def active_to(
    conn: Connection, grantees: Sequence[Grantee], residents_: Sequence[UUID] | None = None
) -> list[GrantRow]:
    """Every active grant to these grantees, of all residents or of the given ones."""
    query = _to(grantees, select(*COLUMNS)).where(grants.c.status == ACTIVE)
    if residents_ is not None:
        query = query.where(grants.c.resident_id.in_(residents_))
    return _rows(conn, query)


def active_of(conn: Connection, resident: UUID) -> int:
    """How many grants of a resident have not been withdrawn."""
    mine = and_(grants.c.resident_id == resident, grants.c.status == ACTIVE)
    return conn.execute(select(func.count(grants.c.grant_id)).where(mine)).scalar_one()


def kept_of(conn: Connection, resident: UUID) -> int:
    """How many grants a resident ever gave."""
    mine = grants.c.resident_id == resident
    return conn.execute(select(func.count(grants.c.grant_id)).where(mine)).scalar_one()


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


def locked(conn: Connection, resident: UUID, grant: UUID) -> GrantRow | None:
    """As `one`, at its newest, and nobody else changes it before the commit."""
    query = select(*COLUMNS).where(grants.c.resident_id == resident, grants.c.grant_id == grant)
    found = _rows(conn, query.with_for_update())
    return found[0] if found else None


def replaced(conn: Connection, row: GrantRow, *, version: int) -> bool:
    """Store a newer version in place of exactly `version`; False when that is not there."""
    done = conn.execute(
        update(grants)
        .where(
            grants.c.resident_id == row.resident_id,
            grants.c.grant_id == row.grant_id,
            grants.c.version == version,
        )
        .values(status=row.status, version=row.version, sealed_body=row.sealed_body)
    )
    return done.rowcount == 1


def _to(grantees: Sequence[Grantee], query: Select[Any]) -> Select[Any]:
    return query.where(_named(grantees))


def _named(grantees: Sequence[Grantee]) -> ColumnElement[bool]:
    return or_(
        *[
            and_(grants.c.grantee_kind == one.kind.value, grants.c.grantee_id == one.id)
            for one in grantees
        ]
    )


def _rows(conn: Connection, query: Select[Any]) -> list[GrantRow]:
    return [GrantRow(*row) for row in conn.execute(query)]
