"""The only SQL on residents and their state."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import urandom
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, LargeBinary, bindparam, select, update

from consent.decision import Permit
from consent.vocabulary import Text
from service.kit.errors import NotFound, Refused
from service.kit.prepared import Prepared
from service.residents.tables import resident_state, residents

ACTIVE, ERASED = "active", "erased"


class Withdrawn(Refused):
    """The consent under which this was allowed changed before the statement ran."""

    def __init__(self) -> None:
        super().__init__(
            "withdrawn",
            Text(
                "授权刚刚发生变更，请重试。",
                "Consent changed just now; ask again under the new one.",
            ),
        )


@dataclass(frozen=True, slots=True)
class State:
    """The counters of one resident, read in the transaction that uses them."""

    status: str
    consent_revision: int
    rev: int
    epoch: bytes
    deny_all: bool


class ProfileRow(NamedTuple):
    sealed_profile: bytes
    profile_rev: int


_RESIDENT = bindparam("resident", type_=LargeBinary)
_REVISION = bindparam("revision", type_=resident_state.c.consent_revision.type)

_ADVANCE = Prepared(
    update(resident_state)
    .where(
        resident_state.c.resident_id == _RESIDENT,
        resident_state.c.consent_revision == _REVISION,
    )
    .values(rev=resident_state.c.rev + 1)
    .returning(resident_state.c.rev)
)
_STAND = Prepared(
    select(resident_state.c.rev)
    .where(
        resident_state.c.resident_id == _RESIDENT,
        resident_state.c.consent_revision == _REVISION,
    )
    .with_for_update()
)
_STEP_BACK = Prepared(
    update(resident_state)
    .where(
        resident_state.c.resident_id == _RESIDENT,
        resident_state.c.consent_revision == _REVISION,
    )
    .values(rev=resident_state.c.rev - 1)
)
_PROFILE = Prepared(
    select(residents.c.sealed_profile, residents.c.profile_rev)
    .join(resident_state, resident_state.c.resident_id == residents.c.resident_id)
    .where(
        residents.c.resident_id == _RESIDENT,
        resident_state.c.consent_revision == _REVISION,
        residents.c.status == ACTIVE,
    )
)


def begin(conn: Connection, resident: UUID) -> None:
    """Insert a new, active resident whose profile is still to be sealed."""
    conn.execute(residents.insert().values(resident_id=resident, status=ACTIVE, profile_rev=0))
    conn.execute(
        resident_state.insert().values(
            resident_id=resident, consent_revision=1, rev=0, epoch=urandom(8), deny_all=False
        )
    )


def state(conn: Connection, resident: UUID) -> State | None:
    """The state of a resident, erased ones included; None for somebody never seen."""
    row = conn.execute(
        select(
            residents.c.status,
            resident_state.c.consent_revision,
            resident_state.c.rev,
            resident_state.c.epoch,
            resident_state.c.deny_all,
        )
        .join(resident_state, resident_state.c.resident_id == residents.c.resident_id)
        .where(residents.c.resident_id == resident)
    ).first()
    if row is None:
        return None
    return State(row.status, row.consent_revision, row.rev, bytes(row.epoch), bool(row.deny_all))


def step_back(conn: Connection, permit: Permit) -> None:
    """Give back what `advance` took in this transaction, when it turns out that nothing changed."""
    _STEP_BACK.run(conn, {"resident": permit.subject.bytes, "revision": permit.revision})


def advance(conn: Connection, permit: Permit) -> int:
    """Take the next revision of the subject's counter and hold their row until the commit.

    `Withdrawn` when the consent revision is no longer the permit's. Erasure raises that revision
    too, so this also refuses every write to somebody erased.
    """
    rows = _ADVANCE.rows(conn, {"resident": permit.subject.bytes, "revision": permit.revision})
    if not rows:
        raise Withdrawn
    return int(rows[0][0])


def stand(conn: Connection, permit: Permit) -> None:
    """Hold the subject's row until the commit, as `advance` does, without a write to their record.

    For what is kept beside the record and goes with the person: erasure then finds it or comes
    first, and this is `Withdrawn`.
    """
    if not _STAND.rows(conn, {"resident": permit.subject.bytes, "revision": permit.revision}):
        raise Withdrawn


def hold(conn: Connection, many: Sequence[UUID]) -> None:
    """Hold the rows of these residents until the commit: nobody else changes or holds them.

    In order of id, and before any other row of a resident: of two that take several rows each, none
    then has what the other waits for.
    """
    conn.execute(
        select(resident_state.c.resident_id)
        .where(resident_state.c.resident_id.in_(many))
        .order_by(resident_state.c.resident_id)
        .with_for_update(key_share=True)
    )


def revisions(conn: Connection, many: Sequence[UUID]) -> dict[UUID, int]:
    """The counters of these residents' writes."""
    rows = conn.execute(
        select(resident_state.c.resident_id, resident_state.c.rev).where(
            resident_state.c.resident_id.in_(many)
        )
    )
    return {row.resident_id: row.rev for row in rows}


def bump_consent(conn: Connection, resident: UUID) -> int:
    """Raise the consent revision: every permit made before is void from this commit on."""
    return _changed(conn, resident, consent_revision=resident_state.c.consent_revision + 1)


def set_deny_all(conn: Connection, resident: UUID, on: bool) -> int:
    """Shut everybody else out, or let grants work again; the new consent revision."""
    return _changed(
        conn, resident, deny_all=on, consent_revision=resident_state.c.consent_revision + 1
    )


def set_emergency_refused(conn: Connection, resident: UUID, on: bool) -> int:
    """Let nobody in without a grant, not even in an emergency; the new consent revision."""
    return _changed(
        conn,
        resident,
        emergency_refused=on,
        consent_revision=resident_state.c.consent_revision + 1,
    )


def _changed(conn: Connection, resident: UUID, **values: Any) -> int:
    row = conn.execute(
        update(resident_state)
        .where(resident_state.c.resident_id == resident)
        .values(**values)
        .returning(resident_state.c.consent_revision)
    ).first()
    if row is None:
        raise NotFound
    return int(row.consent_revision)


def erased(conn: Connection) -> set[UUID]:
    """Everybody whose file is closed."""
    return set(conn.scalars(select(residents.c.resident_id).where(residents.c.status == ERASED)))


def known(conn: Connection, many: Sequence[UUID]) -> set[UUID]:
    """Those of these ids who are, or were, somebody's."""
    found = select(residents.c.resident_id).where(residents.c.resident_id.in_(many))
    return set(conn.scalars(found))


def profile(conn: Connection, permit: Permit) -> ProfileRow:
    rows = _PROFILE.rows(conn, {"resident": permit.subject.bytes, "revision": permit.revision})
    if not rows or rows[0][0] is None:
        raise Withdrawn
    return ProfileRow(bytes(rows[0][0]), rows[0][1])


def keep_profile(conn: Connection, resident: UUID, sealed: bytes, rev: int) -> None:
    """Replace the sealed profile. After `advance` only."""
    conn.execute(
        update(residents)
        .where(residents.c.resident_id == resident, residents.c.status == ACTIVE)
        .values(sealed_profile=sealed, profile_rev=rev)
    )


def empty(conn: Connection, resident: UUID) -> None:
    """Leave the shell of an erased resident. After `advance` only."""
    conn.execute(
        update(residents)
        .where(residents.c.resident_id == resident)
        .values(status=ERASED, sealed_profile=None)
    )
    bump_consent(conn, resident)
