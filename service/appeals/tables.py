"""Rows of appeals: a resident objects to a level or to a record."""

from sqlalchemy import Boolean, Column, Integer, LargeBinary, Table

from service.kit.column_types import UuidBytes
from service.kit.engines import metadata
from service.kit.guard import PROTECTED

appeals = Table(
    "appeals",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("appeal_id", UuidBytes, primary_key=True),
    Column("open", Boolean, nullable=False),
    Column("for_doctor", Boolean, nullable=False),
    # The last day for an answer, moved by the resident's secret offset.
    Column("due", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("sealed_body", LargeBinary, nullable=False, info={PROTECTED: "data"}),
    info={PROTECTED: "policy"},
)
"""What it is about, why, when, and what was answered is sealed in one size under the keys of the
profile class, so that the signed doctor's permit opens it. In the clear is whether it waits for an
answer, and whether the doctor may read it."""
