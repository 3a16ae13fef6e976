"""Rows of the prompt: what it is made from, what it says now, what it said before.

Every resident has one row for each slot of `latest` from registration on, always in frames of
one size, so that neither row counts nor lengths tell what somebody measures.
"""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table

from service.kit.column_types import UuidBytes
from service.kit.engines import metadata
from service.kit.guard import PROTECTED

latest = Table(
    "latest",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    # The tag of a data class, or of the owner's slot for the head (level, index, since when).
    Column("class_tag", LargeBinary(8), primary_key=True),
    Column("rev", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    info={PROTECTED: "data"},
)

prompt_now = Table(
    "prompt_now",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    # The highest `rev` of `latest` when it was assessed: older than that means out of date.
    Column("rev", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    info={PROTECTED: "data"},
)

prompt_history = Table(
    "prompt_history",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("rev", BigInteger, primary_key=True, autoincrement=False),
    # The level may move again by time alone, without a write that would take a new `rev`.
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    info={PROTECTED: "data"},
)
