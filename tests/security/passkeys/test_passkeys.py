"""Passkeys: the two ceremonies over HTTP with a software authenticator, and attacks on each."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from tests.authenticator import PRESENT, VERIFIED, Authenticator, sign, unbase64, url64
from tests.conftest import MovingClock
from tests.house_room import Person, Town
from tests.passkey_room import (
    ROOT,
    TURNED_AWAY,
    added,
    asked,
    begun,
    enrolled,
    entered,
    refused,
    stronger,
)
from tests.standing_room import NOW


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_signing_in_without_a_name(here: Town, lin: Person, algorithm: str) -> None:
    device = Authenticator(algorithm)
    enrolled(here, lin, device)
    answer = entered(here, device.get(asked(here)))
    assert answer.status_code == 200, answer.text
    back = here.person("lin", answer.json())
    assert back.id == lin.id
    known = here.house.tokens.verify(back.access, audience="resident", now=NOW)
    assert (known.acr, known.auth_time) == (2, NOW)
    assert here.doors.get("/v1/me", headers=back.headers).status_code == 200
    # The strength is that of the sign-in, so refreshing keeps it.
    more = here.token(grant_type="refresh_token", refresh_token=back.refresh or "")
    again = here.person("lin", more.json())
    assert here.house.tokens.verify(again.access, audience="resident", now=NOW).acr == 2


def test_the_options_ask_for_verification_and_name_nobody(here: Town, lin: Person) -> None:
    options = begun(here, lin)["publicKey"]
    assert options["rp"]["id"] == "kangma.local"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert lin.login not in json.dumps(options)
    assert lin.id not in json.dumps(options)
    ours = asked(here)["publicKey"]
    assert ours["userVerification"] == "required"
    assert ours.get("allowCredentials", []) == []
    assert ours["challenge"] != asked(here)["publicKey"]["challenge"]


def test_several_passkeys_and_removing_one(here: Town, lin: Person) -> None:
    first, second = Authenticator(), Authenticator("EdDSA")
    ids = [enrolled(here, lin, first)]
    lin = stronger(here, lin, first)
    ids.append(enrolled(here, lin, second))
    listed = here.doors.get(ROOT, headers=lin.headers).json()["items"]
    assert {one["id"] for one in listed} == set(ids)
    assert here.doors.delete(f"{ROOT}/{ids[0]}", headers=lin.headers).status_code == 204
    refused(entered(here, first.get(asked(here))), 401, TURNED_AWAY)
    assert entered(here, second.get(asked(here))).status_code == 200
    refused(here.doors.delete(f"{ROOT}/{ids[0]}", headers=lin.headers), 404, "not-found")
    zhao = here.resident(f"zhao-{uuid4()}")
    refused(here.doors.delete(f"{ROOT}/{ids[1]}", headers=zhao.headers), 404, "not-found")
    assert here.doors.get(ROOT, headers=zhao.headers).json()["items"] == []


def test_a_resident_is_told_of_every_passkey_that_comes_or_goes(here: Town, lin: Person) -> None:
    """Whoever learned a password could add the first one unseen."""
    device = Authenticator()
    kept = enrolled(here, lin, device)
    lin = stronger(here, lin, device)
    assert here.doors.delete(f"{ROOT}/{kept}", headers=lin.headers).status_code == 204
    refused(here.doors.delete(f"{ROOT}/{kept}", headers=lin.headers), 404, "not-found")
    told = here.doors.get("/v1/me/notices", headers=lin.headers).json()["items"]
    assert sorted(one["kind"] for one in told) == ["passkey-added", "passkey-removed"]


def test_adding_and_removing_need_a_fresh_sign_in(
    here: Town, lin: Person, clock: MovingClock
) -> None:
    device = Authenticator()
    kept = enrolled(here, lin, device)
    lin = stronger(here, lin, device)
    begin = begun(here, lin)
    clock.advance(timedelta(minutes=5, seconds=1))
    answers = [
        here.doors.post(f"{ROOT}/registration", headers=lin.headers),
        added(here, lin, device.create(begin)),
        here.doors.delete(f"{ROOT}/{kept}", headers=lin.headers),
    ]
    for answer in answers:
        refused(answer, 403, "step-up-required")
        assert 'error="insufficient_user_authentication"' in answer.headers["www-authenticate"]
        assert 'max_age="300"' in answer.headers["www-authenticate"]


def test_a_stolen_password_adds_and_removes_none_where_there_is_one(
    here: Town, lin: Person
) -> None:
    """Else a thief would add a passkey, and change the password and make codes with that."""
    device, thiefs = Authenticator(), Authenticator()
    early = thiefs.create(begun(here, lin))
    kept = enrolled(here, lin, device)
    for answer in (
        here.doors.post(f"{ROOT}/registration", headers=lin.headers),
        added(here, lin, early),
        here.doors.delete(f"{ROOT}/{kept}", headers=lin.headers),
    ):
        refused(answer, 403, "stronger-sign-in-required")
    assert entered(here, device.get(asked(here))).status_code == 200


def test_erasure_takes_passkeys_along(here: Town, lin: Person) -> None:
    device = Authenticator()
    enrolled(here, lin, device)
    assert here.doors.delete("/v1/me", headers=lin.headers).status_code == 200
    refused(entered(here, device.get(asked(here))), 401, TURNED_AWAY)


def test_nothing_of_a_passkey_lies_in_clear(here: Town, lin: Person) -> None:
    device = Authenticator()
    enrolled(here, lin, device)
    here.house.db.write(lambda conn: None)
    credential = device.held[0].credential_id
    url = here.house.settings.data_store_url
    files = Path(url.removeprefix("sqlite:///")).parent.glob("kangma.db*")
    stored = b"".join(file.read_bytes() for file in files)
    for secret in (credential, url64(credential).encode(), device.held[0].handle):
        assert secret not in stored


# -- attacks on adding ----------------------------------------------------------------------------

BAD_CREATIONS: dict[str, dict[str, Any]] = {
    "another origin": {"said": {"origin": "https://kangma.local.evil.example"}},
    "an origin that begins like ours": {"said": {"origin": "https://kangma.localhost"}},
    "plain http": {"said": {"origin": "http://kangma.local"}},
    "another port": {"said": {"origin": "https://kangma.local:444"}},
    "the other ceremony": {"said": {"type": "webauthn.get"}},
    "a challenge of one's own": {"said": {"challenge": url64(bytes(32))}},
    "no challenge": {"said": {"challenge": ""}},
    "an attestation nobody asked for": {"format": "tpm"},
    "an attestation of no kind": {"format": "unheard-of"},
    "a key of another kind": {"key": {1: 2, 3: -35, -1: 2, -2: bytes(48), -3: bytes(48)}},
    "a symmetric key": {"key": {1: 4, 3: 5, -1: bytes(32)}},
    "no key": {"key": {}},
    "a point off the curve": {"key": {1: 2, 3: -7, -1: 1, -2: bytes(32), -3: b"\1" * 32}},
}


@pytest.mark.parametrize("name", BAD_CREATIONS)
def test_a_credential_that_is_not_as_asked_is_not_kept(here: Town, lin: Person, name: str) -> None:
    device = Authenticator()
    answer = added(here, lin, device.create(begun(here, lin), **BAD_CREATIONS[name]))
    if answer.status_code == 201:
        # A key that signs nothing may be kept; then it must not open.
        refused(entered(here, device.get(asked(here))), 401, TURNED_AWAY)
    else:
        refused(answer, 401, TURNED_AWAY)


@pytest.mark.parametrize(
    "change",
    [{"flags": PRESENT}, {"flags": VERIFIED}, {"flags": 0}, {"domain": "evil.example"}],
    ids=["not verified", "not present", "neither", "another domain"],
)
def test_a_device_that_did_not_verify_adds_nothing(
    here: Town, lin: Person, change: dict[str, Any]
) -> None:
    device = replace(Authenticator(), **change)
    refused(added(here, lin, device.create(begun(here, lin))), 401, TURNED_AWAY)


def test_a_challenge_is_for_one_person_one_purpose_one_answer_and_five_minutes(
    here: Town, lin: Person, clock: MovingClock
) -> None:
    device = Authenticator()
    mine = begun(here, lin)
    assert added(here, lin, device.create(mine)).status_code == 201
    lin = stronger(here, lin, device)
    refused(added(here, lin, device.create(mine)), 401, TURNED_AWAY)
    zhao = here.resident(f"zhao-{uuid4()}")
    refused(added(here, zhao, device.create(begun(here, lin))), 401, TURNED_AWAY)
    for_entering = device.create(begun(here, lin))
    said = {"challenge": asked(here)["publicKey"]["challenge"]}
    assert for_entering["type"] == "public-key"
    other = device.create(begun(here, lin), said=said)
    refused(added(here, lin, other), 401, TURNED_AWAY)
    late = begun(here, lin)
    clock.advance(timedelta(minutes=5))
    refused(added(here, lin, device.create(late)), 401, TURNED_AWAY)


def test_a_credential_belongs_to_one_person(here: Town, lin: Person) -> None:
    """Whoever claims the id of somebody's passkey must not take it over, nor break it."""
    device, thief = Authenticator(), Authenticator()
    enrolled(here, lin, device)
    known = device.held[0].credential_id
    zhao = here.resident(f"zhao-{uuid4()}")
    refused(added(here, zhao, thief.create(begun(here, zhao), id=known)), 401, TURNED_AWAY)
    outside = thief.create(begun(here, zhao))
    named = json.loads(json.dumps(outside).replace(outside["id"], url64(known)))
    refused(added(here, zhao, named), 401, TURNED_AWAY)
    assert here.person("lin", entered(here, device.get(asked(here))).json()).id == lin.id


# -- attacks on signing in ------------------------------------------------------------------------

BAD_ANSWERS: dict[str, dict[str, Any]] = {
    "another origin": {"said": {"origin": "https://evil.example"}},
    "an origin inside ours": {"said": {"origin": "https://kangma.local/evil"}},
    "the other ceremony": {"said": {"type": "webauthn.create"}},
    "a challenge of one's own": {"said": {"challenge": url64(bytes(32))}},
    "a challenge that is no text": {"said": {"challenge": 7}},
    "another person's handle": {"handle": bytes(16)},
    "no handle": {"handle": b""},
    "no signature": {"signature": b""},
    "a signature of nothing": {"signature": bytes(64)},
    "short data": {"data": bytes(36)},
}


@pytest.fixture
def device(here: Town, lin: Person) -> Authenticator:
    made = Authenticator()
    enrolled(here, lin, made)
    return made


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_an_answer_that_is_not_as_asked_opens_nothing(
    here: Town, device: Authenticator, name: str
) -> None:
    answer = entered(here, device.get(asked(here), **BAD_ANSWERS[name]))
    refused(answer, 401, TURNED_AWAY)
    assert entered(here, device.get(asked(here))).status_code == 200


@pytest.mark.parametrize("place", [0, 32, 36])
def test_changed_authenticator_data_opens_nothing(
    here: Town, device: Authenticator, place: int
) -> None:
    """One bit of the domain, of the flags, of the counter: the signature covers all of it."""
    answer = device.get(asked(here))
    data = bytearray(unbase64(answer["response"]["authenticatorData"]))
    data[place] ^= 0x02
    answer["response"]["authenticatorData"] = url64(bytes(data))
    refused(entered(here, answer), 401, TURNED_AWAY)


@pytest.mark.parametrize(
    "change",
    [{"flags": PRESENT}, {"flags": VERIFIED}, {"domain": "evil.example"}],
    ids=["not verified", "not present", "another domain"],
)
def test_a_device_that_did_not_verify_opens_nothing(
    here: Town, device: Authenticator, change: dict[str, Any]
) -> None:
    lax = replace(device, **change)
    refused(entered(here, lax.get(asked(here))), 401, TURNED_AWAY)


def test_an_answer_opens_once(here: Town, device: Authenticator, clock: MovingClock) -> None:
    answer = device.get(asked(here))
    assert entered(here, answer).status_code == 200
    refused(entered(here, answer), 401, TURNED_AWAY)
    late = asked(here)
    clock.advance(timedelta(minutes=5))
    refused(entered(here, device.get(late)), 401, TURNED_AWAY)


def test_a_wrong_answer_uses_the_challenge_up(here: Town, device: Authenticator) -> None:
    options = asked(here)
    refused(entered(here, device.get(options, signature=b"")), 401, TURNED_AWAY)
    refused(entered(here, device.get(options)), 401, TURNED_AWAY)


def test_a_copied_device_is_refused_and_told_to_the_log(
    here: Town, lin: Person, device: Authenticator
) -> None:
    for _ in range(2):
        assert entered(here, device.get(asked(here))).status_code == 200
    for count in (0, 1):  # it then says 1 and 2
        device.held[0].count = count
        with capture_logs() as lines:
            refused(entered(here, device.get(asked(here))), 401, TURNED_AWAY)
        told = [line for line in lines if line["event"] == "passkey-counter-went-back"]
        assert [line["subject"] for line in told] == [lin.id]
    device.held[0].count = 2
    assert entered(here, device.get(asked(here))).status_code == 200


def test_a_device_that_never_counts_is_no_copy(here: Town, lin: Person) -> None:
    quiet = Authenticator(counts=False)
    enrolled(here, lin, quiet)
    for _ in range(2):
        assert entered(here, quiet.get(asked(here))).status_code == 200


def test_an_unknown_passkey_looks_like_a_wrong_one(here: Town, device: Authenticator) -> None:
    stranger = Authenticator()
    options = asked(here)
    stranger.create(
        {"publicKey": {**options["publicKey"], "rp": {"id": "kangma.local"}, "user": {"id": "AA"}}}
    )
    unknown = entered(here, stranger.get(asked(here)))
    wrong = entered(here, device.get(asked(here), signature=sign(stranger.held[0].private, b"")))
    documents = [answer.json() for answer in (unknown, wrong)]
    for document in documents:
        document.pop("request_id")
    assert documents[0] == documents[1]
    refused(unknown, 401, TURNED_AWAY)
    assert set(unknown.headers) == set(wrong.headers)


def test_somebody_elses_key_under_a_known_id_opens_nothing(
    here: Town, device: Authenticator
) -> None:
    thief = replace(device, held=[replace(device.held[0], private=Authenticator()._key())])
    refused(entered(here, thief.get(asked(here))), 401, TURNED_AWAY)
