"""The only SQL on passkeys and on ceremonies that have begun."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from service.identity.tables import challenges, logins, passkeys


class Passkey(NamedTuple):
    """A credential of one person; `kind` is resident or practitioner, the key is COSE."""

    tag: bytes
    passkey_id: UUID
    subject: UUID
    kind: str
    public_key: bytes
    sign_count: int
    created_at: datetime


class Challenge(NamedTuple):
    """What a ceremony was begun for, and by whom, where somebody was signed in."""

    purpose: str
    subject: UUID | None
    until: datetime


_PASSKEY = tuple(passkeys.c[name] for name in Passkey._fields)


def begin(conn: Connection, digest: bytes, challenge: Challenge) -> None:
    conn.execute(challenges.insert().values(digest=digest, **challenge._asdict()))


def take(conn: Connection, digest: bytes) -> Challenge | None:
    """Take a challenge away, whatever comes of it. Two at once: one gets it."""
    done = conn.execute(
        delete(challenges)
        .where(challenges.c.digest == digest)
        .returning(challenges.c.purpose, challenges.c.subject, challenges.c.until)
    ).first()
    return None if done is None else Challenge(done.purpose, done.subject, done.until)


def add(conn: Connection, passkey: Passkey) -> bool:
    """Keep a passkey; False when that credential is somebody's already."""
    insert = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    done = conn.execute(
        insert(passkeys)
        .values(**passkey._asdict())
        .on_conflict_do_nothing()
        .returning(passkeys.c.tag)
    )
    return done.first() is not None


def find(conn: Connection, tag: bytes) -> Passkey | None:
    row = conn.execute(select(*_PASSKEY).where(passkeys.c.tag == tag)).first()
    return None if row is None else _read(row)


def advance(conn: Connection, tag: bytes, before: int, after: int) -> bool:
    """Keep the counter of a use; False when another use came between."""
    done = conn.execute(
        update(passkeys)
        .where(passkeys.c.tag == tag, passkeys.c.sign_count == before)
        .values(sign_count=after)
    )
    return done.rowcount == 1


def of(conn: Connection, subject: UUID) -> list[Passkey]:
    """Somebody's passkeys, oldest first."""
    query = select(*_PASSKEY).where(passkeys.c.subject == subject)
    ordered = query.order_by(passkeys.c.created_at, passkeys.c.passkey_id)
    return [_read(row) for row in conn.execute(ordered)]


def drop(conn: Connection, subject: UUID, passkey_id: UUID) -> bool:
    mine = (passkeys.c.subject == subject) & (passkeys.c.passkey_id == passkey_id)
    return conn.execute(delete(passkeys).where(mine)).rowcount == 1


def drop_of(conn: Connection, subject: UUID) -> int:
    return conn.execute(delete(passkeys).where(passkeys.c.subject == subject)).rowcount


def is_disabled(conn: Connection, subject: UUID) -> bool:
    """Whether the operator has shut this person out."""
    query = select(logins.c.tag).where(logins.c.subject == subject, logins.c.disabled)
    return conn.execute(query).first() is not None


def _read(row: tuple[object, ...]) -> Passkey:
    found = Passkey(*row)  # type: ignore[arg-type]
    return found._replace(tag=bytes(found.tag), public_key=bytes(found.public_key))
