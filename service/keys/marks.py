"""What the keystore remembers of single keys: how much they were used, and which were destroyed.

**Uses.** A key with random 96-bit nonces must not seal more than 2^28 texts (sealing.md section 1).
Counting every seal in the keystore would cost a write each, and a count in memory is lost with its
process. So uses are sampled: a seal whose fresh nonce begins with sixteen zero bits (one in 65,536,
by chance nobody chooses) leaves one mark in the keystore, whichever process made it. A key with
2,048 marks has sealed 2^27 texts, give or take a few in a hundred, and seals no more. That 2^28
are reached with fewer marks has a probability below 2^-800 (Poisson, mean 4,096).

**Destroyed keys** stay named here by their number, so that a ciphertext under one is told apart
from an altered one, and a keyring from an old backup does not bring one back.
"""

from collections.abc import Collection, Iterable
from uuid import UUID

from sqlalchemy import Connection, delete, or_, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from service.keys.tables import key_marks

SAMPLE = bytes(2)
"""How the nonce of a use that leaves a mark begins."""
USES_A_MARK = 1 << (8 * len(SAMPLE))
MOST_MARKS = 2**27 // USES_A_MARK

Marks = tuple[frozenset[int], frozenset[int]]
"""Numbers of the destroyed and of the spent keys of one resident."""
NONE: Marks = (frozenset(), frozenset())


def of(conn: Connection, residents: Iterable[UUID]) -> dict[UUID, Marks]:
    """The destroyed and the spent keys of those residents who have any."""
    mark = key_marks.c
    rows = conn.execute(
        select(mark.resident_id, mark.dek_id, mark.destroyed).where(
            mark.resident_id.in_(list(residents)),
            or_(mark.destroyed, mark.marks >= MOST_MARKS),
        )
    )
    found: dict[UUID, tuple[set[int], set[int]]] = {}
    for resident, dek_id, destroyed in rows:
        found.setdefault(resident, (set(), set()))[0 if destroyed else 1].add(dek_id)
    return {who: (frozenset(gone), frozenset(spent)) for who, (gone, spent) in found.items()}


def add(conn: Connection, resident: UUID, dek_id: int) -> int:
    """One mark more for a key; how many it has."""
    insert = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    row = insert(key_marks).values(resident_id=resident, dek_id=dek_id, marks=1, destroyed=False)
    counted = row.on_conflict_do_update(
        index_elements=["resident_id", "dek_id"], set_={"marks": key_marks.c.marks + 1}
    )
    return int(conn.execute(counted.returning(key_marks.c.marks)).scalar_one())


def destroy(conn: Connection, resident: UUID, dek_ids: Iterable[int]) -> None:
    """Say of keys that they were destroyed, for good."""
    insert = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    for dek_id in dek_ids:
        row = insert(key_marks).values(resident_id=resident, dek_id=dek_id, marks=0, destroyed=True)
        keys = ["resident_id", "dek_id"]
        conn.execute(row.on_conflict_do_update(index_elements=keys, set_={"destroyed": True}))


def forget(conn: Connection, resident: UUID, dek_ids: Collection[int]) -> None:
    """Nothing more is kept of keys that were dropped after everything was sealed anew."""
    conn.execute(
        delete(key_marks).where(
            key_marks.c.resident_id == resident,
            key_marks.c.dek_id.in_(dek_ids),
            ~key_marks.c.destroyed,
        )
    )
