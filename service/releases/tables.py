"""The ledger of the privacy budget and the releases it paid for.

Amounts are whole billionths of rho. The caps are CHECKs: the database refuses a charge above the
cap whatever the code above it does, and an artifact without a charge.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from service.kit.column_types import Instant
from service.kit.engines import metadata

HIGHEST_YEAR_NANO_RHO = 56_131_000
"""Epsilon 2 at delta 1e-9: no policy may allow more in a calendar year (releases.md)."""

budgets = Table(
    "release_budgets",
    metadata,
    Column("scope", Text, primary_key=True),  # "year:2026" or "lifetime"
    Column("cap_nano_rho", BigInteger, nullable=False),
    Column("spent_nano_rho", BigInteger, nullable=False),
    CheckConstraint("spent_nano_rho >= 0 AND spent_nano_rho <= cap_nano_rho", name="within_cap"),
    CheckConstraint(
        f"scope = 'lifetime' OR cap_nano_rho <= {HIGHEST_YEAR_NANO_RHO}", name="year_cap"
    ),
)

charges = Table(
    "release_charges",
    metadata,
    Column("release_id", Text, primary_key=True),
    Column("scope", Text, ForeignKey("release_budgets.scope"), nullable=False),
    Column("nano_rho", BigInteger, nullable=False),
    Column("cap_nano_rho", BigInteger, nullable=False),
    Column("specification_sha256", Text, nullable=False),
    Column("charged_at", Instant, nullable=False),
    Column("voided_at", Instant),
    CheckConstraint("nano_rho > 0 AND nano_rho <= cap_nano_rho", name="within_release_cap"),
    CheckConstraint(f"cap_nano_rho <= {HIGHEST_YEAR_NANO_RHO}", name="release_cap"),
)

attempts = Table(
    "release_attempts",
    metadata,
    Column("release_id", Text, ForeignKey("release_charges.release_id"), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("started_at", Instant, nullable=False),
    CheckConstraint("attempt >= 1", name="counted_from_one"),
)

artifacts = Table(
    "release_artifacts",
    metadata,
    Column("release_id", Text, ForeignKey("release_charges.release_id"), primary_key=True),
    Column("sequence", Integer, nullable=False, unique=True, autoincrement=False),
    Column("published_at", Instant, nullable=False),
    Column("csv", LargeBinary, nullable=False),
    Column("csv_sha256", Text, nullable=False),
    Column("manifest", LargeBinary, nullable=False),
    Column("manifest_sha256", Text, nullable=False),
    Column("previous_sha256", Text),
    Column("signature", Text, nullable=False),
    Column("public_key", LargeBinary(32), nullable=False),
    UniqueConstraint("previous_sha256"),
    # Only the first release has no predecessor, so the chain can neither fork nor start twice.
    CheckConstraint("(sequence = 1) = (previous_sha256 IS NULL)", name="one_chain"),
)

specifications = Table(
    "release_specifications",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("source", LargeBinary, nullable=False),
    Column("signature", Text, nullable=False),
    Column("signed_at", Instant, nullable=False),
)

nodes = Table(
    "release_nodes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("url", Text, nullable=False, unique=True),
)
"""Other publishers whose releases are pulled."""

node_keys = Table(
    "release_node_keys",
    metadata,
    Column("public_key", LargeBinary(32), primary_key=True),
    Column("node", Text, ForeignKey("release_nodes.name"), nullable=False),
    Column("kid", Text, nullable=False),
    Column("trusted_at", Instant, nullable=False),
    UniqueConstraint("node", "kid"),
)
"""The keys an operator let each of them sign with; a key speaks for one publisher only."""

pulled = Table(
    "release_pulled",
    metadata,
    Column("node", Text, ForeignKey("release_nodes.name"), primary_key=True),
    Column("release_id", Text, primary_key=True),
    Column("sequence", Integer, nullable=False, autoincrement=False),
    Column("published_at", Instant, nullable=False),
    Column("csv", LargeBinary, nullable=False),
    Column("csv_sha256", Text, nullable=False),
    Column("manifest", LargeBinary, nullable=False),
    Column("manifest_sha256", Text, nullable=False),
    Column("previous_sha256", Text),
    Column("signature", Text, nullable=False),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("pulled_at", Instant, nullable=False),
    # Whatever the code does, one node's releases are one chain and each is there once.
    UniqueConstraint("node", "sequence", name="uq_release_pulled_sequence"),
    UniqueConstraint("node", "manifest_sha256", name="uq_release_pulled_manifest_sha256"),
    UniqueConstraint("node", "previous_sha256", name="uq_release_pulled_previous_sha256"),
    CheckConstraint("(sequence = 1) = (previous_sha256 IS NULL)", name="one_chain"),
)
