"""Rows of guardianships. Who is whose guardian is never in the clear: an edge names a family."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table

from service.kit.column_types import UuidBytes
from service.kit.engines import metadata
from service.kit.guard import PROTECTED

guardianships = Table(
    "guardianships",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("guardianship_id", UuidBytes, primary_key=True),
    Column("tag", LargeBinary(16), nullable=True),
    Column("version", Integer, nullable=False),
    Column("sealed_body", LargeBinary, nullable=False),
    # NULL once ended. What two requests do at the same moment finds the same tag taken.
    Index("uq_guardianships_tag", "tag", unique=True),
    # Stored by key: the order of rows must not tell which children began at the same moment.
    sqlite_with_rowid=False,
    info={PROTECTED: "policy"},
)
"""`resident_id` is the child. `tag` is HMAC(K_bi, guardian and place): each guardian has a few
numbered places with unrelated tags, so siblings share nothing either. The body is sealed under the
child's policy slot; a guardian's own keys seal nothing here, for ciphertexts of one key name it."""

guardian_codes = Table(
    "guardian_codes",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("resident_id", UuidBytes, nullable=False),
    Column("sealed_body", LargeBinary, nullable=False),
    Index("ix_guardian_codes_resident", "resident_id"),
    sqlite_with_rowid=False,
    info={PROTECTED: "policy"},
)
"""One-time codes that are open: for a second guardian, or for the young person who takes over."""
