"""guardians of children

Revision: guardians, after access_tree.
"""

import sqlalchemy as sa
from alembic import op

revision = "guardians"
down_revision = "access_tree"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "guardianships",
        sa.Column("resident_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("guardianship_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("tag", sa.LargeBinary(length=16), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sealed_body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("resident_id", "guardianship_id", name=op.f("pk_guardianships")),
        sqlite_with_rowid=False,
    )
    op.create_index("uq_guardianships_tag", "guardianships", ["tag"], unique=True)
    op.create_table(
        "guardian_codes",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("resident_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("sealed_body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_guardian_codes")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_guardian_codes_resident", "guardian_codes", ["resident_id"])


def downgrade() -> None:
    op.drop_index("ix_guardian_codes_resident", table_name="guardian_codes")
    op.drop_table("guardian_codes")
    op.drop_index("uq_guardianships_tag", table_name="guardianships")
    op.drop_table("guardianships")
