"""sign in at full strength

Revision: sign_in_at_full_strength, after initial.
"""

import sqlalchemy as sa
from alembic import op

revision = "sign_in_at_full_strength"
down_revision = "initial"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "challenges",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=16), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_challenges")),
    )
    with op.batch_alter_table("challenges", schema=None) as batch_op:
        batch_op.create_index("ix_challenges_until", ["until"], unique=False)

    op.create_table(
        "client_keys",
        sa.Column("client_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("thumbprint", sa.String(length=43), nullable=False),
        sa.Column("jwk", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "thumbprint", name=op.f("pk_client_keys")),
    )
    op.create_table(
        "federated_logins",
        sa.Column("tag", sa.LargeBinary(length=16), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("tag", name=op.f("pk_federated_logins")),
    )
    with op.batch_alter_table("federated_logins", schema=None) as batch_op:
        batch_op.create_index("ix_federated_logins_subject", ["subject"], unique=False)

    op.create_table(
        "passkeys",
        sa.Column("tag", sa.LargeBinary(length=16), nullable=False),
        sa.Column("passkey_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tag", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("passkey_id", name=op.f("uq_passkeys_passkey_id")),
    )
    with op.batch_alter_table("passkeys", schema=None) as batch_op:
        batch_op.create_index("ix_passkeys_subject", ["subject"], unique=False)

    op.create_table(
        "sign_in_attempts",
        sa.Column("tag", sa.LargeBinary(length=16), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tag", name=op.f("pk_sign_in_attempts")),
    )
    with op.batch_alter_table("sign_in_attempts", schema=None) as batch_op:
        batch_op.create_index("ix_sign_in_attempts_last_at", ["last_at"], unique=False)

    op.create_table(
        "used_once",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_used_once")),
    )
    with op.batch_alter_table("used_once", schema=None) as batch_op:
        batch_op.create_index("ix_used_once_until", ["until"], unique=False)

    with op.batch_alter_table("clients", schema=None) as batch_op:
        batch_op.alter_column("secret_hash", existing_type=sa.LargeBinary(length=32), nullable=True)


def downgrade() -> None:
    # Machines that sign with a key have no secret; the older shape has no place for them.
    op.execute("DELETE FROM clients WHERE secret_hash IS NULL")
    with op.batch_alter_table("clients", schema=None) as batch_op:
        batch_op.alter_column(
            "secret_hash", existing_type=sa.LargeBinary(length=32), nullable=False
        )

    with op.batch_alter_table("used_once", schema=None) as batch_op:
        batch_op.drop_index("ix_used_once_until")

    op.drop_table("used_once")
    with op.batch_alter_table("sign_in_attempts", schema=None) as batch_op:
        batch_op.drop_index("ix_sign_in_attempts_last_at")

    op.drop_table("sign_in_attempts")
    with op.batch_alter_table("passkeys", schema=None) as batch_op:
        batch_op.drop_index("ix_passkeys_subject")

    op.drop_table("passkeys")
    with op.batch_alter_table("federated_logins", schema=None) as batch_op:
        batch_op.drop_index("ix_federated_logins_subject")

    op.drop_table("federated_logins")
    op.drop_table("client_keys")
    with op.batch_alter_table("challenges", schema=None) as batch_op:
        batch_op.drop_index("ix_challenges_until")

    op.drop_table("challenges")
