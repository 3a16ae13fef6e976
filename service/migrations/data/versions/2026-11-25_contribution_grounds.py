"""what contributions were made from

Revision: contribution_grounds, after appeals.
"""

import sqlalchemy as sa
from alembic import op

revision = "contribution_grounds"
down_revision = "appeals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contribution_grounds",
        sa.Column("resident_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("resident_id", name=op.f("pk_contribution_grounds")),
        comment="A digest of what a contribution rests on and its last day, sealed by the service.",
    )


def downgrade() -> None:
    op.drop_table("contribution_grounds")
