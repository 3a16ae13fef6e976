"""Looking for words in stolen bytes, however a careless program may have written them."""

import base64
import re
import zlib
from collections.abc import Iterable, Iterator
from uuid import UUID

PIECE = 1 << 16
"""Bytes read on from where something compressed seems to begin."""
_COMPRESSED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")


def spellings(word: str) -> Iterator[bytes]:
    """Plain, reversed, escaped, in hexadecimal, UTF-16, base32, and base64 at three places."""
    plain = word.encode()
    yield plain
    yield plain[::-1]
    yield plain.hex().encode()
    yield plain.hex().upper().encode()
    yield word.encode("utf-16-le")
    yield word.encode("utf-16-be")
    yield word.encode("ascii", "backslashreplace")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            # Base64 of a text inside a longer one depends on where it begins.
            coded = encode(b"\0" * shift + plain)
            yield coded[4 : len(coded) - 4] if len(coded) > 12 else coded
    yield base64.b32encode(plain).rstrip(b"=")


def spellings_of_id(id: str) -> Iterator[bytes]:
    yield from spellings(id)
    yield UUID(id).bytes
    yield UUID(id).bytes_le
    yield UUID(id).hex.encode()


def inflated(content: bytes) -> Iterator[bytes]:
    """Whatever in the bytes begins like a zlib or gzip stream and can be read as one."""
    for found in _COMPRESSED.finditer(content):
        stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        try:
            text = stream.decompress(content[found.start() : found.start() + PIECE], PIECE)
        except zlib.error:
            continue
        if text:
            yield text


def hits(content: bytes, needles: Iterable[bytes]) -> set[bytes]:
    """The needles that lie in the bytes, open or inside something compressed."""
    wanted = set(needles)
    texts = [content, *inflated(content)]
    return {needle for needle in wanted if any(needle in text for text in texts)}
