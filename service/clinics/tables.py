"""Rows of clinics, and of who worked where since when."""

from sqlalchemy import Column, String, Table

from service.kit.column_types import Instant, UuidBytes
from service.kit.engines import metadata

clinics = Table(
    "clinics",
    metadata,
    Column("clinic_id", UuidBytes, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("normal_name", String(200), nullable=False, unique=True),
)
"""A clinic is known by its name in one normal form, so that two spellings are not two clinics."""

practitioner_posts = Table(
    "practitioner_posts",
    metadata,
    Column("practitioner_id", UuidBytes, primary_key=True),
    Column("since", Instant, primary_key=True, autoincrement=False),
    Column("clinic_id", UuidBytes, nullable=False),
    Column("role", String(32), nullable=False),
)
"""Rows are only ever added: a replay of the past asks who worked where then. The present post is
repeated in `practitioners`, where the gate reads it at every request."""
