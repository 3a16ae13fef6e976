"""Publishing: charge and commit, then draw and keep in one commit. Nothing leaves in between.

After a crash between the two the release is drawn again under the same charge; the attempt is
counted before each draw and shown in the manifest, so nobody can roll the dice in secret. Of all
processes one publishes at a time: two that drew at once would have rolled twice.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from consent.vocabulary import Text
from service.domain.anonymity import noise
from service.domain.anonymity.cells import Universe
from service.domain.anonymity.consistency import consistent
from service.domain.anonymity.count import Tally
from service.domain.anonymity.estimates import Precision
from service.domain.anonymity.noise import Measured
from service.domain.anonymity.rows import Publication, Row
from service.domain.anonymity.specification import Specification
from service.kit.db import Database
from service.kit.errors import Conflict, IntegrityBroken
from service.releases import artifact as artifacts
from service.releases import manifest as manifests
from service.releases import store
from service.releases.artifact import Signer
from service.releases.calendar import Period
from service.releases.store import Artifact, Charge, SignedSpecification

T = TypeVar("T")

BUDGET_SPENT = Text(
    "本年度的隐私预算已用完，不能再发布。",
    "The privacy budget is spent: nothing more can be published.",
)
VOIDED = Text("该期发布已作废，预算不退还。", "This release was voided; its charge stays.")
OTHER_SPECIFICATION = Text(
    "该期发布已按另一份规范计入预算，不能按现行规范重新生成。",
    "This release was charged under another specification: it cannot be made under this one.",
)


def publish(
    db: Database,
    *,
    universe: Universe,
    tally: Callable[[], Tally],
    signer: Signer,
    period: Period,
    now: datetime,
) -> Artifact:
    """The release of a period: made once, the same bytes ever after.

    `tally` counts when called; it is not called when the release exists.
    """
    with db.alone("publishing"):
        known = db.read(lambda conn: store.artifact(conn, period.release_id))
        if known is not None:
            return known
        return _made(db, universe, tally(), signer, period, now)


def _made(
    db: Database, universe: Universe, exact: Tally, signer: Signer, period: Period, now: datetime
) -> Artifact:
    specification = universe.specification
    _twice(lambda: db.write(lambda conn: announce(conn, specification, signer, now)))
    attempt = _twice(lambda: db.write(lambda conn: charge(conn, universe, period, now)))
    rows = make_rows(universe, exact)
    return _twice(
        lambda: db.write(
            lambda conn: keep(conn, universe, period, rows, attempt=attempt, signer=signer, now=now)
        )
    )


def announce(conn: Connection, specification: Specification, signer: Signer, now: datetime) -> None:
    """Sign and keep the specification before the first run under it."""
    if store.specification(conn, specification.sha256) is not None:
        return
    signature = artifacts.sign(specification.source, signer, artifacts.SPECIFICATION_TYPE)
    kept = SignedSpecification(
        specification.sha256, specification.version, specification.source, signature, now
    )
    store.add_specification(conn, kept)


def charge(conn: Connection, universe: Universe, period: Period, now: datetime) -> int:
    """Charge a period once and count an attempt to draw it; Conflict when the cap is reached."""
    specification = universe.specification
    known = store.locked_charge_of(conn, period.release_id)
    if known is not None and known.voided_at is not None:
        raise Conflict(VOIDED, code="release-voided")
    if known is not None and known.specification_sha256 != specification.sha256:
        # What is drawn under another plan may cost more than was charged.
        raise Conflict(OTHER_SPECIFICATION, code="budget-spent")
    if known is None:
        budget = specification.budget
        nano_rho = specification.release_nano_rho(universe.cadence)
        scope = f"year:{period.year}"
        caps = {scope: budget.year_nano_rho, store.LIFETIME: budget.lifetime_nano_rho}
        for name, cap in caps.items():
            store.open_budget(conn, name, cap)
        # Before spending: another worker with the same release waits here, not at a full budget.
        store.add_charge(
            conn,
            Charge(
                period.release_id,
                scope,
                nano_rho,
                nano_rho,
                specification.sha256,
                now,
                None,
            ),
        )
        if not all(store.spend(conn, name, nano_rho) for name in caps):
            raise Conflict(BUDGET_SPENT, code="budget-spent")
    return store.add_attempt(conn, period.release_id, now)


def void(conn: Connection, *, release_id: str, now: datetime) -> bool:
    """Give up a charged release that has no artifact. The charge stays."""
    # Against a worker who keeps the artifact at this moment: one of the two waits for the other.
    store.locked_charge_of(conn, release_id)
    if store.artifact(conn, release_id) is not None:
        return False
    return store.void(conn, release_id, now)


def make_rows(universe: Universe, exact: Tally) -> list[Row]:
    """Draw the noise and make the tables; called once an attempt, with no connection at hand."""
    return rows_of(universe, noise.draw(exact.of(universe), universe))


def rows_of(universe: Universe, measured: Measured) -> list[Row]:
    """The tables that follow from noisy measurements, and from nothing else."""
    precision = Precision.of(universe)
    estimates = precision.estimate(measured)
    counts = consistent(estimates, universe.tables)
    return list(Publication(universe, precision, measured, estimates, counts).rows())


def keep(
    conn: Connection,
    universe: Universe,
    period: Period,
    rows: list[Row],
    *,
    attempt: int,
    signer: Signer,
    now: datetime,
) -> Artifact:
    """Insert the signed artifact as the next link of the chain, unless another worker was first.

    Conflict when the release was voided since it was charged.
    """
    charged = store.locked_charge_of(conn, period.release_id)
    known = store.artifact(conn, period.release_id)
    if known is not None:
        return known
    if charged is not None and charged.voided_at is not None:
        raise Conflict(VOIDED, code="release-voided")
    latest = store.latest(conn)
    previous = latest and (latest.release_id, latest.manifest_sha256)
    table = artifacts.csv_bytes(rows)
    manifest = manifests.build(
        universe,
        period,
        rows,
        table,
        attempt=attempt,
        previous=previous,
        published_at=now,
    )
    kept = Artifact(
        release_id=period.release_id,
        sequence=latest.sequence + 1 if latest else 1,
        published_at=now,
        csv=table,
        csv_sha256=artifacts.sha256(table),
        manifest=manifest,
        manifest_sha256=artifacts.sha256(manifest),
        previous_sha256=latest.manifest_sha256 if latest else None,
        signature=artifacts.sign(manifest, signer),
        public_key=artifacts.raw_public_key(signer),
    )
    store.add_artifact(conn, kept)
    return kept


def verify_chain(conn: Connection) -> int:
    """Check every stored release against its signature and the one before; how many there are."""
    previous: bytes | None = None
    count = 0
    for release_id, _, _ in store.manifests(conn):
        kept = store.artifact(conn, release_id)
        assert kept is not None
        signed = artifacts.verify(
            kept.signature, kept.public_key, csv_content=kept.csv, previous=previous
        )
        if signed["release_id"] != release_id or artifacts.sha256(kept.manifest) != (
            kept.manifest_sha256
        ):
            raise IntegrityBroken
        previous = kept.manifest
        count += 1
    return count


def _twice(step: Callable[[], T]) -> T:
    """Another worker may insert the same row first; then the second look finds it."""
    try:
        return step()
    except IntegrityError:
        return step()
