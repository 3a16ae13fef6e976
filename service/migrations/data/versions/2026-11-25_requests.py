"""requests for consent, and who was introduced to whom

Revision: requests, after emergencies.
"""

import sqlalchemy as sa
from alembic import op

revision = "requests"
down_revision = "emergencies"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consent_requests",
        sa.Column("resident_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("request_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("practitioner_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sealed_body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("resident_id", "request_id", name=op.f("pk_consent_requests")),
    )
    op.create_index(
        "uq_consent_requests_pending",
        "consent_requests",
        ["resident_id", "practitioner_id"],
        unique=True,
        sqlite_where=sa.text("pending"),
        postgresql_where=sa.text("pending"),
    )
    op.create_table(
        "introductions",
        sa.Column("resident_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("practitioner_id", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("resident_id", "practitioner_id", name=op.f("pk_introductions")),
    )


def downgrade() -> None:
    op.drop_table("introductions")
    op.drop_index("uq_consent_requests_pending", table_name="consent_requests")
    op.drop_table("consent_requests")
