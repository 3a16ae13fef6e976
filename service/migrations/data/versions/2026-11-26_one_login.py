"""one_login: nobody signs in under two names

Revision: one_login, after recovery_codes.

A step that took either name away could leave the file to the wrong person, so it takes none: where
somebody has two, it stops and names whose.
"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

from consent.vocabulary import Text
from service.kit.errors import ServiceError

revision = "one_login"
down_revision = "recovery_codes"
branch_labels = None
depends_on = None

_TWICE = sa.text("SELECT subject FROM logins GROUP BY subject HAVING count(*) > 1 ORDER BY subject")


def upgrade() -> None:
    found = [str(UUID(bytes=bytes(one))) for one in op.get_bind().scalars(_TWICE)]
    if found:
        raise ServiceError(_told(", ".join(found)))
    op.drop_index("ix_logins_subject", "logins")
    op.create_index("uq_logins_subject", "logins", ["subject"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_logins_subject", "logins")
    op.create_index("ix_logins_subject", "logins", ["subject"])


def _told(ids: str) -> Text:
    return Text(
        f"以下人员有两个登录名：{ids}。"
        "请先查明哪一个属于本人，并从 logins 表中删除另一个，再升级。",
        f"Somebody has two sign-in names: {ids}. Find out which is their own and delete the other "
        "from the table logins; then upgrade.",
    )
