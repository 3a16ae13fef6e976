"""Sign-in on a real data store: names, passwords, refresh families, revocation, clients."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from threading import Event
from uuid import UUID

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from service.identity import actions, names, store
from service.identity.actions import BadClient, BadGrant, SignedIn
from service.identity.caller import Caller
from service.identity.revocations import MEMORY, Revocations
from service.identity.tables import clients, logins, refresh_tokens
from service.kit.db import Database
from service.kit.engines import metadata
from service.kit.errors import Conflict, Invalid, StepUpRequired, Unauthenticated
from service.kit.ids import new_id
from service.kit.passwords import Passwords
from service.kit.tokens import Claims
from tests.meanwhile import PATIENCE

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)


class Index:
    """A keyed hash as the system keys make it, under a key of this test."""

    def blind_index(self, kind: str, text: str) -> bytes:
        return blake2b(f"{kind}\0{text}".encode(), key=b"test", digest_size=16).digest()


INDEX = Index()


@pytest.fixture(scope="module")
def passwords() -> Iterator[Passwords]:
    made = Passwords()
    yield made
    made.close()


@pytest.fixture
def db(database: Database) -> Database:
    return database


def signed_in(db: Database, now: datetime = NOW) -> SignedIn:
    login = store.Login(new_id(), "resident", "h", False)
    who = login.subject

    def begin(conn: Connection) -> SignedIn:
        assert actions.sign_up(conn, who.bytes, resident=who, password_hash="h")
        return actions.sign_in(conn, login, now)

    return db.write(begin)


def refreshed(db: Database, signed: SignedIn, now: datetime = NOW) -> SignedIn | None:
    token = signed.refresh_token
    assert token is not None
    return db.write(lambda conn: actions.refresh(conn, token, now))


def claims(subject: UUID, family: UUID) -> Claims:
    return Claims(subject, "resident", frozenset(), NOW, 1, family, NOW, "")


def test_a_login_is_kept_once_and_only_as_a_tag(db: Database) -> None:
    tag = actions.tag_of(INDEX, "Lin Mei")
    first, second = new_id(), new_id()

    def sign_up(who: UUID) -> bool:
        return db.write(lambda conn: actions.sign_up(conn, tag, resident=who, password_hash="h"))

    assert sign_up(first) is True
    assert sign_up(second) is False
    found = db.read(lambda conn: actions.login(conn, actions.tag_of(INDEX, " LIN MEI ")))
    assert found is not None
    assert found.subject == first
    row = db.read(lambda conn: conn.execute(logins.select()).one())
    # Three letters alone a tag of random bytes may spell by chance.
    assert "lin mei" not in str(row).lower()


@pytest.mark.parametrize(
    "spelling",
    [
        "13800138000",
        " 138 0013 8000 ",
        "+86 138-0013-8000",
        "8613800138000",
        "008613800138000",
        "１３８００１３８０００",
        "(+86)13800138000",
    ],
)
def test_a_mobile_number_has_one_name(spelling: str) -> None:
    assert names.normal_login(spelling) == "+8613800138000"


def test_other_names_stay_apart() -> None:
    different = ["12800138000", "1380013800", "138001380001", "lin mei", "linmei", "林梅"]
    assert len({names.normal_login(name) for name in different}) == len(different)
    assert names.normal_login("Ｌｉｎ") == names.normal_login("LIN ") == "lin"


@pytest.mark.parametrize(
    ("login", "password", "pointers"),
    [
        ("lin", "12345678", []),
        ("lin", "1234567", ["/password"]),
        ("lin", "1" * 257, ["/password"]),
        (" ", "12345678", ["/login"]),
        ("x" * 101, "", ["/login", "/password"]),
    ],
)
def test_limits_of_name_and_password(login: str, password: str, pointers: list[str]) -> None:
    assert [fault.pointer for fault in names.faults(login, password)] == pointers


def test_refresh_tokens_rotate(db: Database) -> None:
    first = signed_in(db)
    second = refreshed(db, first, NOW + timedelta(hours=1))
    assert second is not None
    assert second.refresh_token != first.refresh_token
    assert (second.subject, second.family) == (first.subject, first.family)
    # A refresh proves nothing about the person, so the time of proof stays.
    assert second.auth_time == first.auth_time
    assert refreshed(db, second) is not None


def test_a_refresh_token_used_twice_ends_its_family(db: Database) -> None:
    first = signed_in(db)
    second = refreshed(db, first)
    assert second is not None
    assert refreshed(db, first) is None
    assert refreshed(db, second) is None
    assert first.family in db.read(lambda conn: store.revoked_since(conn, NOW - MEMORY))


def test_one_family_ending_leaves_others(db: Database) -> None:
    one, other = signed_in(db), signed_in(db)
    db.write(lambda conn: actions.end_family(conn, one.family, NOW))
    assert refreshed(db, one) is None
    assert refreshed(db, other) is not None


def test_a_refresh_token_ends_thirty_days_after_the_password(db: Database) -> None:
    first = signed_in(db)
    second = refreshed(db, first, NOW + timedelta(days=29))
    assert second is not None
    assert refreshed(db, second, NOW + timedelta(days=30)) is None


def test_refresh_tokens_are_stored_hashed(db: Database) -> None:
    token = signed_in(db).refresh_token
    assert token is not None
    row = db.read(lambda conn: conn.execute(refresh_tokens.select()).one())
    assert token not in str(row)
    assert token.encode() not in bytes(row.hash)


def test_forgetting_somebody_removes_every_way_in(db: Database) -> None:
    signed = signed_in(db)
    tag = signed.subject.bytes
    assert db.read(lambda conn: actions.login(conn, tag)) is not None
    db.write(lambda conn: actions.forget(conn, signed.subject, NOW))
    assert db.read(lambda conn: actions.login(conn, tag)) is None
    assert refreshed(db, signed) is None


@pytest.mark.parametrize("end", ["disabled", "erased"])
def test_who_was_shut_out_while_proving_themselves_gets_no_tokens(db: Database, end: str) -> None:
    tag, who = actions.tag_of(INDEX, "zhou"), new_id()
    db.write(lambda conn: store.add_login(conn, tag, subject=who, kind="resident", password="h"))
    login = db.read(lambda conn: actions.login(conn, tag))
    assert login is not None
    before = db.write(lambda conn: actions.sign_in(conn, login, NOW))
    # The password is looked at here, which takes a while.
    shut_out = store.disable if end == "disabled" else store.drop_logins
    db.write(lambda conn: shut_out(conn, who))
    with pytest.raises(BadGrant):
        db.write(lambda conn: actions.sign_in(conn, login, NOW))
    # A refresh token that slipped in beside it is worth nothing either.
    assert refreshed(db, before) is None
    assert db.read(lambda conn: conn.execute(refresh_tokens.select()).all()) == []


def test_a_revocation_is_seen_by_the_next_request(db: Database) -> None:
    """Also when another process made it: two `Revocations` share nothing but the database."""

    async def story() -> None:
        here = Revocations(db, lambda: NOW)
        family, subject = new_id(), new_id()
        await here.refuse(claims(subject, family))
        await db.awrite(lambda conn: store.revoke(conn, family, NOW))
        with pytest.raises(Unauthenticated):
            await here.refuse(claims(subject, family))
        await here.refuse(claims(subject, new_id()))
        await db.awrite(lambda conn: store.revoke(conn, subject, NOW))
        with pytest.raises(Unauthenticated):
            await here.refuse(claims(subject, new_id()))

    asyncio.run(story())


def test_requests_share_a_query_and_miss_no_revocation(db: Database) -> None:
    """Many requests and revocations at once: whoever asks after a commit is refused."""

    async def story() -> int:
        here = Revocations(db, lambda: NOW)
        queries = 0
        original = here._query

        async def counted(after: "asyncio.Task[frozenset[UUID]] | None") -> frozenset[UUID]:
            nonlocal queries
            queries += 1
            return await original(after)

        here._query = counted  # type: ignore[method-assign]

        async def one() -> None:
            family = new_id()
            await here.refuse(claims(new_id(), family))
            await db.awrite(lambda conn: store.revoke(conn, family, NOW))
            with pytest.raises(Unauthenticated):
                await here.refuse(claims(new_id(), family))

        await asyncio.gather(*(one() for _ in range(60)))
        return queries

    assert asyncio.run(story()) < 120


def test_a_request_that_goes_away_does_not_harm_its_neighbours(db: Database) -> None:
    async def story() -> None:
        here = Revocations(db, lambda: NOW)
        asked = [asyncio.create_task(here.refuse(claims(new_id(), new_id()))) for _ in range(3)]
        await asyncio.sleep(0)
        asked[0].cancel()
        await asyncio.gather(asked[1], asked[2])
        with pytest.raises(asyncio.CancelledError):
            await asked[0]
        await here.refuse(claims(new_id(), new_id()))

    asyncio.run(story())


def test_a_store_that_cannot_be_asked_refuses_nobody_silently(db: Database) -> None:
    """When the question fails the request fails: an unknown answer is never a yes."""

    async def story() -> None:
        here = Revocations(db, lambda: NOW)
        metadata.tables["revocations"].drop(db.engine)
        with pytest.raises(Exception, match="revocations"):
            await here.refuse(claims(new_id(), new_id()))

    asyncio.run(story())


def test_housekeeping_keeps_what_still_matters(db: Database) -> None:
    family = new_id()
    db.write(lambda conn: store.revoke(conn, family, NOW))
    first = signed_in(db)
    assert db.write(lambda conn: store.forget_before(conn, NOW)) == 0
    assert refreshed(db, first) is not None
    assert db.write(lambda conn: store.forget_before(conn, NOW + timedelta(days=31))) == 3


def test_an_operator_hires_a_doctor(db: Database, passwords: Passwords) -> None:
    def hire() -> dict[str, str]:
        return db.write(
            lambda conn: actions.add_doctor(
                conn,
                INDEX,
                login="dr.zhou",
                name=" Zhou ",
                clinic="East",
                now=NOW,
                passwords=passwords,
            )
        )

    made = hire()
    login = db.read(lambda conn: actions.login(conn, actions.tag_of(INDEX, "Dr.Zhou")))
    assert login is not None
    assert passwords.verify(login.password_hash, made["password"])
    signed = db.write(lambda conn: actions.sign_in(conn, login, NOW))
    assert (signed.audience, str(signed.subject)) == ("doctor", made["practitioner_id"])
    known = db.read(lambda conn: store.practitioner(conn, signed.subject))
    assert known is not None
    assert (known.name, known.clinic) == ("Zhou", "East")
    with pytest.raises(Conflict):
        hire()
    assert len(db.read(lambda conn: store.practitioners_in(conn))) == 1


def test_an_operator_makes_a_city_client(db: Database) -> None:
    made = db.write(
        lambda conn: actions.add_client(conn, INDEX, role="city", name="Cockpit", now=NOW)
    )
    client_id, secret = made["client_id"], made["client_secret"]
    signed = db.read(lambda conn: actions.sign_in_client(conn, client_id, secret, NOW))
    assert (signed.audience, signed.refresh_token) == ("city", None)
    for wrong in ((client_id, secret + "x"), (str(new_id()), secret), ("x", secret)):
        with pytest.raises(BadClient):
            db.read(lambda conn, pair=wrong: actions.sign_in_client(conn, *pair, NOW))
    assert secret not in str(db.read(lambda conn: conn.execute(clients.select()).one()))


@pytest.mark.parametrize("role", ["operator", "resident", "practitioner", ""])
def test_no_other_role_has_a_client(db: Database, role: str) -> None:
    with pytest.raises(Invalid):
        db.write(lambda conn: actions.add_client(conn, INDEX, role=role, name="x", now=NOW))


def test_step_up_asks_for_a_fresh_password() -> None:
    caller = Caller.of(claims(new_id(), new_id()))
    caller.require_step_up(NOW + timedelta(minutes=5))
    with pytest.raises(StepUpRequired):
        caller.require_step_up(NOW + timedelta(minutes=5, seconds=1))


def test_a_password_in_another_unicode_form_is_the_same(passwords: Passwords) -> None:
    stored = passwords.hash("pa\u00e9sswort")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.verify(stored, "pae\u0301sswort")
    assert not passwords.verify(stored, "paesswort")
    assert not passwords.verify(None, "nobody has this password")
    assert not passwords.verify("not a hash", "x")


def test_a_password_that_changed_while_it_was_checked_signs_nobody_in(db: Database) -> None:
    who = signed_in(db).subject
    checked = db.read(lambda conn: store.login_of(conn, who))
    assert checked is not None
    assert db.write(lambda conn: store.set_password(conn, checked, "newer"))
    # Nor is it changed a second time by somebody who knew the old one at the same moment.
    assert not db.write(lambda conn: store.set_password(conn, checked, "newest"))
    with pytest.raises(BadGrant):
        db.write(lambda conn: actions.sign_in(conn, checked, NOW))


def test_signing_out_everywhere_catches_a_refresh_of_the_same_moment(
    db: Database, database_url: str
) -> None:
    """The next token is not there yet when another process ends all: it must not survive."""
    signed, other, spent = signed_in(db), Database(database_url), Event()

    def slow(conn: Connection) -> SignedIn | None:
        after = actions.refresh(conn, signed.refresh_token or "", NOW)
        spent.set()
        time.sleep(0.3)
        return after

    def end(conn: Connection) -> None:
        actions.end_all(conn, signed.subject, NOW)

    try:
        with ThreadPoolExecutor(2) as pool:
            refreshing = pool.submit(db.write, slow)
            assert spent.wait(PATIENCE)
            pool.submit(other.write, end).result(PATIENCE)
            after = refreshing.result(PATIENCE)
    finally:
        other.close()
    assert after is not None
    assert refreshed(db, after) is None


def test_nobody_gets_a_second_name(db: Database) -> None:
    """False tells of a name that is taken; a second one of somebody is no answer but a fault."""
    who, stranger = new_id(), new_id()
    mine, second = (actions.tag_of(INDEX, name) for name in ("lin", "lin-again"))

    def sign_up(tag: bytes, subject: UUID) -> bool:
        return db.write(
            lambda conn: actions.sign_up(conn, tag, resident=subject, password_hash="h")
        )

    assert sign_up(mine, who)
    assert not sign_up(mine, stranger)
    with pytest.raises(IntegrityError):
        sign_up(second, who)
    assert db.read(lambda conn: actions.login(conn, second)) is None
    assert sign_up(second, stranger)
