"""Rows of what residents keep: sealed parts of records, and sealed days of dense series.

In the clear are only random or keyed values: the owner, `rev` (the owner's own counter), the day
shifted by a secret number of days, and tags that compare inside one owner and nowhere else.
`record_key` is the vault's keyed hash of the client's id: a client's UUIDv7 would tell the time.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, SmallInteger, Table

from service.kit.column_types import UuidBytes
from service.kit.engines import metadata
from service.kit.guard import PROTECTED

record_parts = Table(
    "record_parts",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("record_key", LargeBinary(16), primary_key=True),
    # One part a data class; eight zero bytes for the tombstone of a deleted record.
    Column("class_tag", LargeBinary(8), primary_key=True),
    Column("day", Integer, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_record_parts_day", "resident_id", "day"),
    info={PROTECTED: "data"},
)

series_days = Table(
    "series_days",
    metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("measure_tag", LargeBinary(8), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    # A day that outgrows its measure's fixed frame goes on in the next one.
    Column("frame_no", SmallInteger, primary_key=True, autoincrement=False),
    Column("class_tag", LargeBinary(8), nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    info={PROTECTED: "data"},
)
