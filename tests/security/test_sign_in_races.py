"""Two processes change how somebody signs in at the same time: the second sees the first.

One transaction is held open until the other has been asked for. Each test fails where the second
reads what the first is about to change before it waits for it.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Event
from time import sleep
from typing import TypeVar
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import Connection

from service.identity import actions as identity
from service.identity import own_password
from service.identity.caller import Caller
from service.identity.passkeys import store as keys
from service.identity.passkeys.store import Passkey
from service.kit import caps
from service.kit.audience import Audience, speaking_for
from service.kit.db import Database
from service.kit.errors import Conflict
from service.kit.passwords import Passwords
from tests.authenticator import Authenticator
from tests.house_room import PASSWORD, Person, Town
from tests.meanwhile import PATIENCE
from tests.passkey_room import added, begun, refused
from tests.standing_room import NOW, standing

T = TypeVar("T")
MOMENT = 0.5
"""Seconds in which the second party reaches what it waits for, or runs past it."""


@pytest.fixture(params=["sqlite", "postgresql"])
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    with standing(tmp_path, request.param) as made:
        yield made.town


def meanwhile(
    here: Town,
    audience: Audience,
    first: Callable[[Connection], T],
    second: Callable[[], httpx.Response],
) -> tuple[T, httpx.Response]:
    """What both answer when the first commits only after the second was asked for."""
    started, go = Event(), Event()

    def held(conn: Connection) -> T:
        found = first(conn)
        started.set()
        assert go.wait(PATIENCE)
        return found

    def one() -> T:
        store = here.house.settings.data_store_url
        with closing(Database(store)) as other, speaking_for(audience):
            return other.write(held)

    with ThreadPoolExecutor(2) as pool:
        early = pool.submit(one)
        assert started.wait(PATIENCE)
        late = pool.submit(second)
        sleep(MOMENT)
        go.set()
        return early.result(), late.result()


def caller_of(here: Town, person: Person) -> Caller:
    return Caller.of(here.house.tokens.verify(person.access, audience="resident", now=NOW))


def first_passkey(here: Town, owner: Person) -> Callable[[Connection], bool]:
    def add(conn: Connection) -> bool:
        own_password.require_fresh(conn, caller_of(here, owner), NOW)
        one = Passkey(uuid4().bytes, uuid4(), UUID(owner.id), "resident", b"a key", 0, NOW)
        return keys.add(conn, one)

    return add


def test_a_refresh_under_way_does_not_outlive_the_sign_out(here: Town) -> None:
    fu = here.resident("fu")
    traded, ended = meanwhile(
        here,
        "anyone",
        lambda conn: identity.refresh(conn, fu.refresh or "", NOW),
        lambda: here.doors.post("/v1/auth/revoke", data={"token": fu.access}),
    )
    assert ended.status_code == 200
    assert traded is not None
    late = here.token(grant_type="refresh_token", refresh_token=traded.refresh_token or "")
    assert late.status_code == 401


def test_a_password_makes_no_codes_beside_a_first_passkey(here: Town) -> None:
    fu = here.resident("fu")
    thief = here.sign_in("fu")
    kept, answer = meanwhile(
        here,
        "resident",
        first_passkey(here, fu),
        lambda: here.doors.post("/v1/me/recovery-codes", headers=thief.headers),
    )
    assert kept
    refused(answer, 403, "stronger-sign-in-required")


def test_a_password_adds_no_second_passkey_beside_a_first(here: Town) -> None:
    fu = here.resident("fu")
    thief = here.sign_in("fu")
    made = Authenticator().create(begun(here, thief))
    kept, answer = meanwhile(
        here, "resident", first_passkey(here, fu), lambda: added(here, thief, made)
    )
    assert kept
    refused(answer, 403, "stronger-sign-in-required")


def test_a_password_changes_no_password_beside_a_first_passkey(here: Town) -> None:
    fu = here.resident("fu")
    thief = here.sign_in("fu")
    wish = {"password": PASSWORD, "new_password": "the thief's horse"}
    kept, answer = meanwhile(
        here,
        "resident",
        first_passkey(here, fu),
        lambda: here.doors.post("/v1/auth/password", json=wish, headers=thief.headers),
    )
    assert kept
    refused(answer, 403, "stronger-sign-in-required")


def test_the_operator_shows_no_password_that_was_not_set(here: Town) -> None:
    """Its owner changes it while the new one is being hashed."""
    if here.house.db.dialect == "sqlite":
        pytest.skip("SQLite has one writer at a time: nothing is committed meanwhile")
    given = here.hire("zhou-li")["password"]
    zhou = here.sign_in("zhou-li", given)

    class Slow(Passwords):
        def hash(self, password: str) -> str:
            wish = {"password": given, "new_password": "changed meanwhile"}
            done = here.doors.post("/v1/auth/password", json=wish, headers=zhou.headers)
            assert done.status_code == 200, done.text
            return here.house.passwords.hash(password)

    with (
        speaking_for("operator"),
        closing(Database(here.house.settings.desk_url)) as desk,
        pytest.raises(Conflict),
    ):
        desk.write(
            lambda conn: own_password.reset(
                conn, here.house.system, login=zhou.login, passwords=Slow(), now=NOW
            )
        )


def test_an_old_proof_elsewhere_does_not_end_the_sign_in_that_it_begins(here: Town) -> None:
    """Of too many sign-ins the oldest end, and never the one that is just beginning."""
    fu = here.resident("fu")
    one = {"subject": UUID(fu.id), "kind": "resident", "acr": 1, "now": NOW}

    def begin(**more: object) -> identity.SignedIn:
        return here.house.db.write(lambda conn: identity.begin(conn, **one, **more))  # type: ignore[arg-type]

    others = [begin() for _ in range(caps.most("sign-ins"))]
    mine = begin(auth_time=NOW - timedelta(hours=1))
    again = here.token(grant_type="refresh_token", refresh_token=mine.refresh_token or "")
    assert again.status_code == 200
    # One of the others made room, and its access tokens are void from now on.
    ended = here.house.db.read(lambda conn: identity.store.revoked_since(conn, NOW))
    assert len(ended & {other.family for other in others}) >= 1
