"""The independent verifier of receipts: what it accepts, and every way to cheat it that we know."""

import ast
import base64
import hashlib
import hmac
import json
import subprocess
import sys
from pathlib import Path
from runpy import run_path
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.receipt import MANDATORY, NESTED, receipt_claims
from service.grants.receipts import TYPE, _terms
from tests.unit.consent.test_receipt import DR_ZHOU, GIVEN, GRANT, LIN

SCRIPT = Path(__file__).resolve().parents[2] / "clients" / "verifiers" / "receipt.py"
ISSUER = "https://kangma.test"
KID = "receipt-1"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
verifier = run_path(str(SCRIPT))
Wrong: type[Exception] = verifier["Wrong"]


def claims() -> dict[str, Any]:
    made = receipt_claims(
        receipt_id=UUID(int=9),
        subject=LIN,
        grant=GRANT,
        recipient=DR_ZHOU,
        terms=_terms(ISSUER),
        events=(GIVEN,),
        language="zh",
    )
    return {"iss": ISSUER, **made}


def signed(told: Any, key: Ed25519PrivateKey = KEY, **header: Any) -> str:
    head = {"alg": "EdDSA", "typ": TYPE, "kid": KID, **header}
    text = ".".join(encoded(json.dumps(part).encode()) for part in (head, told))
    return f"{text}.{encoded(key.sign(text.encode()))}"


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jwks(key: Ed25519PrivateKey = KEY, kid: str = KID) -> dict[str, Any]:
    x = encoded(key.public_key().public_bytes_raw())
    return {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x}]}


def good(token: str, keys: dict[str, Any] | None = None) -> bool:
    try:
        verifier["verify"](token, jwks() if keys is None else keys)
    except Wrong:
        return False
    return True


TOKEN = signed(claims())


def test_a_receipt_as_the_service_signs_it_is_good() -> None:
    headers = {"typ": TYPE, "kid": KID}
    assert good(jwt.encode(claims(), KEY, algorithm="EdDSA", headers=headers))
    assert good(TOKEN)


def test_each_changed_byte_breaks_it_at_every_place() -> None:
    slipped = [
        (place, other)
        for place, byte in enumerate(TOKEN)
        for other in {chr(ord(byte) ^ 1), chr(ord(byte) ^ 32), "A" if byte != "A" else "B", "."}
        if other != byte and good(TOKEN[:place] + other + TOKEN[place + 1 :])
    ]
    assert slipped == []


def test_each_missing_and_each_added_byte_breaks_it() -> None:
    for place in range(len(TOKEN)):
        assert not good(TOKEN[:place] + TOKEN[place + 1 :])
        assert not good(TOKEN[:place] + "A" + TOKEN[place:])
    assert not good(TOKEN + "A")
    assert not good(TOKEN + "=")
    assert not good(TOKEN + "\n")


@pytest.mark.parametrize(
    ("section", "field"),
    [(section, name) for section, names in MANDATORY.items() for name in names],
)
@pytest.mark.parametrize("empty", ["gone", None, "", [], {}])
def test_each_mandatory_field_is_missed_even_when_signed_anew(
    section: str, field: str, empty: Any
) -> None:
    told = claims()
    found = told[section]
    for part in found if isinstance(found, list) else [found]:
        if empty == "gone":
            del part[field]
        else:
            part[field] = empty
        assert not good(signed(told))


@pytest.mark.parametrize(
    ("section", "field"), [(section, name) for section, names in NESTED.items() for name in names]
)
def test_and_so_is_each_inside_the_processing_section(section: str, field: str) -> None:
    told = claims()
    found = told["processing"][section]
    del (found[-1] if isinstance(found, list) else found)[field]
    assert not good(signed(told))


@pytest.mark.parametrize("section", ["iss", *MANDATORY])
def test_and_each_section(section: str) -> None:
    told = claims()
    del told[section]
    assert not good(signed(told))


@pytest.mark.parametrize("odd", [None, 3, "x", [], {}, [claims()], {**claims(), "events": "x"}])
def test_claims_of_another_shape_are_no_receipt(odd: Any) -> None:
    assert not good(signed(odd))


class TestKeys:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))

    def test_another_key_under_the_same_name(self) -> None:
        assert not good(TOKEN, jwks(self.other))
        assert not good(signed(claims(), self.other))

    def test_a_name_that_is_not_in_the_set(self) -> None:
        assert not good(TOKEN, jwks(kid="another"))
        assert not good(TOKEN, {"keys": []})

    def test_two_keys_of_one_name_are_no_key(self) -> None:
        assert not good(TOKEN, {"keys": jwks()["keys"] + jwks(self.other)["keys"]})

    def test_a_key_of_another_kind(self) -> None:
        for change in ({"kty": "EC"}, {"crv": "Ed448"}, {"x": "AA"}, {"x": None}):
            assert not good(TOKEN, {"keys": [{**jwks()["keys"][0], **change}]})

    @pytest.mark.parametrize("keys", [{}, {"keys": None}, {"keys": [1]}, [], None, "x"])
    def test_a_set_of_another_shape(self, keys: Any) -> None:
        with pytest.raises(Wrong):
            verifier["verify"](TOKEN, keys)

    def test_without_a_name_no_key_is_guessed(self) -> None:
        told = signed(claims(), kid=None)
        assert not good(told, {"keys": [{**jwks()["keys"][0], "kid": None}]})


class TestAlgorithms:
    @pytest.mark.parametrize(
        "alg", ["none", "None", "HS256", "ES256", "eddsa", "", None, ["EdDSA"]]
    )
    def test_no_other_is_taken_even_with_a_good_signature(self, alg: Any) -> None:
        assert not good(signed(claims(), alg=alg))

    def test_none_without_a_signature(self) -> None:
        head = encoded(json.dumps({"alg": "none", "typ": TYPE, "kid": KID}).encode())
        body = TOKEN.split(".")[1]
        assert not good(f"{head}.{body}.")
        assert not good(f"{head}.{body}")
        assert not good(f"{head}.{body}.AA")

    @pytest.mark.parametrize("form", ["raw", "x"])
    def test_the_public_key_is_no_secret_of_a_keyed_hash(self, form: str) -> None:
        raw = KEY.public_key().public_bytes_raw()
        secret = raw if form == "raw" else encoded(raw).encode()
        head = encoded(json.dumps({"alg": "HS256", "typ": TYPE, "kid": KID}).encode())
        text = f"{head}.{TOKEN.split('.')[1]}"
        mac = hmac.new(secret, text.encode(), hashlib.sha256).digest()
        assert not good(f"{text}.{encoded(mac)}")

    @pytest.mark.parametrize("typ", ["JWT", "at+jwt", "erasure-receipt+jwt", None])
    def test_a_token_of_another_kind_is_no_receipt(self, typ: Any) -> None:
        assert not good(signed(claims(), typ=typ))

    @pytest.mark.parametrize("more", [{"jku": "https://a.example"}, {"crit": ["b64"]}, {"jwk": {}}])
    def test_a_header_with_more_to_say_is_not_heard(self, more: dict[str, Any]) -> None:
        assert not good(signed(claims(), **more))


@pytest.mark.parametrize("text", ["", ".", "..", "...", "a.b", "a.b.c.d", "{}", "é.é.é", "\0" * 9])
def test_text_that_is_no_token(text: str) -> None:
    assert not good(text)


class TestOnTheCommandLine:
    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", str(SCRIPT), *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False)

    def test_says_what_was_agreed(self, tmp_path: Path) -> None:
        (tmp_path / "keys").write_text(json.dumps(jwks()))
        answer = json.dumps({"grant_id": str(GRANT.id), "receipt": TOKEN})
        for given in (TOKEN, TOKEN + "\n", answer):
            told = self.run("-", str(tmp_path / "keys"), given=given)
            assert told.returncode == 0, told.stderr
            assert "genuine and complete" in told.stdout
            for word in ("Dr Zhou", "care", "2026.1", "given", str(LIN), "体征"):
                assert word in told.stdout

    def test_says_what_is_wrong_and_fails(self, tmp_path: Path) -> None:
        (tmp_path / "keys").write_text(json.dumps(jwks(TestKeys.other)))
        (tmp_path / "receipt").write_text(TOKEN)
        told = self.run(str(tmp_path / "receipt"), str(tmp_path / "keys"))
        assert told.returncode == 1
        assert "NOT a good receipt: the signature does not fit" in told.stderr
        assert told.stdout == ""
        gone = self.run(str(tmp_path / "nothing"), str(tmp_path / "keys"))
        assert gone.returncode == 1


class TestIndependent:
    def test_is_under_100_lines(self) -> None:
        assert len(SCRIPT.read_text("utf-8").splitlines()) < 100

    def test_needs_nothing_of_ours(self) -> None:
        imported = set()
        for node in ast.walk(ast.parse(SCRIPT.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").split(".")[0])
            elif isinstance(node, ast.Import):
                imported |= {name.name.split(".")[0] for name in node.names}
        assert imported <= sys.stdlib_module_names | {"cryptography"}
