"""access_watch: unusual access to one's record, unusual reading by a practitioner

Revision: access_watch, after access_tallies.
"""

import sqlalchemy as sa
from alembic import op

revision = "access_watch"
down_revision = "access_tallies"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_watch",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_watch")),
        comment="The one row, 1: the next entry that nobody has looked through for unusual access.",
    )
    op.create_table(
        "access_readers",
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("patients", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("actor_id", "day", name=op.f("pk_access_readers")),
        comment="How many patients a practitioner read on a day, counted anew in each minute.",
    )


def downgrade() -> None:
    op.drop_table("access_readers")
    op.drop_table("access_watch")
