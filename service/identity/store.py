"""The only SQL on sign-in."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Connection,
    LargeBinary,
    bindparam,
    case,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from service.identity.tables import (
    challenges,
    client_keys,
    clients,
    federated_logins,
    logins,
    passkeys,
    practitioners,
    recovery_codes,
    refresh_tokens,
    revocations,
    sign_in_attempts,
    used_once,
)
from service.kit.column_types import EPOCH
from service.kit.prepared import Prepared


class Login(NamedTuple):
    subject: UUID
    kind: str
    password_hash: str
    disabled: bool


class Practitioner(NamedTuple):
    """A doctor as residents may know them."""

    practitioner_id: UUID
    name: str
    clinic: str
    region: str | None
    clinic_id: UUID | None = None
    role: str = "family-doctor"
    disabled: bool = False


class Client(NamedTuple):
    client_id: UUID
    role: str
    secret_hash: bytes | None


class Refresh(NamedTuple):
    family: UUID
    subject: UUID
    kind: str
    auth_time: datetime
    acr: str
    used: bool
    expires_at: datetime


_MICROSECOND = timedelta(microseconds=1)
# Asked once a wave of requests, whoever calls.
_REVOKED = Prepared(
    select(revocations.c.id).where(revocations.c.at >= bindparam("since", type_=BigInteger))
)
_LOGIN = tuple(logins.c[name] for name in Login._fields)
_PRACTITIONER = tuple(practitioners.c[name] for name in Practitioner._fields)
# Asked at every look of theirs, for its entry.
_ONE_PRACTITIONER = Prepared(
    select(*_PRACTITIONER).where(
        practitioners.c.practitioner_id == bindparam("id", type_=LargeBinary)
    )
)
_CLIENT = tuple(clients.c[name] for name in Client._fields)
_REFRESH = tuple(refresh_tokens.c[name] for name in Refresh._fields)


def login(conn: Connection, tag: bytes) -> Login | None:
    row = conn.execute(select(*_LOGIN).where(logins.c.tag == tag)).first()
    return None if row is None else Login(*row)


def login_of(conn: Connection, subject: UUID, *, hold: bool = False) -> Login | None:
    """How somebody signs in; with `hold` nobody changes it, or ends sign-ins, before the commit."""
    query = select(*_LOGIN).where(logins.c.subject == subject)
    row = conn.execute(query.with_for_update(key_share=True) if hold else query).first()
    return None if row is None else Login(*row)


def set_password(conn: Connection, before: Login, password_hash: str) -> bool:
    """Store a new password; False, with nothing changed, when it is no longer the one `before`."""
    mine = logins.c.subject == before.subject
    same = logins.c.password_hash == before.password_hash
    done = conn.execute(update(logins).where(mine, same).values(password_hash=password_hash))
    return done.rowcount == 1


def add_login(conn: Connection, tag: bytes, *, subject: UUID, kind: str, password: str) -> bool:
    """Keep a sign-in name; False, with nothing changed, when it is taken.

    A second name for one subject is `IntegrityError`: no caller has a use for one.
    """
    insert = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    done = conn.execute(
        insert(logins)
        .values(tag=tag, subject=subject, kind=kind, password_hash=password, disabled=False)
        .on_conflict_do_nothing(index_elements=[logins.c.tag])
        .returning(logins.c.tag)
    )
    return done.first() is not None


def tags_of(conn: Connection, subjects: Sequence[UUID]) -> dict[UUID, bytes]:
    """Under which tag each of these signs in; who has no sign-in left is not in it."""
    rows = conn.execute(
        select(logins.c.subject, logins.c.tag).where(logins.c.subject.in_(subjects))
    )
    return {row.subject: bytes(row.tag) for row in rows}


def drop_logins(conn: Connection, subject: UUID) -> None:
    """Remove every way of signing in: name, passkeys, account elsewhere, recovery codes."""
    for table in (logins, passkeys, federated_logins, recovery_codes):
        conn.execute(delete(table).where(table.c.subject == subject))


def replace_recovery(
    conn: Connection, subject: UUID, digests: Sequence[bytes], now: datetime
) -> None:
    """Keep these recovery codes of somebody, and none from before."""
    void_recovery(conn, subject)
    rows = [{"digest": one, "subject": subject, "created_at": now} for one in digests]
    conn.execute(recovery_codes.insert(), rows)


def void_recovery(conn: Connection, subject: UUID) -> None:
    conn.execute(delete(recovery_codes).where(recovery_codes.c.subject == subject))


def recovery(conn: Connection, subject: UUID) -> tuple[int, datetime | None]:
    """How many recovery codes somebody has left, and since when."""
    count, since = func.count(), func.max(recovery_codes.c.created_at)
    query = select(count, since).where(recovery_codes.c.subject == subject)
    left, made = conn.execute(query).one()
    return left, made


def take_recovery(conn: Connection, subject: UUID, digest: bytes) -> bool:
    """Use a recovery code up; False, with nothing changed, where there is none like it."""
    mine = recovery_codes.c.subject == subject
    done = conn.execute(delete(recovery_codes).where(mine, recovery_codes.c.digest == digest))
    return done.rowcount == 1


def link(conn: Connection, tag: bytes, subject: UUID) -> bool:
    """Let an account elsewhere sign in as somebody; False when it is linked already."""
    insert = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    done = conn.execute(
        insert(federated_logins)
        .values(tag=tag, subject=subject)
        .on_conflict_do_nothing()
        .returning(federated_logins.c.tag)
    )
    return done.first() is not None


def linked(conn: Connection, tag: bytes) -> Login | None:
    """Who an account elsewhere signs in as."""
    both = federated_logins.join(logins, logins.c.subject == federated_logins.c.subject)
    query = select(*_LOGIN).select_from(both).where(federated_logins.c.tag == tag)
    row = conn.execute(query).first()
    return None if row is None else Login(*row)


def add_practitioner(conn: Connection, row: Practitioner) -> None:
    conn.execute(practitioners.insert().values(**row._asdict()))


def practitioner(conn: Connection, practitioner_id: UUID) -> Practitioner | None:
    rows = _ONE_PRACTITIONER.rows(conn, {"id": practitioner_id.bytes})
    if not rows:
        return None
    ((_, name, clinic, region, clinic_id, role, disabled),) = rows
    at = None if clinic_id is None else UUID(bytes=bytes(clinic_id))
    return Practitioner(practitioner_id, name, clinic, region, at, role, bool(disabled))


def in_office(conn: Connection, practitioner_id: UUID) -> bool:
    """Whether this practitioner exists and has not been disabled."""
    known = practitioner(conn, practitioner_id)
    return known is not None and not known.disabled


def hold_in_office(conn: Connection, practitioner_id: UUID) -> bool:
    """As `in_office`; nobody else moves or disables them before the commit."""
    mine = practitioners.c.practitioner_id == practitioner_id
    query = select(practitioners.c.disabled).where(mine).with_for_update()
    return conn.execute(query).scalar_one_or_none() is False


def move(conn: Connection, practitioner_id: UUID, clinic_id: UUID, clinic: str, role: str) -> None:
    """Store where a practitioner works from now on."""
    mine = practitioners.c.practitioner_id == practitioner_id
    conn.execute(
        update(practitioners).where(mine).values(clinic_id=clinic_id, clinic=clinic, role=role)
    )


def disable(conn: Connection, practitioner_id: UUID) -> None:
    """Close every sign-in of a practitioner, and the practitioner themselves to the gate."""
    conn.execute(update(logins).where(logins.c.subject == practitioner_id).values(disabled=True))
    mine = practitioners.c.practitioner_id == practitioner_id
    conn.execute(update(practitioners).where(mine).values(disabled=True))


def practitioners_in(conn: Connection, region: str | None = None) -> list[Practitioner]:
    """Doctors in office by name, of the regions whose code begins with `region`, or all."""
    query = select(*_PRACTITIONER).order_by(practitioners.c.name, practitioners.c.practitioner_id)
    query = query.where(practitioners.c.disabled.is_(False))
    if region:
        query = query.where(practitioners.c.region.startswith(region, autoescape=True))
    return [Practitioner(*row) for row in conn.execute(query)]


def add_client(conn: Connection, client: Client, name: str) -> None:
    conn.execute(clients.insert().values(**client._asdict(), name=name))


def client(conn: Connection, client_id: UUID) -> Client | None:
    row = conn.execute(select(*_CLIENT).where(clients.c.client_id == client_id)).first()
    if row is None:
        return None
    secret = None if row.secret_hash is None else bytes(row.secret_hash)
    return Client(row.client_id, row.role, secret)


def add_client_key(conn: Connection, client_id: UUID, thumbprint: str, jwk: str) -> None:
    row = {"client_id": client_id, "thumbprint": thumbprint, "jwk": jwk}
    conn.execute(client_keys.insert().values(**row))


def client_keys_of(conn: Connection, client_id: UUID) -> dict[str, str]:
    """The public keys of a machine as JWK text, by thumbprint."""
    query = select(client_keys.c.thumbprint, client_keys.c.jwk)
    rows = conn.execute(query.where(client_keys.c.client_id == client_id))
    return {row.thumbprint: row.jwk for row in rows}


def use_once(conn: Connection, digest: bytes, until: datetime) -> bool:
    """Note that something came; False when it had come before. Two at once: one wins."""
    insert = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    done = conn.execute(
        insert(used_once)
        .values(digest=digest, until=until)
        .on_conflict_do_nothing()
        .returning(used_once.c.digest)
    )
    return done.first() is not None


def add_refresh(conn: Connection, digest: bytes, row: Refresh) -> None:
    conn.execute(refresh_tokens.insert().values(hash=digest, **row._asdict()))


def refresh(conn: Connection, digest: bytes) -> Refresh | None:
    row = conn.execute(select(*_REFRESH).where(refresh_tokens.c.hash == digest)).first()
    return None if row is None else Refresh(*row)


def spend_refresh(conn: Connection, digest: bytes) -> bool:
    """Mark a token used; False when somebody else already did. Two at once: one wins."""
    done = conn.execute(
        update(refresh_tokens)
        .where(refresh_tokens.c.hash == digest, refresh_tokens.c.used.is_(False))
        .values(used=True)
    )
    return done.rowcount == 1


def held_until(conn: Connection, tags: Sequence[bytes]) -> datetime | None:
    """Until when the longest held of these must wait; None when none was counted."""
    query = select(func.max(sign_in_attempts.c.until).label("until"))
    until: datetime | None = conn.execute(query.where(sign_in_attempts.c.tag.in_(tags))).scalar()
    return until


def count_attempt(conn: Connection, tag: bytes, now: datetime, *, since: datetime) -> int | None:
    """Count one more; how many there are now, beginning anew when the last was before `since`.

    None, and none is counted, while the name is held: another process may have held it just now,
    and the condition is looked at under the row's lock.
    """
    insert = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    table = sign_in_attempts
    more = case((table.c.last_at < since, 1), else_=table.c.failures + 1)
    done = conn.execute(
        insert(table)
        .values(tag=tag, failures=1, last_at=now, until=now)
        .on_conflict_do_update(
            index_elements=[table.c.tag],
            set_={"failures": more, "last_at": now},
            where=table.c.until <= now,
        )
        .returning(table.c.failures)
    )
    failures: int | None = done.scalar()
    return failures


def hold(conn: Connection, tag: bytes, until: datetime) -> None:
    mine = sign_in_attempts.c.tag == tag
    conn.execute(update(sign_in_attempts).where(mine).values(until=until))


def drop_attempts(conn: Connection, tags: Sequence[bytes]) -> None:
    conn.execute(delete(sign_in_attempts).where(sign_in_attempts.c.tag.in_(tags)))


def families(conn: Connection, subject: UUID) -> list[UUID]:
    query = select(refresh_tokens.c.family).where(refresh_tokens.c.subject == subject).distinct()
    return list(conn.scalars(query))


def oldest_families(conn: Connection, subject: UUID, *, beyond: int) -> list[UUID]:
    """The sign-ins of somebody that are older than their `beyond` newest ones."""
    table = refresh_tokens.c
    query = select(table.family).where(table.subject == subject).group_by(table.family)
    newest = query.order_by(func.max(table.auth_time).desc(), table.family)
    # SQLite takes an offset with a limit alone.
    return list(conn.scalars(newest.limit(1_000_000).offset(beyond)))


def drop_family(conn: Connection, family: UUID) -> None:
    conn.execute(delete(refresh_tokens).where(refresh_tokens.c.family == family))


def drop_refresh_of(conn: Connection, subject: UUID) -> None:
    conn.execute(delete(refresh_tokens).where(refresh_tokens.c.subject == subject))


def forget_secrets(conn: Connection) -> None:
    """End every sign-in and void every recovery code: whose a copy brings back may be spent."""
    for table in (refresh_tokens, recovery_codes, challenges):
        conn.execute(delete(table))


def revoke(conn: Connection, id: UUID, now: datetime) -> None:
    """Void the access tokens of a family or a subject."""
    insert = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    statement = insert(revocations).values(id=id, at=now)
    conn.execute(
        statement.on_conflict_do_update(index_elements=[revocations.c.id], set_={"at": now})
    )


def revoked_since(conn: Connection, since: datetime) -> frozenset[UUID]:
    return revoked_later(conn, since)()


def revoked_later(conn: Connection, since: datetime) -> Callable[[], frozenset[UUID]]:
    """Ask as `revoked_since` does; the answer is waited for when it is called for."""
    rows = _REVOKED.later(conn, {"since": (since - EPOCH) // _MICROSECOND})
    return lambda: frozenset(UUID(bytes=bytes(found)) for (found,) in rows())


def forget_before(conn: Connection, moment: datetime) -> int:
    """Drop what no longer matters: expired refresh tokens, revocations that no living token
    remembers, proofs too old to come again, ceremonies nobody ended, names left alone."""
    times = (
        refresh_tokens.c.expires_at,
        revocations.c.at,
        used_once.c.until,
        challenges.c.until,
        sign_in_attempts.c.last_at,
    )
    return sum(conn.execute(delete(time.table).where(time < moment)).rowcount for time in times)
