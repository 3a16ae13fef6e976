"""Access tokens: what passes, and every way of not passing."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service.kit.errors import Unauthenticated
from service.kit.tokens import LIFETIME, REMEMBERED, Claims, Tokens, jwks

ISSUER = "https://kangma.test"
NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
SUBJECT = UUID("8e5f7a10-1111-4222-8333-444455556666")


@dataclass
class Key:
    kid: str
    private: Ed25519PrivateKey
    stage: str = "current"


@pytest.fixture
def key() -> Key:
    return Key("jwt-1", Ed25519PrivateKey.generate())


@pytest.fixture
def tokens(key: Key) -> Tokens:
    return Tokens(ISSUER, lambda: [key])


def issued(tokens: Tokens, now: datetime = NOW, audience: str = "resident") -> str:
    return tokens.issue(
        subject=SUBJECT,
        audience=audience,
        scope=frozenset({"me"}),
        auth_time=now,
        acr=1,
        family=uuid4(),
        now=now,
    )


def claims(**changes: Any) -> dict[str, Any]:
    seconds = int(NOW.timestamp())
    made = {
        "iss": ISSUER,
        "aud": "resident",
        "sub": str(SUBJECT),
        "iat": seconds,
        "exp": seconds + 600,
        "jti": str(uuid4()),
        "scope": "me",
        "auth_time": seconds,
        "acr": "1",
        "sid": str(uuid4()),
    }
    made.update(changes)
    return {name: value for name, value in made.items() if value is not ...}


def signed(key: Key, payload: bytes, header: bytes | None = None) -> str:
    """A token over exactly these bytes, correctly signed."""
    header = header or json.dumps({"alg": "EdDSA", "typ": "at+jwt", "kid": key.kid}).encode()
    text = f"{url64(header)}.{url64(payload)}"
    return f"{text}.{url64(key.private.sign(text.encode()))}"


def url64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def verify(tokens: Tokens, token: str, now: datetime = NOW) -> Claims:
    return tokens.verify(token, audience="resident", now=now)


def refused(tokens: Tokens, token: str, now: datetime = NOW) -> None:
    with pytest.raises(Unauthenticated):
        verify(tokens, token, now)


def test_a_token_says_what_was_put_into_it(tokens: Tokens) -> None:
    found = verify(tokens, issued(tokens))
    assert found.subject == SUBJECT
    assert found.scope == {"me"}
    assert found.auth_time == NOW
    assert found.expires_at == NOW + LIFETIME


def test_hand_made_claims_pass_so_that_the_refusals_below_mean_something(
    tokens: Tokens, key: Key
) -> None:
    assert verify(tokens, signed(key, json.dumps(claims()).encode())).subject == SUBJECT


@pytest.mark.parametrize(
    "name", ["iss", "aud", "exp", "iat", "sub", "jti", "scope", "auth_time", "acr", "sid"]
)
def test_every_claim_is_required(tokens: Tokens, key: Key, name: str) -> None:
    refused(tokens, signed(key, json.dumps(claims(**{name: ...})).encode()))


SECONDS = int(NOW.timestamp())


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere"},
        {"aud": "doctor"},
        {"aud": ["resident"]},
        {"aud": ["resident", "doctor"]},
        {"exp": SECONDS - 6},
        {"exp": SECONDS + 901},
        {"exp": SECONDS},
        {"exp": float(SECONDS + 600)},
        {"exp": str(SECONDS + 600)},
        {"exp": True},
        {"exp": 1 << 40},
        {"iat": SECONDS + 60, "exp": SECONDS + 300},
        {"iat": None},
        {"nbf": SECONDS - 1},
        {"auth_time": SECONDS + 60},
        {"acr": "9"},
        {"acr": 1},
        {"sub": "somebody"},
        {"sub": 7},
        {"sid": "x"},
        {"scope": ["me"]},
        {"jti": 5},
    ],
)
def test_a_wrong_claim_is_refused(tokens: Tokens, key: Key, changes: dict[str, Any]) -> None:
    refused(tokens, signed(key, json.dumps(claims(**changes)).encode()))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "typ": "at+jwt", "kid": "jwt-1"},
        {"alg": "HS256", "typ": "at+jwt", "kid": "jwt-1"},
        {"alg": "EdDSA", "typ": "JWT", "kid": "jwt-1"},
        {"alg": "EdDSA", "kid": "jwt-1"},
        {"alg": "EdDSA", "typ": "at+jwt"},
        {"alg": "EdDSA", "typ": "at+jwt", "kid": "jwt-2"},
        {"alg": "EdDSA", "typ": "at+jwt", "kid": "../jwt-1"},
        {"alg": "EdDSA", "typ": "at+jwt", "kid": ["jwt-1"]},
        {"alg": "EdDSA", "typ": "at+jwt", "kid": "jwt-1", "jku": "https://evil"},
        {"alg": "EdDSA", "typ": "at+jwt", "kid": "jwt-1", "x5u": "https://evil"},
        {"alg": "EdDSA", "typ": "at+jwt", "kid": "jwt-1", "jwk": {}},
        {"alg": "EdDSA", "typ": "at+jwt", "kid": "jwt-1", "crit": ["exp"]},
        {"alg": "EdDSA", "typ": "at+jwt", "kid": "jwt-1", "b64": False},
    ],
)
def test_a_header_that_is_not_ours_is_refused(
    tokens: Tokens, key: Key, header: dict[str, Any]
) -> None:
    refused(tokens, signed(key, json.dumps(claims()).encode(), json.dumps(header).encode()))


def test_the_public_key_is_not_an_hmac_secret(tokens: Tokens, key: Key) -> None:
    raw = key.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    headers = {"typ": "at+jwt", "kid": key.kid}
    refused(tokens, jwt.encode(claims(), raw, algorithm="HS256", headers=headers))


def test_a_stranger_key_under_our_kid_is_refused(tokens: Tokens, key: Key) -> None:
    stranger = Key(key.kid, Ed25519PrivateKey.generate())
    refused(tokens, signed(stranger, json.dumps(claims()).encode()))


def test_a_member_that_comes_twice_is_refused(tokens: Tokens, key: Key) -> None:
    text = json.dumps(claims())
    refused(tokens, signed(key, (text[:-1] + ', "aud": "resident"}').encode()))
    header = b'{"alg": "EdDSA", "typ": "at+jwt", "kid": "jwt-1", "kid": "jwt-1"}'
    refused(tokens, signed(key, text.encode(), header))


@pytest.mark.parametrize("change", range(3))
def test_any_changed_part_is_refused(tokens: Tokens, change: int) -> None:
    parts = issued(tokens).split(".")
    middle = len(parts[change]) // 2
    other = "A" if parts[change][middle] != "A" else "B"
    parts[change] = parts[change][:middle] + other + parts[change][middle + 1 :]
    refused(tokens, ".".join(parts))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token + "=",
        lambda token: token + ".",
        lambda token: token.rsplit(".", 1)[0],
        lambda token: token.replace(".", "..", 1),
        lambda token: " " + token,
        lambda token: token + "A" * 4096,
        lambda token: token + "\u00e9",
        lambda token: "",
        lambda token: "..",
        lambda token: url64(b"[" * 3000) + "..",
    ],
)
def test_another_spelling_is_refused(tokens: Tokens, spoil: Callable[[str], str]) -> None:
    refused(tokens, spoil(issued(tokens)))


def test_a_signature_has_one_spelling(tokens: Tokens) -> None:
    """The last character of 64 bytes carries two spare bits, which a lax reader ignores."""
    token = issued(tokens)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spare = alphabet[alphabet.index(token[-1]) + 1]
    refused(tokens, token[:-1] + spare)


def test_an_audience_opens_its_own_door_only(tokens: Tokens) -> None:
    token = issued(tokens, audience="doctor")
    assert tokens.verify(token, audience="doctor", now=NOW).audience == "doctor"
    for other in ("resident", "city"):
        with pytest.raises(Unauthenticated):
            tokens.verify(token, audience=other, now=NOW)


def test_a_remembered_token_still_expires(tokens: Tokens) -> None:
    token = issued(tokens)
    verify(tokens, token)
    verify(tokens, token, NOW + LIFETIME)
    refused(tokens, token, NOW + LIFETIME + timedelta(seconds=6))


def test_a_token_of_a_retired_key_is_refused(key: Key) -> None:
    keys = [key]
    tokens = Tokens(ISSUER, lambda: keys)
    token = issued(tokens)
    keys[0] = Key("jwt-2", Ed25519PrivateKey.generate())
    refused(tokens, token)
    verify(tokens, issued(tokens))


def test_previous_and_next_keys_verify_and_only_the_current_signs() -> None:
    keys = [
        Key(f"jwt-{stage}", Ed25519PrivateKey.generate(), stage)
        for stage in ("previous", "current", "next")
    ]
    tokens = Tokens(ISSUER, lambda: keys)
    assert jwt.get_unverified_header(issued(tokens))["kid"] == "jwt-current"
    for one in keys:
        verify(tokens, signed(one, json.dumps(claims()).encode()))


def test_only_public_halves_are_published(key: Key) -> None:
    (published,) = jwks([key])["keys"]
    assert published.keys() == {"kty", "crv", "use", "alg", "kid", "x"}
    assert published["kid"] == key.kid


def test_the_memory_is_bounded(tokens: Tokens, key: Key) -> None:
    first = signed(key, json.dumps(claims()).encode())
    verify(tokens, first)
    remembered = tokens._remembered
    template = next(iter(remembered.values()))
    for number in range(REMEMBERED):
        tokens._remember(number.to_bytes(32, "big"), template)
    assert len(remembered) == REMEMBERED
    verify(tokens, first)
