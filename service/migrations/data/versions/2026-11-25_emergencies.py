"""emergency sessions, their reviews, notices

Revision: emergencies, after guardians.
"""

import sqlalchemy as sa
from alembic import op

revision = "emergencies"
down_revision = "guardians"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "emergency_sessions",
        sa.Column("resident_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("session_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("practitioner_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sealed_body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("resident_id", "session_id", name=op.f("pk_emergency_sessions")),
    )
    op.create_index(
        "uq_emergency_sessions_open",
        "emergency_sessions",
        ["resident_id", "practitioner_id"],
        unique=True,
        sqlite_where=sa.text("open"),
        postgresql_where=sa.text("open"),
    )
    op.create_table(
        "emergency_reviews",
        sa.Column("review_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("session_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("resident_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("practitioner_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("reviewer", sa.String(length=100), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("review_id", name=op.f("pk_emergency_reviews")),
        sa.UniqueConstraint("session_id", name=op.f("uq_emergency_reviews_session_id")),
    )
    op.create_index("ix_emergency_reviews_open", "emergency_reviews", ["closed_at"])
    op.create_table(
        "notices",
        sa.Column("resident_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("notice_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("read", sa.Boolean(), nullable=False),
        sa.Column("sealed_body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("resident_id", "notice_id", name=op.f("pk_notices")),
    )
    with op.batch_alter_table("resident_state") as batch_op:
        batch_op.add_column(
            sa.Column("emergency_refused", sa.Boolean(), server_default=sa.false(), nullable=False)
        )


def downgrade() -> None:
    with op.batch_alter_table("resident_state") as batch_op:
        batch_op.drop_column("emergency_refused")
    op.drop_table("notices")
    op.drop_index("ix_emergency_reviews_open", table_name="emergency_reviews")
    op.drop_table("emergency_reviews")
    op.drop_index("uq_emergency_sessions_open", table_name="emergency_sessions")
    op.drop_table("emergency_sessions")
