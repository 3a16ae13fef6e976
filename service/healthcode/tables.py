"""Rows of health codes: a look-up table by the code itself, emptied as codes are replaced."""

from sqlalchemy import Boolean, Column, Index, LargeBinary, Table

from service.kit.column_types import Instant, UuidBytes
from service.kit.engines import metadata
from service.kit.guard import PROTECTED

health_codes = Table(
    "health_codes",
    metadata,
    # A digest of the random code: a stolen table shows no code that could be used.
    Column("code_hash", LargeBinary(32), primary_key=True),
    Column("resident_id", UuidBytes, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used", Boolean, nullable=False),
    Index("ix_health_codes_resident", "resident_id"),
    info={PROTECTED: "policy"},
)
