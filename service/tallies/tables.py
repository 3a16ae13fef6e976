"""Rows of tallies and of the days they were compared on: added and changed, never deleted."""

from sqlalchemy import Column, Integer, LargeBinary, Table

from service.kit.column_types import Instant, UuidBytes
from service.kit.engines import metadata

access_tallies = Table(
    "access_tallies",
    metadata,
    Column("process", UuidBytes, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    comment="What a process opened for others on a day, sealed by the service for itself.",
)

access_reconciled = Table(
    "access_reconciled",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("begun", Instant, nullable=False),
    Column("sealed", LargeBinary),
    comment="Days compared with the log: when a process began, and its sealed mark at the end.",
)
