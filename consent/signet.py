"""The signet that seals permits: a keyed hash under a secret that lives and dies with the process.

Imported by `consent.decide`, which makes permits, and `consent.decision`, which checks them, and
by nothing else (a test looks). This keeps mistakes out, not an attacker who already runs code in
the process: such a one could read the secret from memory.
"""

import os
import secrets
from hashlib import blake2b

_secret = secrets.token_bytes(32)


def press(message: bytes) -> bytes:
    """The 32-byte seal of `message` under this process's secret (BLAKE2b, RFC 7693, keyed)."""
    return blake2b(message, key=_secret, digest_size=32).digest()


def _renew() -> None:
    global _secret
    _secret = secrets.token_bytes(32)


# A forked child would inherit the secret and with it the parent's permits.
os.register_at_fork(after_in_child=_renew)
