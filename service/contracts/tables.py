"""Rows of contracts between a resident and a family doctor."""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, text

from service.kit.column_types import UuidBytes
from service.kit.engines import metadata
from service.kit.guard import PROTECTED

contracts = Table(
    "contracts",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("contract_id", UuidBytes, primary_key=True),
    Column("practitioner_id", UuidBytes, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("sealed_body", LargeBinary, nullable=False),
    Index("ix_contracts_practitioner", "practitioner_id", "active"),
    # One active contract a resident, whatever two requests do at the same moment.
    Index(
        "uq_contracts_active",
        "resident_id",
        unique=True,
        sqlite_where=text("active"),
        postgresql_where=text("active"),
    ),
    info={PROTECTED: "policy"},
)
