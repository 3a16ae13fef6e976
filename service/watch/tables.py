"""How far the access log was looked through, and how much practitioners read: added and changed."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from service.kit.engines import metadata

access_watch = Table(
    "access_watch",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("leaf", BigInteger, nullable=False),
    comment="The one row, 1: the next entry that nobody has looked through for unusual access.",
)

access_readers = Table(
    "access_readers",
    metadata,
    Column("actor_id", Text, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("patients", Integer, nullable=False),
    comment="How many patients a practitioner read on a day, counted anew in each minute.",
)
