"""clinics, posts and the history of policy

Clinics are made of the names that practitioners carry; everybody there becomes a family doctor.

Revision: clinics, after sign_in_at_full_strength.
"""

import unicodedata
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "clinics"
down_revision = "sign_in_at_full_strength"
branch_labels = None
depends_on = None

FAMILY_DOCTOR = "family-doctor"


def upgrade() -> None:
    op.create_table(
        "clinics",
        sa.Column("clinic_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("normal_name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", name=op.f("pk_clinics")),
        sa.UniqueConstraint("normal_name", name=op.f("uq_clinics_normal_name")),
    )
    op.create_table(
        "practitioner_posts",
        sa.Column("practitioner_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("since", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("clinic_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("practitioner_id", "since", name=op.f("pk_practitioner_posts")),
    )
    op.create_table(
        "policy_history",
        sa.Column("resident_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("row_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("sealed_body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("resident_id", "row_id", name=op.f("pk_policy_history")),
    )
    with op.batch_alter_table("practitioners") as batch_op:
        batch_op.add_column(sa.Column("clinic_id", sa.LargeBinary(length=16), nullable=True))
        batch_op.add_column(
            sa.Column("role", sa.String(length=32), server_default=FAMILY_DOCTOR, nullable=False)
        )
        batch_op.add_column(
            sa.Column("disabled", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.create_index("ix_practitioners_clinic", ["clinic_id"])
    with op.batch_alter_table("grants") as batch_op:
        # A role at a clinic is named by the clinic's id and a word.
        batch_op.alter_column(
            "grantee_id", existing_type=sa.String(length=36), type_=sa.String(length=64)
        )
    _make_clinics(op.get_bind())


def _make_clinics(conn: sa.Connection) -> None:
    clinics = sa.table(
        "clinics", sa.column("clinic_id"), sa.column("name"), sa.column("normal_name")
    )
    practitioners = sa.table(
        "practitioners",
        sa.column("practitioner_id"),
        sa.column("clinic"),
        sa.column("clinic_id"),
    )
    posts = sa.table(
        "practitioner_posts",
        sa.column("practitioner_id"),
        sa.column("since"),
        sa.column("clinic_id"),
        sa.column("role"),
    )
    known: dict[str, bytes] = {}
    query = sa.select(practitioners.c.practitioner_id, practitioners.c.clinic)
    for practitioner, name in conn.execute(query).all():
        normal = " ".join(unicodedata.normalize("NFKC", name).split()).casefold()[:200]
        if normal not in known:
            known[normal] = uuid4().bytes
            row = {"clinic_id": known[normal], "name": name, "normal_name": normal}
            conn.execute(clinics.insert().values(row))
        mine = practitioners.c.practitioner_id == practitioner
        conn.execute(practitioners.update().where(mine).values(clinic_id=known[normal]))
        # Nothing is known of earlier posts: this one counts from the beginning.
        post = {
            "practitioner_id": practitioner,
            "since": 0,
            "clinic_id": known[normal],
            "role": FAMILY_DOCTOR,
        }
        conn.execute(posts.insert().values(post))


def downgrade() -> None:
    # Grants to a clinic or a role name what is taken away here; nobody else can hold them.
    op.execute("DELETE FROM grants WHERE grantee_kind IN ('clinic', 'role')")
    with op.batch_alter_table("grants") as batch_op:
        batch_op.alter_column(
            "grantee_id", existing_type=sa.String(length=64), type_=sa.String(length=36)
        )
    with op.batch_alter_table("practitioners") as batch_op:
        batch_op.drop_index("ix_practitioners_clinic")
        batch_op.drop_column("disabled")
        batch_op.drop_column("role")
        batch_op.drop_column("clinic_id")
    op.drop_table("policy_history")
    op.drop_table("practitioner_posts")
    op.drop_table("clinics")
