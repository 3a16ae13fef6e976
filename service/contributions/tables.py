"""The rows of contributions: a pseudonym and a ciphertext of one fixed size. Nothing else."""

from sqlalchemy import CheckConstraint, Column, LargeBinary, Table

from service.kit.engines import metadata

contributions = Table(
    "contributions",
    metadata,
    Column("pseudonym", LargeBinary(16), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    CheckConstraint("length(pseudonym) = 16", name="pseudonym_size"),
    CheckConstraint("length(sealed) = 104", name="sealed_size"),
    # Stored by pseudonym: the order of rows must not tell the order in which people joined.
    sqlite_with_rowid=False,
)
