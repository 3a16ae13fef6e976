"""Partial tallies on their way between machines: sealed, and bound to one run and partition."""

import io

import numpy as np

from service.domain.anonymity.count import Tally
from service.kit.crypto import aead, kdf


class Partials:
    """Seals and opens the partial tallies of one run under a key made of the statistics key."""

    def __init__(self, statistics_key: bytes, run: bytes) -> None:
        self._key = aead.Key(kdf.derive(statistics_key, "partial-tally"), dek_id=0, epoch=0)
        self._run = run

    def seal(self, number: int, tally: Tally) -> bytes:
        """A ciphertext that opens in this run and as this partition only."""
        file = io.BytesIO()
        np.savez(file, **dict(tally.tables))  # type: ignore[arg-type]  # names are tables'
        return self._key.seal(file.getvalue(), self._bound(number))

    def open(self, number: int, sealed: bytes) -> Tally:
        """The tally, or IntegrityBroken when run, partition or a bit differ."""
        with np.load(io.BytesIO(self._key.open(sealed, self._bound(number)))) as tables:
            return Tally({name: tables[name] for name in tables.files})

    def _bound(self, number: int) -> bytes:
        return self._run + number.to_bytes(4, "big")
