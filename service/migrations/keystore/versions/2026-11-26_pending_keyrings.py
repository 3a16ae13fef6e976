"""keyrings that wait for their person

Revision: pending_keyrings, after wrapped_keys_apart.

Keyrings from before are not put here: whoever met this keystore with another data store would
destroy them all.
"""

import sqlalchemy as sa
from alembic import op

revision = "pending_keyrings"
down_revision = "wrapped_keys_apart"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pending_keyrings",
        sa.Column("resident_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("resident_id", name=op.f("pk_pending_keyrings")),
        comment="Keyrings of which nobody has looked yet whether a person came to be: an hour's"
        " worth.",
    )
    op.create_index(op.f("ix_pending_keyrings_since"), "pending_keyrings", ["since"])


def downgrade() -> None:
    op.drop_index(op.f("ix_pending_keyrings_since"), table_name="pending_keyrings")
    op.drop_table("pending_keyrings")
