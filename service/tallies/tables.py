"""Rows of tallies: added and changed while their process lives, never deleted."""

from sqlalchemy import Column, Integer, LargeBinary, Table

from service.kit.db import UuidBytes, metadata

access_tallies = Table(
    "access_tallies",
    metadata,
    Column("process", UuidBytes, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    comment="What a process opened for others on a day, sealed by the service for itself.",
)
