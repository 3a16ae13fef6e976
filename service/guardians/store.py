"""The only SQL on guardianships and their codes."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, LargeBinary, bindparam, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from service.guardians.tables import guardian_codes, guardianships
from service.kit.prepared import Prepared
from service.kit.sealed import Place, Sealed


class GuardianshipRow(NamedTuple):
    resident_id: UUID
    guardianship_id: UUID
    tag: bytes | None
    version: int
    sealed_body: bytes

    @property
    def sealed(self) -> Sealed:
        return Sealed(self.sealed_body, place(self.resident_id, self.guardianship_id, self.version))


class CodeRow(NamedTuple):
    hash: bytes
    resident_id: UUID
    sealed_body: bytes

    @property
    def sealed(self) -> Sealed:
        return Sealed(self.sealed_body, code_place(self.resident_id, self.hash))


_COLUMNS = tuple(guardianships.c[name] for name in GuardianshipRow._fields)
_CODE = tuple(guardian_codes.c[name] for name in CodeRow._fields)
# Asked at every request of a guardian.
_OF_CHILD = Prepared(
    select(
        guardianships.c.guardianship_id,
        guardianships.c.tag,
        guardianships.c.version,
        guardianships.c.sealed_body,
    ).where(guardianships.c.resident_id == bindparam("child", type_=LargeBinary))
)


def place(child: UUID, guardianship: UUID, version: int) -> Place:
    return Place("guardianships", "body", child, guardianship.bytes, revision=version)


def code_place(child: UUID, hash_: bytes) -> Place:
    return Place("guardian_codes", "body", child, hash_[:16])


def of_child(conn: Connection, child: UUID) -> list[GuardianshipRow]:
    """Every guardianship there ever was over a child."""
    return [
        GuardianshipRow(
            child,
            UUID(bytes=bytes(found)),
            None if tag is None else bytes(tag),
            version,
            bytes(body),
        )
        for found, tag, version, body in _OF_CHILD.rows(conn, {"child": child.bytes})
    ]


def of_tags(conn: Connection, tags: Sequence[bytes]) -> list[GuardianshipRow]:
    """The guardianships that stand at these places."""
    found = conn.execute(select(*_COLUMNS).where(guardianships.c.tag.in_(tags)))
    return [GuardianshipRow(*row) for row in found]


def add(conn: Connection, row: GuardianshipRow) -> bool:
    """Keep a new guardianship; False when another one took its place just now."""
    insert_ = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    done = conn.execute(
        insert_(guardianships)
        .values(**row._asdict())
        .on_conflict_do_nothing()
        .returning(guardianships.c.version)
    )
    return done.first() is not None


def replace(conn: Connection, row: GuardianshipRow) -> None:
    """Store a newer version of a guardianship."""
    conn.execute(
        update(guardianships)
        .where(
            guardianships.c.resident_id == row.resident_id,
            guardianships.c.guardianship_id == row.guardianship_id,
        )
        .values(tag=row.tag, version=row.version, sealed_body=row.sealed_body)
    )


def forget(conn: Connection, child: UUID) -> None:
    """Drop all guardianships over somebody and every open code."""
    conn.execute(delete(guardianships).where(guardianships.c.resident_id == child))
    conn.execute(delete(guardian_codes).where(guardian_codes.c.resident_id == child))


def add_code(conn: Connection, row: CodeRow) -> None:
    conn.execute(insert(guardian_codes).values(**row._asdict()))


def code(conn: Connection, hash_: bytes) -> CodeRow | None:
    """An open code. Who uses it holds the child's row, so that it is used once."""
    found = conn.execute(select(*_CODE).where(guardian_codes.c.hash == hash_)).first()
    return None if found is None else CodeRow(*found)


def codes_of(conn: Connection, child: UUID) -> list[CodeRow]:
    found = conn.execute(select(*_CODE).where(guardian_codes.c.resident_id == child))
    return [CodeRow(*row) for row in found]


def drop_code(conn: Connection, child: UUID, hash_: bytes) -> None:
    mine = guardian_codes.c.resident_id == child
    conn.execute(delete(guardian_codes).where(mine, guardian_codes.c.hash == hash_))
