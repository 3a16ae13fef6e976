"""Renewing the keys of access tokens between running processes: nobody is thrown out, and the
oldest key is gone."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import jwt
import pytest

from service.house import House, build, prepare
from service.kit.clock import utc_now
from service.kit.errors import Unauthenticated
from service.kit.settings import Settings
from tests.journeys.server import Installation, install, serving

PASSWORD = "correct horse 电池"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Installation]:
    stores = (f"sqlite:///{tmp_path / 'kangma.db'}", f"sqlite:///{tmp_path / 'keys.db'}")
    with serving(install(tmp_path, *stores)) as running:
        yield running


def signed_up(url: str) -> dict[str, str]:
    regions = httpx.get(f"{url}/v1/regions", params={"level": "community"}).json()["items"]
    wish = {
        "login": "lin",
        "password": PASSWORD,
        "name": "林梅",
        "birth_date": "1980-05-17",
        "sex": "female",
        "region": regions[0]["code"],
    }
    assert httpx.post(f"{url}/v1/auth/register", json=wish).status_code == 201
    form = {"grant_type": "password", "username": "lin", "password": PASSWORD}
    answer: dict[str, str] = httpx.post(f"{url}/v1/auth/token", data=form).json()
    return answer


def status(url: str, token: str) -> int:
    return httpx.get(f"{url}/v1/me", headers={"authorization": f"Bearer {token}"}).status_code


def issued(house: House, like: str) -> str:
    """A token of the same person, signed by this process's current key."""
    known = house.tokens.verify(like, audience="resident", now=utc_now())
    return house.tokens.issue(
        subject=known.subject,
        audience="resident",
        scope=known.scope,
        auth_time=known.auth_time,
        acr=1,
        family=uuid4(),
        now=utc_now(),
    )


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def test_keys_change_under_a_running_server(served: Installation) -> None:
    old = signed_up(served.url)["access_token"]
    assert status(served.url, old) == 200
    first = served.kangma("keys", "renew-signing", "jwt")
    assert first["previous"] == kid(old)
    other = build(served.settings())
    try:
        new = issued(other, old)
        assert kid(new) == first["current"] != kid(old)
        # The server still remembers the set from before the change, and knows the new key from it;
        # the other process, begun after it, still knows the old one.
        assert status(served.url, new) == status(served.url, old) == 200
        other.tokens.verify(old, audience="resident", now=utc_now())
    finally:
        other.close()
    published = httpx.get(f"{served.url}/.well-known/jwks.json").json()["keys"]
    assert {kid(old), first["current"]} <= {key["kid"] for key in published}
    second = served.kangma("keys", "renew-signing", "jwt")
    assert kid(old) not in second.values()
    later = build(served.settings())
    try:
        with pytest.raises(Unauthenticated):
            later.tokens.verify(old, audience="resident", now=utc_now())
        later.tokens.verify(new, audience="resident", now=utc_now())
    finally:
        later.close()


def test_a_remembered_token_ends_with_its_key(tmp_path: Path) -> None:
    """A process that has verified a token forgets it when it reads that its key is gone."""
    kek = f"file:{tmp_path / 'keys' / 'kek.json'}"
    settings = Settings(data=tmp_path / "data", kek=kek, profile="test")
    prepare(settings)
    house = build(settings)
    try:
        old = house.tokens.issue(
            subject=uuid4(),
            audience="resident",
            scope=frozenset({"me"}),
            auth_time=utc_now(),
            acr=1,
            family=uuid4(),
            now=utc_now(),
        )
        for _ in range(2):
            house.tokens.verify(old, audience="resident", now=utc_now())
            house.system.renew_signing_key("jwt")
        with pytest.raises(Unauthenticated):
            house.tokens.verify(old, audience="resident", now=utc_now())
    finally:
        house.close()
