"""access_reconciled: which days of the log were compared with what the vault opened

Revision: access_reconciled, after grants_in_order.
"""

import sqlalchemy as sa
from alembic import op

revision = "access_reconciled"
down_revision = "grants_in_order"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_reconciled",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("begun", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_access_reconciled")),
        comment="Days compared with the log: when a process began, and its sealed mark at the end.",
    )


def downgrade() -> None:
    op.drop_table("access_reconciled")
