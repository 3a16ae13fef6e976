"""What authenticators send is read without ever being written out larger than it came.

The library that verifies passkeys reads CBOR and writes it anew before it looks at any signature.
A value shared at each of n levels is read from 9 n bytes and written out as 2**n.
"""

import sys
from typing import Any

import cbor2
import pytest

from service.identity.passkeys import ceremony
from tests.authenticator import Authenticator, cose
from tests.house_room import Person, Town
from tests.passkey_room import TURNED_AWAY, added, asked, begun, entered, refused

LEVELS = 22
"""Written out it is four million values: seconds, not forever, where the bounds are gone."""


def shared(levels: int) -> bytes:
    """An array of the same array twice, and so on: each is marked (28) and meant again (29)."""
    data = b"\xd8\x1c\x80"
    for level in range(levels, 0, -1):
        data = b"\xd8\x1c\x82" + data + b"\xd8\x1d" + cbor2.dumps(level)
    return data


def nested(levels: int) -> bytes:
    return b"\x81" * levels + b"\x80"


HOSTILE = {
    "shared": shared(LEVELS),
    "nested": nested(300),
    "an open end": b"\x9f\x01\xff",
    "longer than need be": b"\x18\x05",
    "a string of strings": cbor2.dumps(["a" * 400, "a" * 400], string_referencing=True),
    "cut off": b"\x82\x01",
    "more behind it": b"\xa0\xa0",
}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the library writes out anew."""
    module = sys.modules["webauthn.helpers.parse_authenticator_data"]
    seen: list[Any] = []
    really = module.encode_cbor

    def encode(value: Any) -> bytes:
        seen.append(value)
        return bytes(really(value))

    monkeypatch.setattr(module, "encode_cbor", encode)
    return seen


def test_the_bomb_is_one() -> None:
    assert len(shared(LEVELS)) < 250
    assert len(cbor2.dumps(cbor2.loads(shared(10)))) > 2**10


@pytest.mark.parametrize("name", HOSTILE)
def test_nobodys_extensions_are_not_written_out(here: Town, written: list[Any], name: str) -> None:
    device = Authenticator()
    device.create(begun(here, here.resident(f"mei-{name.replace(' ', '-')}")))
    refused(entered(here, device.get(asked(here), extensions=HOSTILE[name])), 401, TURNED_AWAY)
    assert written == []


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("place", ["extensions", "key", "object"])
def test_nor_are_those_of_a_new_credential(
    here: Town, lin: Person, written: list[Any], name: str, place: str
) -> None:
    device, hostile = Authenticator(), HOSTILE[name]
    lies: dict[str, Any] = {place: hostile}
    if place == "key":
        # Its place in the data is taken by octets that are no COSE key.
        lies = {"key": Spelled(hostile)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cbor2, "dumps", spelled)
        made = device.create(begun(here, lin), **lies)
    refused(added(here, lin, made), 401, TURNED_AWAY)
    # An honest key before hostile extensions is written out, and nothing else.
    assert all(one == cose(device.held[0].private) for one in written)


class Spelled:
    """CBOR that stands as it is."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets


really_spelled = cbor2.dumps


def spelled(value: Any, **more: Any) -> bytes:
    return value.octets if isinstance(value, Spelled) else really_spelled(value, **more)


def test_honest_extensions_pass(here: Town, lin: Person, written: list[Any]) -> None:
    device = Authenticator()
    extensions = really_spelled({"credProtect": 2})
    answer = added(here, lin, device.create(begun(here, lin), extensions=extensions))
    assert answer.status_code == 201, answer.text
    answer = entered(here, device.get(asked(here), extensions=really_spelled({"uvm": [[2, 4, 2]]})))
    assert answer.status_code == 200, answer.text
    assert written


def test_an_empty_answer_is_no_answer() -> None:
    for data in (b"", bytes(10), bytes(37) + b"\x00", bytes(36)):
        if len(data) < ceremony.HEAD:
            with pytest.raises((IndexError, ValueError)):
                ceremony._require_plain(data[:32])
        else:
            with pytest.raises(ValueError, match="flags"):
                ceremony._require_plain(data)
