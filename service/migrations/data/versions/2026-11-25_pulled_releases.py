"""other publishers that are trusted, and the releases pulled from them

Revision: pulled_releases, after contribution_grounds.
"""

import sqlalchemy as sa
from alembic import op

revision = "pulled_releases"
down_revision = "contribution_grounds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "release_nodes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_release_nodes")),
        sa.UniqueConstraint("url", name=op.f("uq_release_nodes_url")),
    )
    op.create_table(
        "release_node_keys",
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("trusted_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["node"], ["release_nodes.name"], name=op.f("fk_release_node_keys_node_release_nodes")
        ),
        sa.PrimaryKeyConstraint("public_key", name=op.f("pk_release_node_keys")),
        sa.UniqueConstraint("node", "kid", name=op.f("uq_release_node_keys_node")),
    )
    op.create_table(
        "release_pulled",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.Column("csv", sa.LargeBinary(), nullable=False),
        sa.Column("csv_sha256", sa.Text(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("manifest_sha256", sa.Text(), nullable=False),
        sa.Column("previous_sha256", sa.Text(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("pulled_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(sequence = 1) = (previous_sha256 IS NULL)", name=op.f("ck_release_pulled_one_chain")
        ),
        sa.ForeignKeyConstraint(
            ["node"], ["release_nodes.name"], name=op.f("fk_release_pulled_node_release_nodes")
        ),
        sa.PrimaryKeyConstraint("node", "release_id", name=op.f("pk_release_pulled")),
        sa.UniqueConstraint("node", "sequence", name=op.f("uq_release_pulled_sequence")),
        sa.UniqueConstraint(
            "node", "manifest_sha256", name=op.f("uq_release_pulled_manifest_sha256")
        ),
        sa.UniqueConstraint(
            "node", "previous_sha256", name=op.f("uq_release_pulled_previous_sha256")
        ),
    )


def downgrade() -> None:
    op.drop_table("release_pulled")
    op.drop_table("release_node_keys")
    op.drop_table("release_nodes")
