"""Rows of reviews: every opening in an emergency is looked into afterwards."""

from sqlalchemy import Column, Index, String, Table

from service.kit.column_types import Instant, UuidBytes
from service.kit.engines import metadata

emergency_reviews = Table(
    "emergency_reviews",
    metadata,
    Column("review_id", UuidBytes, primary_key=True),
    Column("session_id", UuidBytes, nullable=False, unique=True),
    Column("resident_id", UuidBytes, nullable=False),
    Column("practitioner_id", UuidBytes, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("outcome", String(16), nullable=True),
    Column("reviewer", String(100), nullable=True),
    Column("closed_at", Instant, nullable=True),
    Index("ix_emergency_reviews_open", "closed_at"),
)
"""Who, when and which record, in the clear for those who review; the reason is sealed in the
session under the resident's key and is not for operators."""
