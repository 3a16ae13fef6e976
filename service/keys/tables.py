"""Rows of the keystore, a database of its own with its own backups and short retention."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, MetaData, Table, Text

from service.kit.column_types import Instant, UuidBytes
from service.kit.engines import NAMING

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
    Column("sealed_document", LargeBinary, nullable=False),
    comment="One row a resident, always of one size: it does not show which classes exist.",
)

ring_keys = Table(
    "ring_keys",
    keystore_metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("kek_version", Integer, nullable=False),
    Column("wrapped_rdek", LargeBinary, nullable=False),
    comment="The wrapped key of each keyring. Small rows of their own: all change in a rotation.",
    # In order of id, as a rewrap goes through them: a batch touches few pages.
    sqlite_with_rowid=False,
    # Room on each page for the new versions of its rows: the index then needs no change.
    postgresql_with={"fillfactor": 45},
)

pending_keyrings = Table(
    "pending_keyrings",
    keystore_metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("since", Instant, nullable=False, index=True),
    comment="Keyrings of which nobody has looked yet whether a person came to be: an hour's worth.",
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

root_key_versions = Table(
    "root_key_versions",
    keystore_metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("stage", Text, nullable=False),
    Column("since", Instant, nullable=False),
    comment="Where each version of the root key stands in its life, once it was rotated.",
)

class_tombstones = Table(
    "class_tombstones",
    keystore_metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    # The tag of the class under the resident's index key: which class it was, only their ring says.
    Column("class_tag", LargeBinary(8), primary_key=True),
    Column("at", Instant, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    # Numbers of the keys, four bytes each. `done` is false until the rows are gone for certain.
    Column("doomed", LargeBinary, nullable=False),
    Column("done", Boolean, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    comment="Whose keys of one class were destroyed; replayed after any restore.",
)

key_marks = Table(
    "key_marks",
    keystore_metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("dek_id", BigInteger, primary_key=True, autoincrement=False),
    # Each mark stands for 65,536 uses of the key, give or take.
    Column("marks", Integer, nullable=False),
    Column("destroyed", Boolean, nullable=False),
    comment="Keys that were used much, and keys that were destroyed and must never come back.",
)

renewals = Table(
    "renewals",
    keystore_metadata,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("since", Instant, nullable=False),
    comment="Residents whose data waits to be sealed anew under keys of a newer epoch.",
)

key_operators = Table(
    "key_operators",
    keystore_metadata,
    Column("name", Text, primary_key=True),
    Column("secret_hash", Text, nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("seal", LargeBinary(32), nullable=False),
    comment="Who may ask for, or confirm, the end of a root key version. argon2id hashes.",
)

destructions = Table(
    "destructions",
    keystore_metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", Instant, nullable=False),
    Column("approved_by", Text),
    Column("approved_at", Instant),
    Column("seal", LargeBinary(32), nullable=False),
    comment="Root key versions whose end one operator asked for and another confirmed.",
)
