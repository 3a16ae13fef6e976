"""Rows of grants. What a grant allows is sealed; only what finding it needs is in the clear."""

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table

from service.kit.column_types import UuidBytes
from service.kit.engines import metadata
from service.kit.guard import PROTECTED

grants = Table(
    "grants",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("grant_id", UuidBytes, primary_key=True),
    # Grantee and status are in the clear so that a panel and the contribution job can find their
    # grants. They are repeated inside the sealed body, and the two are compared at every opening.
    Column("grantee_kind", String(16), nullable=False),
    Column("grantee_id", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("sealed_body", LargeBinary, nullable=False),
    # With the resident, so that those who gave something to the city are met in order of their ids.
    Index("ix_grants_grantee", "grantee_kind", "grantee_id", "status", "resident_id"),
    info={PROTECTED: "policy"},
)

ACTIVE = "active"
WITHDRAWN = "withdrawn"
