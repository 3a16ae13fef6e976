"""SM3, HMAC-SM3 and SM4-GCM against the vectors their standards print.

- SM3: GB/T 32905-2016, appendix A, examples 1 and 2.
- HMAC-SM3: GM/T 0042-2015, appendix D.3.
- SM4: GB/T 32907-2016, appendix A, example 1 (one block), seen here through GCM's counter mode.
- SM4-GCM: RFC 8998, appendix A.1.
"""

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB

from service.kit.crypto import sm

KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
NONCE = bytes.fromhex("00001234567800000000ABCD")
AUTHENTICATED = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
TEXT = bytes.fromhex(
    "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD"
    "EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA"
)
SEALED = bytes.fromhex(
    "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
    "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
)
TAG = bytes.fromhex("83DE3541E4C2B58177E065A9BF7B62EC")


def with_key(key: bytes) -> sm.Sm4Gcm:
    """SM4-GCM under exactly this key of 16 bytes, as the vectors have it, not a derived one."""
    cipher = sm.Sm4Gcm(bytes(32))
    cipher._algorithm = SM4(key)
    return cipher


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3(text: bytes, digest: str) -> None:
    assert sm.sm3(text).hex() == digest


def test_hmac_sm3() -> None:
    text = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq" * 2
    expected = "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a"
    assert sm.hmac_sm3(bytes(range(1, 33)), text).hex() == expected


def test_sm4_block() -> None:
    encryptor = Cipher(SM4(KEY), ECB()).encryptor()
    block = encryptor.update(KEY) + encryptor.finalize()
    assert block.hex() == "681edf34d206965e86b3e94f536e4246"


def test_sm4_gcm() -> None:
    cipher = with_key(KEY)
    assert cipher.encrypt(NONCE, TEXT, AUTHENTICATED) == SEALED + TAG
    assert cipher.decrypt(NONCE, SEALED + TAG, AUTHENTICATED) == TEXT


def test_sm4_gcm_notices_every_altered_bit_of_the_tag_and_the_bound_data() -> None:
    cipher = with_key(KEY)
    for bit in range(128):
        tag = (int.from_bytes(TAG, "big") ^ (1 << bit)).to_bytes(16, "big")
        with pytest.raises(InvalidTag):
            cipher.decrypt(NONCE, SEALED + tag, AUTHENTICATED)
    for length in range(16):
        with pytest.raises(InvalidTag):
            cipher.decrypt(NONCE, TAG[:length], AUTHENTICATED)
    with pytest.raises(InvalidTag):
        cipher.decrypt(NONCE, SEALED + TAG, AUTHENTICATED[:-1])


def test_the_key_of_sm4_is_derived_not_cut() -> None:
    """Or the first half of a key read under another suite would serve two algorithms."""
    whole = bytes(range(32))
    derived = sm.Sm4Gcm(whole).encrypt(NONCE, TEXT, AUTHENTICATED)
    assert derived != with_key(whole[:16]).encrypt(NONCE, TEXT, AUTHENTICATED)
    assert derived != with_key(whole[16:]).encrypt(NONCE, TEXT, AUTHENTICATED)
