"""What sealing and opening cost beside the cipher alone, and what each root key costs.

Needs no service: `python -m bench.sealing` runs this alone. Sealing is measured in time of the
processor, the least of many short rounds; root keys by the clock, because they wait for others.
"""

import time
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import urandom
from pathlib import Path
from tempfile import TemporaryDirectory

from _pytest.outcomes import Skipped
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.trials import Finding
from consent.vocabulary import DataClass
from service.keys.wrapping import belonging
from service.kit.clock import utc_now
from service.kit.crypto.aead import SUITES
from tests.keyring_room import Room, found, place
from tests.root_key_room import HOMES

TEXT = b"x" * 100
"""A record of ordinary size: padded to 128 bytes."""
COUNT = 100
TARGETS = {"seal": 2.5, "open": 2.0}


def sealing() -> list[Finding]:
    """Microseconds a record, for each suite, one by one and in batches of 100."""
    return [finding for suite in SUITES for finding in _suite(suite)]


def _suite(suite: int) -> Iterator[Finding]:
    with _room(suite) as room:
        one = room.resident()
        permit, vault, body = room.own(one), room.vault, DataClass.BODY
        values = [(place(one, row=row + 1), TEXT) for row in range(COUNT)]
        sealed = vault.seal_many(permit, body, values)
        first, where = sealed[0], values[0][0]
        raw_seal, raw_open = _raw(suite)
        name = SUITES[suite].name
        ways: list[tuple[str, Callable[[], object], float, int]] = [
            ("seal", lambda: vault.seal_many(permit, body, values), raw_seal, COUNT),
            ("open", lambda: vault.open_many(sealed, permit), raw_open, COUNT),
            ("seal", lambda: vault.seal(permit, body, where, TEXT), raw_seal, 1),
            ("open", lambda: vault.open(first, permit), raw_open, 1),
        ]
        for what, run, raw, count in ways:
            target = TARGETS[what] if suite == 1 else None
            how = f"{what} a record, {name}, {f'{count} at once' if count > 1 else 'alone'}"
            yield Finding(how, _least(run, count), "us", target, more_is_better=False, raw=raw)


def root_keys() -> list[Finding]:
    """Microseconds to unwrap a key at each provider, alone and in a batch of 500."""
    return [finding for name in HOMES for finding in _root_key(name)]


def _root_key(name: str) -> list[Finding]:
    """Nothing where the provider's software is not installed."""
    with TemporaryDirectory(prefix="kangma-bench-") as folder:
        try:
            home = HOMES[name](Path(folder))
        except Skipped:
            return []
        key, belongs = home.make(), belonging("rdek", bytes(16))
        batch = [(*row, belongs) for row in key.wrap_many([(urandom(32), belongs)] * 500)]
        alone = _clocked(lambda: key.unwrap(*batch[0]), 1)
        many = _clocked(lambda: key.unwrap_many(batch), len(batch))
        home.close()
    return [
        Finding(f"unwrap a key, {name}, alone", alone, "us", None, more_is_better=False),
        Finding(f"unwrap a key, {name}, 500 at once", many, "us", None, more_is_better=False),
    ]


@contextmanager
def _room(suite: int) -> Iterator[Room]:
    with TemporaryDirectory(prefix="kangma-bench-") as folder:
        keystore = found(f"sqlite:///{folder}/keys.db", Path(folder), suite=suite)
        room = Room(keystore)
        # The real clock: asking it is part of the cost.
        room.now = utc_now()
        room.vault._clock = utc_now
        yield room
        keystore.close()


def _raw(suite: int) -> tuple[float, float]:
    """The cipher alone over the padded text and as many bound bytes: (seal, open)."""
    cipher = AESGCM(bytes(32)) if suite == 1 else SUITES[suite].cipher(bytes(32))
    nonce, text, bound = bytes(12), bytes(128), bytes(132)
    sealed = cipher.encrypt(nonce, text, bound)
    return (
        _least(lambda: cipher.encrypt(nonce, text, bound), 1),
        _least(lambda: cipher.decrypt(nonce, sealed, bound), 1),
    )


def _least(run: Callable[[], object], count: int) -> float:
    number = 2000 // count
    rounds = timeit.repeat(run, number=number, repeat=50, timer=time.process_time)
    return min(rounds) / (number * count) * 1e6


def _clocked(run: Callable[[], object], count: int) -> float:
    return min(timeit.repeat(run, number=3, repeat=30)) / (3 * count) * 1e6


if __name__ == "__main__":
    for finding in [*sealing(), *root_keys()]:
        share = "" if finding.raw is None else f"{finding.value / finding.raw:5.1f} x the cipher"
        print(f"{finding.value:8.2f} us  {share:18}  {finding.name}")
