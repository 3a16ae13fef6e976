"""Rows of the keystore, a database of its own with its own backups and short retention."""

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text

from service.kit.db import NAMING, Instant, UuidBytes

keystore_metadata = MetaData(naming_convention=NAMING)

kek_check = Table(
    "kek_check",
    keystore_metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("deployment", LargeBinary(16), nullable=False),
    Column("check_value", LargeBinary, nullable=False),
    comment="One row a root key version: proof that the key file is the right one.",
)

keyrings = Table(
    "keyrings",
    keystore_metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("kek_version", Integer, nullable=False),
    Column("wrapped_rdek", LargeBinary, nullable=False),
    Column("sealed_document", LargeBinary, nullable=False),
    comment="One row a resident, always of one size: it does not show which classes exist.",
)

tombstones = Table(
    "tombstones",
    keystore_metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    comment="Whose keys were destroyed; replayed after any restore.",
)

system_keys = Table(
    "system_keys",
    keystore_metadata,
    Column("name", Text, primary_key=True),
    Column("kid", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("stage", Text, nullable=False),
    Column("kek_version", Integer, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    comment="Blind-index, secret and signing keys, wrapped by the root key.",
)
