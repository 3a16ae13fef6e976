"""The only SQL of releases: charge, attempt, keep once, read."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from service.releases.tables import artifacts, attempts, budgets, charges, specifications

LIFETIME = "lifetime"


class Charge(NamedTuple):
    release_id: str
    scope: str
    nano_rho: int
    cap_nano_rho: int
    specification_sha256: str
    charged_at: datetime
    voided_at: datetime | None


class Artifact(NamedTuple):
    """A published release as stored: these bytes never change."""

    release_id: str
    sequence: int
    published_at: datetime
    csv: bytes
    csv_sha256: str
    manifest: bytes
    manifest_sha256: str
    previous_sha256: str | None
    signature: str
    public_key: bytes


class Budget(NamedTuple):
    scope: str
    cap_nano_rho: int
    spent_nano_rho: int


class SignedSpecification(NamedTuple):
    sha256: str
    version: str
    source: bytes
    signature: str
    signed_at: datetime


def charge_of(conn: Connection, release_id: str) -> Charge | None:
    row = conn.execute(_charge(release_id)).first()
    return None if row is None else Charge._make(row)


def locked_charge_of(conn: Connection, release_id: str) -> Charge | None:
    """As `charge_of`, for a worker who counts an attempt: another one counts after the commit."""
    row = conn.execute(_charge(release_id).with_for_update()).first()
    return None if row is None else Charge._make(row)


def _charge(release_id: str) -> Select[Any]:
    return select(charges).where(charges.c.release_id == release_id)


def open_budget(conn: Connection, scope: str, cap_nano_rho: int) -> None:
    """Make sure the scope has a row. A cap that exists is never changed here."""
    known = conn.execute(select(budgets.c.scope).where(budgets.c.scope == scope)).first()
    if known is None:
        row = {"scope": scope, "cap_nano_rho": cap_nano_rho, "spent_nano_rho": 0}
        conn.execute(insert(budgets).values(row))


def spend(conn: Connection, scope: str, nano_rho: int) -> bool:
    """Take from a budget; False when the cap does not allow it. Locks the row until commit."""
    allowed = budgets.c.spent_nano_rho + nano_rho <= budgets.c.cap_nano_rho
    done = conn.execute(
        update(budgets)
        .where(budgets.c.scope == scope, allowed)
        .values(spent_nano_rho=budgets.c.spent_nano_rho + nano_rho)
    )
    return done.rowcount == 1


def add_charge(conn: Connection, charge: Charge) -> None:
    conn.execute(insert(charges).values(charge._asdict()))


def void(conn: Connection, release_id: str, now: datetime) -> bool:
    done = conn.execute(
        update(charges)
        .where(charges.c.release_id == release_id, charges.c.voided_at.is_(None))
        .values(voided_at=now)
    )
    return done.rowcount == 1


def add_attempt(conn: Connection, release_id: str, now: datetime) -> int:
    """Record that noise is about to be drawn; its number, counted from one."""
    attempt = attempt_of(conn, release_id) + 1
    row = {"release_id": release_id, "attempt": attempt, "started_at": now}
    conn.execute(insert(attempts).values(row))
    return attempt


def attempt_of(conn: Connection, release_id: str) -> int:
    latest = select(func.max(attempts.c.attempt)).where(attempts.c.release_id == release_id)
    return conn.execute(latest).scalar() or 0


def artifact(conn: Connection, release_id: str) -> Artifact | None:
    return artifact_of(
        conn.execute(select(artifacts).where(artifacts.c.release_id == release_id)).first()
    )


def latest(conn: Connection) -> Artifact | None:
    return artifact_of(
        conn.execute(select(artifacts).order_by(artifacts.c.sequence.desc()).limit(1)).first()
    )


def add_artifact(conn: Connection, kept: Artifact) -> None:
    conn.execute(insert(artifacts).values(kept._asdict()))


def manifests(conn: Connection) -> list[tuple[str, bytes, str]]:
    """(release id, manifest, signature) of every release, oldest first."""
    found = select(artifacts.c.release_id, artifacts.c.manifest, artifacts.c.signature)
    rows = conn.execute(found.order_by(artifacts.c.sequence)).all()
    return [(row[0], bytes(row[1]), row[2]) for row in rows]


def all_budgets(conn: Connection) -> list[Budget]:
    return [Budget._make(row) for row in conn.execute(select(budgets).order_by(budgets.c.scope))]


def ledger(conn: Connection) -> list[tuple[Charge, int, bool]]:
    """Every charge with its number of attempts and whether an artifact came of it."""
    tries = (
        select(attempts.c.release_id, func.max(attempts.c.attempt).label("tries"))
        .group_by(attempts.c.release_id)
        .subquery()
    )
    found = (
        select(charges, tries.c.tries, artifacts.c.sequence)
        .outerjoin(tries, tries.c.release_id == charges.c.release_id)
        .outerjoin(artifacts, artifacts.c.release_id == charges.c.release_id)
        .order_by(charges.c.charged_at, charges.c.release_id)
    )
    return [
        (Charge._make(row[:-2]), row[-2] or 0, row[-1] is not None) for row in conn.execute(found)
    ]


def specification(conn: Connection, sha256: str) -> SignedSpecification | None:
    row = conn.execute(select(specifications).where(specifications.c.sha256 == sha256)).first()
    if row is None:
        return None
    kept = SignedSpecification._make(row)
    return kept._replace(source=bytes(kept.source))


def add_specification(conn: Connection, kept: SignedSpecification) -> None:
    conn.execute(insert(specifications).values(kept._asdict()))


def artifact_of(row: Row[Any] | None) -> Artifact | None:
    """The artifact in a row of its fields, in their order."""
    if row is None:
        return None
    kept = Artifact._make(row)
    return kept._replace(
        csv=bytes(kept.csv), manifest=bytes(kept.manifest), public_key=bytes(kept.public_key)
    )
