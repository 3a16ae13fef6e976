"""Wrapped keys in small rows of their own

A rotation of the root key changes every wrapped key and no document. Beside the documents it would
rewrite all of them, a kilobyte for each sixty bytes.

Revision: wrapped_keys_apart, after life_of_keys.
"""

import sqlalchemy as sa
from alembic import op

revision = "wrapped_keys_apart"
down_revision = "life_of_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ring_keys",
        sa.Column("resident_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kek_version", sa.Integer(), nullable=False),
        sa.Column("wrapped_rdek", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("resident_id", name=op.f("pk_ring_keys")),
        comment="The wrapped key of each keyring. Small rows of their own: all change in a "
        "rotation.",
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 45},
    )
    op.execute(
        "INSERT INTO ring_keys (resident_id, kek_version, wrapped_rdek)"
        " SELECT resident_id, kek_version, wrapped_rdek FROM keyrings"
    )
    op.drop_column("keyrings", "kek_version")
    op.drop_column("keyrings", "wrapped_rdek")


def downgrade() -> None:
    op.add_column(
        "keyrings", sa.Column("kek_version", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column(
        "keyrings",
        sa.Column("wrapped_rdek", sa.LargeBinary(), nullable=False, server_default=""),
    )
    op.execute(
        "UPDATE keyrings SET kek_version = ("
        " SELECT kek_version FROM ring_keys WHERE ring_keys.resident_id = keyrings.resident_id)"
    )
    op.execute(
        "UPDATE keyrings SET wrapped_rdek = ("
        " SELECT wrapped_rdek FROM ring_keys WHERE ring_keys.resident_id = keyrings.resident_id)"
    )
    op.drop_table("ring_keys")
