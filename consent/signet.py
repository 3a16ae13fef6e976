"""The signet that seals permits: a keyed hash under a secret that lives and dies with the process.

Imported by `consent.decide`, which makes permits, and `consent.decision`, which checks them, and
by nothing else (a test looks). This keeps mistakes out, not an attacker who already runs code in
the process: such a one could read the secret from memory.
"""

import os
import secrets
from hashlib import blake2b

# BLAKE2b (RFC 7693) with its key block taken in: each seal goes on from a copy of this state.
_keyed = blake2b(key=secrets.token_bytes(32), digest_size=32)


def press(message: bytes) -> bytes:
    """The 32-byte seal of `message` under this process's secret."""
    seal = _keyed.copy()
    seal.update(message)
    return seal.digest()


def _renew() -> None:
    global _keyed
    _keyed = blake2b(key=secrets.token_bytes(32), digest_size=32)


# A forked child would inherit the secret and with it the parent's permits.
os.register_at_fork(after_in_child=_renew)
