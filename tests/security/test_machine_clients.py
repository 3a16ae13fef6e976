"""Machines sign who they are, and a token of theirs is worth nothing to whoever steals it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.asgi import ADDRESS
from tests.conftest import MovingClock
from tests.house_room import Town, town
from tests.machines import TOKEN_URL, Machine, jwk_of, new_key, signed, url64
from tests.standing_room import NOW

PATH = "/v1/city/releases"
URL = f"{ADDRESS}{PATH}"


@pytest.fixture(scope="module")
def clock() -> MovingClock:
    return MovingClock(NOW)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, clock: MovingClock) -> Iterator[Town]:
    from contextlib import ExitStack

    from tests.standing_room import settings

    with ExitStack() as stack:
        made = settings(tmp_path_factory.mktemp("machines"), "sqlite", stack)
        yield stack.enter_context(town(made, clock))


@pytest.fixture(scope="module", params=["EdDSA", "ES256"])
def machine(request: pytest.FixtureRequest, here: Town) -> Machine:
    return Machine(here, request.param)


def visited(here: Town, token: str, *proofs: str, scheme: str = "DPoP") -> httpx.Response:
    headers = [("authorization", f"{scheme} {token}"), *(("dpop", one) for one in proofs)]
    return here.doors.get(PATH, headers=headers)


def refused(answer: httpx.Response, status: int, code: str, oauth: str | None = None) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json().get("error") == oauth


def test_a_token_opens_with_a_proof_for_each_request(here: Town, machine: Machine) -> None:
    token = machine.token()
    for _ in range(2):
        assert visited(here, token, machine.proof("GET", URL, token)).status_code == 200
    # A query is no part of the address that is proven, and neither is the case of the host.
    loud = "HTTP://KANGMA.TEST:80" + PATH + "?limit=1#x"
    assert visited(here, token, machine.proof("GET", loud, token)).status_code == 200


def test_a_stolen_token_opens_nothing(here: Town, machine: Machine) -> None:
    token = machine.token()
    answer = visited(here, token)
    refused(answer, 401, "invalid-proof")
    assert 'error="invalid_dpop_proof"' in answer.headers["www-authenticate"]
    refused(visited(here, token, scheme="Bearer"), 401, "unauthenticated")
    proof = machine.proof("GET", URL, token)
    refused(visited(here, token, proof, scheme="Bearer"), 401, "unauthenticated")
    thief = Machine(here)
    refused(visited(here, token, thief.proof("GET", URL, token)), 401, "invalid-proof")


def test_a_plain_token_is_not_made_better_by_a_proof(here: Town, machine: Machine) -> None:
    city = here.city()
    proof = machine.proof("GET", URL, city.access)
    refused(visited(here, city.access, proof), 401, "unauthenticated")


def test_a_proof_opens_once(here: Town, machine: Machine) -> None:
    token = machine.token()
    proof = machine.proof("GET", URL, token)
    assert visited(here, token, proof).status_code == 200
    refused(visited(here, token, proof), 401, "invalid-proof")
    again = machine.proof()
    assert machine.ask(proof=again).status_code == 200
    refused(machine.ask(proof=again), 401, "invalid-credentials", "invalid_client")


BAD_PROOFS: dict[str, dict[str, Any]] = {
    "another method": {"htm": "POST"},
    "method in small letters": {"htm": "get"},
    "another path": {"htu": f"{ADDRESS}/v1/city/budget"},
    "a path above": {"htu": f"{ADDRESS}/v1/city"},
    "another host": {"htu": f"https://elsewhere.example{PATH}"},
    "another scheme": {"htu": f"https://kangma.test{PATH}"},
    "no host": {"htu": PATH},
    "a port that is no number": {"htu": f"http://kangma.test:x{PATH}"},
    "a user in the address": {"htu": f"http://kangma.test@elsewhere.example{PATH}"},
    "no method": {"htm": ...},
    "no address": {"htu": ...},
    "no hash of the token": {"ath": ...},
    "another token's hash": {"ath": url64(bytes(32))},
    "an empty hash": {"ath": ""},
    "no id": {"jti": ...},
    "an empty id": {"jti": ""},
    "a long id": {"jti": "j" * 129},
    "an id that is no text": {"jti": 7},
    "an id that is half a character": {"jti": "\ud800"},
    "no moment": {"iat": ...},
    "an old moment": {"iat": int(NOW.timestamp()) - 61},
    "a moment to come": {"iat": int(NOW.timestamp()) + 60},
    "a moment in words": {"iat": str(int(NOW.timestamp()))},
    "a moment in fractions": {"iat": NOW.timestamp() + 0.5},
}


@pytest.mark.parametrize("name", BAD_PROOFS)
def test_a_proof_of_something_else_is_refused(here: Town, machine: Machine, name: str) -> None:
    token = machine.token()
    proof = machine.proof("GET", URL, token, **BAD_PROOFS[name])
    refused(visited(here, token, proof), 401, "invalid-proof")


BAD_HEADERS: dict[str, dict[str, Any]] = {
    "typ of a token": {"typ": "at+jwt"},
    "no typ": {"typ": ...},
    "alg none": {"alg": "none"},
    "a symmetric alg": {"alg": "HS256"},
    "another alg": {"alg": "RS256"},
    "no alg": {"alg": ...},
    "no key": {"jwk": ...},
    "a key of no kind": {"jwk": {}},
    "a symmetric key": {"jwk": {"kty": "oct", "k": "AAAA"}},
    "a key that is a list": {"jwk": []},
    "a point off the curve": {
        "jwk": {"kty": "EC", "crv": "P-256", "x": url64(bytes(32)), "y": url64(b"\1" * 32)}
    },
    "a key of another curve": {
        "jwk": {"kty": "EC", "crv": "secp256k1", "x": url64(bytes(32)), "y": url64(bytes(32))}
    },
    "a kid beside the key": {"kid": "mine"},
    "an address of keys": {"jku": "https://203.0.113.9/"},
    "crit": {"crit": ["exp"]},
}


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_a_proof_with_another_header_is_refused(here: Town, machine: Machine, name: str) -> None:
    token = machine.token()
    proof = machine.proof("GET", URL, token, header=BAD_HEADERS[name])
    refused(visited(here, token, proof), 401, "invalid-proof")


def test_a_proof_that_shows_its_private_key_is_refused(here: Town, machine: Machine) -> None:
    token = machine.token()
    shown = {"jwk": {**jwk_of(machine.private), "d": url64(bytes(32))}}
    proof = machine.proof("GET", URL, token, header=shown)
    refused(visited(here, token, proof), 401, "invalid-proof")


def test_a_proof_signed_by_another_key_than_it_names_is_refused(
    here: Town, machine: Machine
) -> None:
    token = machine.token()
    proof = machine.proof("GET", URL, token, key=new_key(machine.algorithm))
    refused(visited(here, token, proof), 401, "invalid-proof")


def test_two_proofs_are_one_too_many(here: Town, machine: Machine) -> None:
    token = machine.token()
    two = [machine.proof("GET", URL, token) for _ in range(2)]
    refused(visited(here, token, *two), 401, "invalid-proof")


def test_the_token_door_binds_to_the_key_that_was_proven(here: Town, machine: Machine) -> None:
    """The key of the proof may be another than the one that signs the assertion."""
    other = Machine(here)
    answer = machine.ask(proof=other.proof())
    token = answer.json()["access_token"]
    assert visited(here, token, other.proof("GET", URL, token)).status_code == 200
    refused(visited(here, token, machine.proof("GET", URL, token)), 401, "invalid-proof")


def test_a_key_gets_no_token_without_a_proof(machine: Machine) -> None:
    refused(machine.ask(proof=None), 400, "invalid-proof", "invalid_dpop_proof")
    wrong = machine.proof("GET", TOKEN_URL)
    refused(machine.ask(proof=wrong), 400, "invalid-proof", "invalid_dpop_proof")
    with_hash = machine.proof("POST", TOKEN_URL, "a token")
    refused(machine.ask(proof=with_hash), 400, "invalid-proof", "invalid_dpop_proof")


SECONDS = int(NOW.timestamp())
BAD_ASSERTIONS: dict[str, dict[str, Any]] = {
    "another service": {"aud": "https://elsewhere.example/token"},
    "another door of ours": {"aud": URL},
    "several services": {"aud": [TOKEN_URL, "https://elsewhere.example/token"]},
    "no service": {"aud": ...},
    "a service's name and more": {"aud": f"{TOKEN_URL}/"},
    "another subject": {"sub": str(uuid4())},
    "another issuer": {"iss": str(uuid4())},
    "nobody known": {"iss": (gone := str(uuid4())), "sub": gone},
    "no subject": {"sub": ...},
    "no end": {"exp": ...},
    "an end that is past": {"exp": SECONDS - 6},
    "an end too far away": {"exp": SECONDS + 306},
    "an end in words": {"exp": str(SECONDS + 60)},
    "no id": {"jti": ...},
    "a short id": {"jti": "1"},
    "made in the future": {"iat": SECONDS + 60},
    "made long ago": {"iat": SECONDS - 301},
    "good from later on": {"nbf": SECONDS + 60},
}


@pytest.mark.parametrize("name", BAD_ASSERTIONS)
def test_an_assertion_of_something_else_is_refused(machine: Machine, name: str) -> None:
    answer = machine.ask(client_assertion=machine.assertion(**BAD_ASSERTIONS[name]))
    refused(answer, 401, "invalid-credentials", "invalid_client")


@pytest.mark.parametrize("audience", ["https://kangma.local", [TOKEN_URL]])
def test_an_assertion_may_name_the_issuer_or_one_door(machine: Machine, audience: Any) -> None:
    assert machine.ask(client_assertion=machine.assertion(aud=audience)).status_code == 200


def test_an_assertion_passes_once(machine: Machine, here: Town) -> None:
    said = machine.assertion()
    assert machine.ask(client_assertion=said).status_code == 200
    refused(machine.ask(client_assertion=said), 401, "invalid-credentials", "invalid_client")


def test_a_forged_assertion_is_refused(machine: Machine, here: Town) -> None:
    stranger = Machine(here, machine.algorithm)
    foreign = machine.assertion(key=stranger.private)
    unsigned = signed({}, machine.private, {"alg": "none"}).rpartition(".")[0] + "."
    headed = [
        machine.assertion(header={"jwk": jwk_of(machine.private)}),
        machine.assertion(header={"jku": "https://203.0.113.9/"}),
        machine.assertion(header={"kid": "another"}),
        machine.assertion(header={"typ": "at+jwt"}),
    ]
    for forged in (foreign, unsigned, *headed, "", "x", "..", "a" * 4096):
        answer = machine.ask(client_assertion=forged)
        refused(answer, 401, "invalid-credentials", "invalid_client")
    other = machine.ask(client_id=stranger.client_id)
    refused(other, 401, "invalid-credentials", "invalid_client")
    kind = machine.ask(client_assertion_type="urn:ietf:params:oauth:client-assertion-type:saml2")
    refused(kind, 401, "invalid-credentials", "invalid_client")


def test_who_has_a_key_has_no_secret(machine: Machine, here: Town) -> None:
    """No secret is kept for it, so none may pass: not the empty one, nor the hash of nothing."""
    for secret in ("", "\0" * 32, "0", "None"):
        pair = {"client_id": machine.client_id, "client_secret": secret}
        answer = here.token(grant_type="client_credentials", **pair)
        refused(answer, 401, "invalid-credentials", "invalid_client")


def test_a_secret_may_be_bound_too(machine: Machine, here: Town) -> None:
    form = {"grant_type": "client_credentials", **here.client()}
    answer = here.doors.post("/v1/auth/token", data=form, headers={"dpop": machine.proof()})
    assert answer.json()["token_type"] == "DPoP"
    token = answer.json()["access_token"]
    refused(visited(here, token, scheme="Bearer"), 401, "unauthenticated")
    assert visited(here, token, machine.proof("GET", URL, token)).status_code == 200


def test_a_bound_token_ends_like_any_other(
    machine: Machine, here: Town, clock: MovingClock
) -> None:
    token = machine.token()
    clock.advance(timedelta(minutes=11))
    try:
        refused(visited(here, token, machine.proof("GET", URL, token)), 401, "unauthenticated")
    finally:
        clock.advance(timedelta(minutes=-11))


def test_in_production_the_host_header_proves_nothing(machine: Machine, here: Town) -> None:
    """The relay: a proof made for the thief's host is sent on under that very Host header."""
    from starlette.requests import Request

    from service.api.origins import addresses

    class App:
        class state:  # noqa: N801 - the name Starlette gives it
            settings = here.house.settings.model_copy(update={"profile": "production"})

    scope = {
        "type": "http",
        "scheme": "https",
        "path": PATH,
        "headers": [(b"host", b"thief.example")],
        "app": App,
    }
    assert addresses(Request(scope)) == {f"https://kangma.local{PATH}"}
