"""Rows of notices: what a resident is told in the app."""

from sqlalchemy import Boolean, Column, LargeBinary, Table

from service.kit.column_types import UuidBytes
from service.kit.engines import metadata
from service.kit.guard import PROTECTED

notices = Table(
    "notices",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("notice_id", UuidBytes, primary_key=True),
    Column("read", Boolean, nullable=False),
    Column("sealed_body", LargeBinary, nullable=False),
    info={PROTECTED: "policy"},
)
"""What is told, about whom and when is sealed in one size; only whether it was read is in clear."""
