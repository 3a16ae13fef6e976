"""Rows of the access log: entries that are only ever added, and what is known of their whole.

| table | rows are |
|---|---|
| `access_log`, `access_nodes`, `access_checkpoints` | added, never changed or deleted |
| `access_heads`, `access_tree` | added and changed, never deleted |
| `access_buckets` | added and deleted: derived from the heads at each checkpoint |
"""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table, Text

from service.kit.column_types import Instant, UuidBytes
from service.kit.engines import metadata
from service.kit.guard import PROTECTED

OPEN = {PROTECTED: "open"}
"""Random ids, numbers and hashes: proofs read those of other residents' entries."""

access_log = Table(
    "access_log",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True, info=OPEN),
    Column("seq", BigInteger, primary_key=True, autoincrement=False, info=OPEN),
    Column("leaf", BigInteger, nullable=False, unique=True, info=OPEN),
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
    Column("previous_hash", LargeBinary(32), nullable=False, info=OPEN),
    Column("hash", LargeBinary(32), nullable=False, info=OPEN),
    comment="Every look at a resident's data, denied ones too. Classes are sealed; no values.",
    info={PROTECTED: "log"},
)

access_heads = Table(
    "access_heads",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    comment="Last entry of each resident's chain.",
)

access_tree = Table(
    "access_tree",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("edge", LargeBinary, nullable=False),
    Column("checkpoints", BigInteger, nullable=False),
    comment="The one row, 1, of the tree over all entries; locked while entries are added.",
)

access_nodes = Table(
    "access_nodes",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
    comment="Complete subtrees of 256, 65,536, ... entries, so that proofs read few hashes.",
)

access_checkpoints = Table(
    "access_checkpoints",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("text", Text, nullable=False),
    comment="Signed statements of what the whole log was; public, they tell of nobody.",
)

access_buckets = Table(
    "access_buckets",
    metadata,
    Column("checkpoint", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
    comment="Roots of all buckets of heads under the newest checkpoint, for proofs.",
)
