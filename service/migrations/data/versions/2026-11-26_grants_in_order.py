"""grants_in_order: those who gave a grant to somebody are met in the order of their ids

Revision: grants_in_order, after pulled_releases.
"""

from alembic import op

revision = "grants_in_order"
down_revision = "pulled_releases"
branch_labels = None
depends_on = None

_BEFORE = ["grantee_kind", "grantee_id", "status"]


def upgrade() -> None:
    op.drop_index("ix_grants_grantee", "grants")
    op.create_index("ix_grants_grantee", "grants", [*_BEFORE, "resident_id"])


def downgrade() -> None:
    op.drop_index("ix_grants_grantee", "grants")
    op.create_index("ix_grants_grantee", "grants", _BEFORE)
