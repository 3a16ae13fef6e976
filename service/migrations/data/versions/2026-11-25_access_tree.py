"""access_tree: every entry gets its place in one Merkle tree

Revision: access_tree, after clinics.

Entries that are there already become the first leaves, in the order of their residents' ids and
then of their chains. The hash of an entry now covers its place, so their chains are written anew,
in the form that this step froze: later changes of the code do not reach it.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "access_tree"
down_revision = "clinics"
branch_labels = None
depends_on = None

_HEADS = "Last entry of each resident's chain."
_HEADS_BEFORE = "Last entry of each resident's chain; locked while entries are added."
_TABLES = ("access_tree", "access_nodes", "access_checkpoints", "access_buckets")


def upgrade() -> None:
    op.create_table(
        "access_tree",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("edge", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoints", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_tree")),
        comment="The one row, 1, of the tree over all entries; locked while entries are added.",
    )
    op.create_table(
        "access_nodes",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_access_nodes")),
        comment="Complete subtrees of 256, 65,536, ... entries, so that proofs read few hashes.",
    )
    op.create_table(
        "access_checkpoints",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_access_checkpoints")),
        comment="Signed statements of what the whole log was; public, they tell of nobody.",
    )
    op.create_table(
        "access_buckets",
        sa.Column("checkpoint", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("checkpoint", name=op.f("pk_access_buckets")),
        comment="Roots of all buckets of heads under the newest checkpoint, for proofs.",
    )
    with op.batch_alter_table("access_log", schema=None) as batch_op:
        batch_op.add_column(sa.Column("leaf", sa.BigInteger(), nullable=True))
    _plant(op.get_bind())
    with op.batch_alter_table("access_log", schema=None) as batch_op:
        batch_op.alter_column("leaf", existing_type=sa.BigInteger(), nullable=False)
        batch_op.create_unique_constraint(op.f("uq_access_log_leaf"), ["leaf"])
    _comment(_HEADS)


def downgrade() -> None:
    _comment(_HEADS_BEFORE)
    with op.batch_alter_table("access_log", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("uq_access_log_leaf"), type_="unique")
        batch_op.drop_column("leaf")
    for table in reversed(_TABLES):
        op.drop_table(table)


def _comment(text: str) -> None:
    # SQLite keeps no comments.
    if op.get_bind().dialect.name == "postgresql":
        op.create_table_comment("access_heads", text)


def _plant(conn: sa.Connection) -> None:
    log = sa.Table("access_log", sa.MetaData(), autoload_with=conn)
    head = sa.Table("access_heads", sa.MetaData(), autoload_with=conn)
    tree = sa.Table("access_tree", sa.MetaData(), autoload_with=conn)
    node = sa.Table("access_nodes", sa.MetaData(), autoload_with=conn)
    edge: list[bytes] = []
    size = 0
    ends: dict[bytes, bytes] = {}
    for row in conn.execute(sa.select(log).order_by(log.c.resident_id, log.c.seq)).all():
        resident = bytes(row.resident_id)
        before = ends.get(resident, bytes(32))
        ends[resident] = hash_ = sha256(before + _canonical(row, size)).digest()
        mine = (log.c.resident_id == row.resident_id) & (log.c.seq == row.seq)
        fresh = {"leaf": size, "previous_hash": before, "hash": hash_}
        conn.execute(log.update().where(mine).values(fresh))
        for level, number, completed in _grown(edge, size, hash_):
            conn.execute(node.insert().values(level=level, number=number, hash=completed))
        size += 1
    for resident, hash_ in ends.items():
        conn.execute(head.update().where(head.c.resident_id == resident).values(hash=hash_))
    conn.execute(tree.insert().values(id=1, size=size, edge=b"".join(edge), checkpoints=0))


def _canonical(row: Any, leaf: int) -> bytes:
    fields = [
        "kangma access 2",
        bytes(row.resident_id).hex(),
        row.seq,
        leaf,
        row.at,
        row.actor_kind,
        row.actor_id,
        row.actor_name,
        row.on_behalf_of,
        bool(row.automatic),
        row.action,
        row.purpose,
        bytes(row.classes).hex(),
        row.decision,
        row.rule,
        None if row.grant_id is None else bytes(row.grant_id).hex(),
        row.revision,
        row.request_id,
        row.row_count,
    ]
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=True).encode()


def _grown(edge: list[bytes], size: int, hash_: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Put one leaf under the right edge (RFC 9162, 2.1); the nodes of every eighth height."""
    node, height = sha256(b"\0" + hash_).digest(), 0
    while size & 1:
        node, height, size = sha256(b"\1" + edge.pop() + node).digest(), height + 1, size >> 1
        if height % 8 == 0:
            yield height // 8, size, node
    edge.append(node)
