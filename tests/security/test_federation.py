"""Signing in at the city's identity provider, against a real one on this machine that lies."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from service.identity.federation import actions as federation
from service.identity.federation import provider as provider_module
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.house_room import Person, Town, town
from tests.machines import url64
from tests.oidc_issuer import CLIENT, GENERATED, SECRET, Issuer, provider

TURNED_AWAY = "invalid-credentials"


@pytest.fixture(scope="module")
def still() -> MovingClock:
    return MovingClock(datetime.fromtimestamp(int(time.time()), UTC))


@pytest.fixture(scope="module")
def served(still: MovingClock) -> Iterator[Issuer]:
    with provider(Issuer(lambda: still.now.timestamp())) as opened:
        yield opened


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, served: Issuer, still: MovingClock
) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("federation")
    (folder / "secret").write_text(f"{SECRET}\n", "utf-8")
    settings = Settings(
        data=folder / "data",
        kek=f"file:{folder / 'keys' / 'kek.json'}",
        profile="test",
        doctor_acr=2,
        oidc_issuer=served.url,
        oidc_client_id=CLIENT,
        oidc_client_secret_file=folder / "secret",
    )
    with town(settings, still) as opened:
        yield opened


@pytest.fixture(scope="module")
def zhou(house: Town, served: Issuer) -> Person:
    doctor = house.doctor("zhou")
    linked(house, "zhou", served.url, "account-of-zhou")
    return doctor


@pytest.fixture
def issuer(
    served: Issuer, zhou: Person, still: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Issuer]:
    monkeypatch.setattr(provider_module, "ASKED_AGAIN", 0.0)
    before, keys = still.now, (dict(served.keys), served.current)
    yield served
    served.claims, served.header, served.sign, served.description = {}, {}, None, {}
    served.account = "account-of-zhou"
    (served.keys, served.current), still.now = keys, before


@pytest.fixture
def here(house: Town, issuer: Issuer) -> Town:
    return house


def linked(here: Town, login: str, issuer: str, subject: str) -> None:
    here.house.db.write(
        lambda conn: federation.link(
            conn, here.house.system, login=login, issuer=issuer, subject=subject
        )
    )


def departed(here: Town) -> dict[str, str]:
    answer = here.doors.post("/v1/auth/oidc/departure")
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


def returned(here: Town, back: dict[str, str]) -> httpx.Response:
    return here.doors.post("/v1/auth/oidc/token", json=back)


def there_and_back(here: Town, issuer: Issuer) -> httpx.Response:
    return returned(here, issuer.browse(departed(here)["authorization_url"]))


def refused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json().get("code")) == (401, TURNED_AWAY), answer.text


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_a_linked_doctor_signs_in(here: Town, issuer: Issuer, zhou: Person, algorithm: str) -> None:
    issuer.rotate(algorithm)
    answer = there_and_back(here, issuer)
    assert answer.status_code == 200, answer.text
    person = here.person("zhou", answer.json())
    assert person.id == zhou.id
    known = here.house.tokens.verify(person.access, audience="doctor", now=here.house.clock())
    assert (known.acr, known.auth_time) == (2, here.house.clock())
    assert here.doors.get("/v1/doctor/panel", headers=person.headers).status_code == 200


def test_the_departure_proves_its_return(here: Town) -> None:
    first, second = departed(here), departed(here)
    for part in ("state", "nonce", "code_challenge"):
        values = [dict(httpx.URL(one["authorization_url"]).params)[part] for one in (first, second)]
        assert values[0] != values[1]
    sent = dict(httpx.URL(first["authorization_url"]).params)
    assert sent["state"] == first["state"]
    assert sent["redirect_uri"] == "https://kangma.local/signed-in"
    # What the browser carries does not contain what redeems the code.
    verifier = federation.verifier(here.house.system, first["state"])
    assert verifier not in json.dumps(first)
    assert sent["code_challenge"] == federation.code_challenge(verifier)


@pytest.mark.parametrize(
    ("said", "acr"),
    [
        ({"amr": ["pwd"]}, 1),
        ({"amr": ...}, 1),
        ({"amr": "mfa"}, 1),
        ({"amr": ["hwk"]}, 2),
        ({"amr": ..., "acr": "mfa"}, 2),
        ({"amr": ["pwd"], "acr": "2"}, 1),
    ],
)
def test_strength_is_what_the_provider_says_and_no_more(
    here: Town, issuer: Issuer, said: dict[str, Any], acr: int
) -> None:
    issuer.claims = said
    answer = there_and_back(here, issuer)
    person = here.person("zhou", answer.json())
    known = here.house.tokens.verify(person.access, audience="doctor", now=here.house.clock())
    assert known.acr == acr
    status = here.doors.get("/v1/doctor/panel", headers=person.headers).status_code
    assert status == (200 if acr == 2 else 403)


def test_an_old_session_at_the_provider_is_no_fresh_proof(here: Town, issuer: Issuer) -> None:
    long_ago = int(here.house.clock().timestamp()) - 3600
    issuer.claims = {"auth_time": long_ago}
    person = here.person("zhou", there_and_back(here, issuer).json())
    answer = here.doors.post("/v1/auth/passkeys/registration", headers=person.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "step-up-required")


def test_a_session_of_unknown_age_is_no_fresh_proof(here: Town, issuer: Issuer) -> None:
    """A provider need not say when, unless it is asked to."""
    issuer.claims = {"auth_time": ...}
    person = here.person("zhou", there_and_back(here, issuer).json())
    assert here.doors.get("/v1/doctor/panel", headers=person.headers).status_code == 200
    answer = here.doors.post("/v1/auth/passkeys/registration", headers=person.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "step-up-required")


def test_nobody_is_made_by_signing_in(here: Town, issuer: Issuer) -> None:
    for account in ("nobody", "Account-of-zhou", "account-of-zhou "):
        issuer.account = account
        refused(there_and_back(here, issuer))


def test_a_resident_is_not_reached_by_an_account_elsewhere(here: Town, issuer: Issuer) -> None:
    here.resident("lin")
    with pytest.raises(Exception, match="not-found"):
        linked(here, "lin", issuer.url, "account-of-lin")


def bad_claims(now: int) -> dict[str, dict[str, Any]]:
    return {
        "another issuer": {"iss": "https://elsewhere.example"},
        "an issuer with a slash": {"iss": "/"},
        "no issuer": {"iss": ...},
        "another audience": {"aud": "another-client"},
        "several audiences": {"aud": [CLIENT, "another-client"]},
        "no audience": {"aud": ...},
        "an empty audience": {"aud": []},
        "another party": {"azp": "another-client"},
        "ended": {"exp": now - 6},
        "no end": {"exp": ...},
        "an end in words": {"exp": "soon"},
        "made in the future": {"iat": now + 60},
        "made long ago": {"iat": now - 3600, "auth_time": now - 3600},
        "no making": {"iat": ...},
        "proven in the future": {"auth_time": now + 60},
        "good from later on": {"nbf": now + 60},
        "another nonce": {"nonce": url64(bytes(32))},
        "no nonce": {"nonce": ...},
        "no subject": {"sub": ...},
        "a subject that is no text": {"sub": 7},
        "an endless subject": {"sub": "s" * 256},
    }


@pytest.mark.parametrize("name", bad_claims(0))
def test_a_token_of_something_else_is_refused(here: Town, issuer: Issuer, name: str) -> None:
    issuer.claims = bad_claims(int(here.house.clock().timestamp()))[name]
    refused(there_and_back(here, issuer))


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    text = [url64(json.dumps(part).encode()) for part in ({**header, "alg": "none"}, claims)]
    return ".".join([*text, ""])


def with_secret(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """HMAC with the secret both sides know: right by the standard, and not what is configured."""
    return jwt.encode(claims, SECRET * 2, "HS256", headers={"kid": header["kid"]})


def by_a_stranger(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return jwt.encode(claims, GENERATED["ES256"](), "ES256", headers={"kid": header["kid"]})


def with_another_algorithm(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """The kid of a P-256 key over an RSA signature."""
    return jwt.encode(claims, GENERATED["RS256"](), "RS256", headers={"kid": header["kid"]})


@pytest.mark.parametrize(
    "sign", [unsigned, with_secret, by_a_stranger, with_another_algorithm, lambda *_: "x.y.z"]
)
def test_a_token_that_the_provider_did_not_sign_is_refused(
    here: Town, issuer: Issuer, sign: Any
) -> None:
    issuer.sign = sign
    refused(there_and_back(here, issuer))


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "unheard-of"},
        {"typ": "at+jwt"},
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/keys"},
        {"jwk": {"kty": "EC"}},
        {"crit": ["exp"]},
    ],
)
def test_a_token_with_another_header_is_refused(
    here: Town, issuer: Issuer, header: dict[str, Any]
) -> None:
    issuer.header = header
    refused(there_and_back(here, issuer))


def test_a_code_and_a_state_come_back_once(here: Town, issuer: Issuer) -> None:
    back = issuer.browse(departed(here)["authorization_url"])
    assert returned(here, back).status_code == 200
    refused(returned(here, back))
    other = departed(here)
    # The stolen code under a state of the thief's own: PKCE ties it to the first departure.
    stolen = issuer.browse(departed(here)["authorization_url"])
    refused(returned(here, {**stolen, "state": other["state"]}))


def test_a_return_from_another_provider_is_not_taken_here(here: Town, issuer: Issuer) -> None:
    """The mix-up: the honest provider is never shown a code that another one handed out."""
    back = issuer.browse(departed(here)["authorization_url"])
    issuer.asked.clear()
    refused(returned(here, {**back, "iss": "https://elsewhere.example"}))
    assert "/token" not in issuer.asked
    refused(returned(here, back))


def test_a_state_of_ones_own_or_too_late_is_refused(
    here: Town, issuer: Issuer, still: MovingClock
) -> None:
    back = issuer.browse(departed(here)["authorization_url"])
    issuer.asked.clear()
    refused(returned(here, {**back, "state": "made up"}))
    assert issuer.asked == []
    still.advance(timedelta(minutes=10))
    refused(returned(here, back))
    assert issuer.asked == []


def test_a_new_key_of_the_provider_is_found(here: Town, issuer: Issuer) -> None:
    assert there_and_back(here, issuer).status_code == 200
    old = issuer.keys
    issuer.rotate("EdDSA")
    assert there_and_back(here, issuer).status_code == 200
    # The key that was taken out of the set signs nobody in, whoever holds it.
    algorithm, key = next(iter(old.values()))
    kid = next(iter(old))
    issuer.sign = lambda _, claims: jwt.encode(claims, key, algorithm, headers={"kid": kid})
    refused(there_and_back(here, issuer))


def test_a_provider_that_is_away_is_told_as_such(here: Town, tmp_path: Path) -> None:
    kek = f"file:{tmp_path / 'keys' / 'kek.json'}"
    away = {"oidc_issuer": "http://127.0.0.1:1", "oidc_client_id": CLIENT}
    settings = Settings(data=tmp_path / "data", kek=kek, profile="test", **away)
    with town(settings, here.house.clock) as other:
        answer = other.doors.post("/v1/auth/oidc/departure")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://elsewhere.example"},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": None},
    ],
)
def test_a_description_that_is_not_the_providers_own_is_not_believed(
    here: Town, tmp_path: Path, lie: dict[str, Any]
) -> None:
    with provider() as liar:
        liar.description = lie
        kek = f"file:{tmp_path / 'keys' / 'kek.json'}"
        known = {"oidc_issuer": liar.url, "oidc_client_id": CLIENT}
        settings = Settings(data=tmp_path / "data", kek=kek, profile="test", **known)
        with town(settings, here.house.clock) as other:
            assert other.doors.post("/v1/auth/oidc/departure").status_code == 503


def test_without_a_provider_there_is_no_such_door(tmp_path: Path, still: MovingClock) -> None:
    kek = f"file:{tmp_path / 'keys' / 'kek.json'}"
    with town(Settings(data=tmp_path / "data", kek=kek, profile="test"), still) as bare:
        assert bare.doors.post("/v1/auth/oidc/departure").status_code == 404
        back = {"code": "x", "state": "y", "iss": "z"}
        assert bare.doors.post("/v1/auth/oidc/token", json=back).status_code == 404
