"""appeals to levels and records

Revision: appeals, after access_watch.
"""

import sqlalchemy as sa
from alembic import op

revision = "appeals"
down_revision = "access_watch"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "appeals",
        sa.Column("resident_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("appeal_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("for_doctor", sa.Boolean(), nullable=False),
        sa.Column("due", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sealed_body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("resident_id", "appeal_id", name=op.f("pk_appeals")),
    )


def downgrade() -> None:
    op.drop_table("appeals")
