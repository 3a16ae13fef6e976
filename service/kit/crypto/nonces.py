"""Random nonces of 96 bits, asked of the operating system a few dozen at a time.

A system call for each would cost as much as the cipher. A nonce is no secret, but it must never be
used twice under one key: taking one off a list is a single step that no other thread shares, and a
forked child throws away what it inherited.
"""

import os

BYTES = 12
_AT_ONCE = 64

_ready: list[bytes] = []


def fresh() -> bytes:
    """Twelve random bytes that were never given out before."""
    try:
        return _ready.pop()
    except IndexError:
        block = os.urandom(BYTES * _AT_ONCE)
        # One of them goes to the caller, so that a busy neighbour cannot leave none.
        _ready.extend(block[at : at + BYTES] for at in range(BYTES, len(block), BYTES))
        return block[:BYTES]


os.register_at_fork(after_in_child=_ready.clear)
