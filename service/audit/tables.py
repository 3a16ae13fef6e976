"""Rows of the access log: entries that are only ever added, and the head of each chain."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table, Text

from service.kit.db import Instant, UuidBytes, metadata
from service.kit.guard import PROTECTED

access_log = Table(
    "access_log",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("actor_name", Text),
    Column("on_behalf_of", Text),
    Column("automatic", Boolean, nullable=False),
    Column("action", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("classes", LargeBinary, nullable=False),
    Column("decision", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("grant_id", UuidBytes),
    Column("revision", BigInteger, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("previous_hash", LargeBinary(32), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    comment="Every look at a resident's data, denied ones too. Classes are sealed; no values.",
    info={PROTECTED: "log"},
)

access_heads = Table(
    "access_heads",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    comment="Last entry of each resident's chain; locked while entries are added.",
)
