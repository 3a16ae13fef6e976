"""access_tallies: what the vault opened for others, to compare with the access log

Revision: access_tallies, after requests.
"""

import sqlalchemy as sa
from alembic import op

revision = "access_tallies"
down_revision = "requests"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_tallies",
        sa.Column("process", sa.LargeBinary(length=16), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("process", "day", name=op.f("pk_access_tallies")),
        comment="What a process opened for others on a day, sealed by the service for itself.",
    )


def downgrade() -> None:
    op.drop_table("access_tallies")
