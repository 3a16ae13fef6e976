"""Rows of requests for consent, and of who was introduced to whom."""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, text

from service.kit.column_types import UuidBytes
from service.kit.engines import metadata
from service.kit.guard import PROTECTED

consent_requests = Table(
    "consent_requests",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("request_id", UuidBytes, primary_key=True),
    Column("practitioner_id", UuidBytes, nullable=False),
    Column("pending", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("sealed_body", LargeBinary, nullable=False),
    # One open question of one practitioner to one resident, however often it is asked.
    Index(
        "uq_consent_requests_pending",
        "resident_id",
        "practitioner_id",
        unique=True,
        sqlite_where=text("pending"),
        postgresql_where=text("pending"),
    ),
    info={PROTECTED: "policy"},
)
"""For what is asked, when, and what was answered is sealed."""

introductions = Table(
    "introductions",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("practitioner_id", UuidBytes, primary_key=True),
    info={PROTECTED: "policy"},
)
"""Who held up their code to whom; only they and those who know each other already may be asked."""
