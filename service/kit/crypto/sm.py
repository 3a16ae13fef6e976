"""The Chinese commercial algorithms: SM4 in Galois/Counter Mode and the hash SM3.

SM4 is GB/T 32907-2016, SM3 is GB/T 32905-2016; SM4-GCM as in RFC 8998 with a 96-bit nonce and a
128-bit tag. Both come from the OpenSSL that `cryptography` brings along, not from Python's own,
which may be built without them.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SM3, Hash
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_TAG_BYTES = 16
_SM3 = SM3()


class Sm4Gcm:
    """SM4-GCM under a key derived by HKDF-SM3 (RFC 5869) from 32 bytes.

    SM4 keys have 16 bytes. Deriving rather than cutting means that no byte of a key serves two
    algorithms, should one ever be read under another suite.
    """

    __slots__ = ("_algorithm",)

    def __init__(self, key: bytes) -> None:
        derived = HKDF(_SM3, length=16, salt=None, info=b"kangma SM4-GCM").derive(key)
        self._algorithm = SM4(derived)

    def encrypt(self, nonce: bytes, text: bytes, authenticated: bytes | None, /) -> bytes:
        """The ciphertext followed by its tag."""
        encryptor = Cipher(self._algorithm, GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(authenticated or b"")
        return encryptor.update(text) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, text: bytes, authenticated: bytes | None, /) -> bytes:
        """The text; InvalidTag when anything was altered, and then nothing of it is given out."""
        if len(text) < _TAG_BYTES:
            raise InvalidTag
        decryptor = Cipher(self._algorithm, GCM(nonce, text[-_TAG_BYTES:])).decryptor()
        decryptor.authenticate_additional_data(authenticated or b"")
        opened = decryptor.update(text[:-_TAG_BYTES])
        return opened + decryptor.finalize()


def sm3(text: bytes) -> bytes:
    """Thirty-two bytes."""
    hashing = Hash(_SM3)
    hashing.update(text)
    return hashing.finalize()


def hmac_sm3(key: bytes, text: bytes) -> bytes:
    """Thirty-two bytes (GB/T 15852.2-2012, HMAC with SM3)."""
    keyed = HMAC(key, _SM3)
    keyed.update(text)
    return keyed.finalize()
