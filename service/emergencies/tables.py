"""Rows of break-glass: which practitioner opened whose record in an emergency."""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, text

from service.kit.column_types import UuidBytes
from service.kit.engines import metadata
from service.kit.guard import PROTECTED

emergency_sessions = Table(
    "emergency_sessions",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("session_id", UuidBytes, primary_key=True),
    Column("practitioner_id", UuidBytes, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("sealed_body", LargeBinary, nullable=False),
    # One open session of one practitioner on one resident, whatever two requests do at once.
    Index(
        "uq_emergency_sessions_open",
        "resident_id",
        "practitioner_id",
        unique=True,
        sqlite_where=text("open"),
        postgresql_where=text("open"),
    ),
    info={PROTECTED: "policy"},
)
"""`open` stays true until somebody closes the session; that four hours are over is judged from the
sealed instant at which it was opened. The reason is sealed as well."""
