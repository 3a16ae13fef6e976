"""What one resident contributes, and its sealed form: 64 bytes of text, 104 sealed, always.

The authenticated data is the pseudonym and the schema, so a blob moved to another pseudonym or
read under another specification does not open.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.domain.anonymity.count import CONTRIBUTION, REGION_BYTES
from service.domain.anonymity.specification import Specification
from service.kit.crypto import aead, kdf

SCHEMA_AT = slice(9, 11)
"""Where the header of a ciphertext names its schema (sealing.md section 2)."""
SEALED_BYTES = CONTRIBUTION.itemsize + aead.OVERHEAD
EARLIEST_YEAR, LATEST_YEAR = 1900, 2155


@dataclass(frozen=True, slots=True, repr=False)
class Contribution:
    """Region of residence (district, street or community), sex, birth year, category by metric.

    `categories` is keyed as the metrics are; what it does not say, or says in words that no metric
    has, is "unknown". Whoever has no region or sex of the city's lists is in no table.
    """

    region: str
    sex: Literal["female", "male"]
    birth_year: int
    categories: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return "<contribution>"

    __repr__ = __str__


class Blobs:
    """Seals and opens contributions under the statistics key, for one specification."""

    def __init__(self, statistics_key: bytes, specification: Specification) -> None:
        self._names = kdf.derive(statistics_key, "contribution-pseudonym")
        self._key = aead.Key(kdf.derive(statistics_key, "contribution-seal"), dek_id=0, epoch=0)
        self._specification = specification
        self._schema = specification.contribution_schema
        self._bound = self._schema.to_bytes(2, "big")

    def pseudonym(self, identity: bytes) -> bytes:
        """Sixteen bytes that stay the same for one real identity, so that re-joining replaces."""
        return kdf.tag(self._names, "identity", identity, 16)

    def seal(self, pseudonym: bytes, contribution: Contribution) -> bytes:
        """A ciphertext of SEALED_BYTES, whatever was contributed."""
        text = self._encode(contribution)
        return self._key.seal(text, pseudonym + self._bound, schema=self._schema)

    def open_batch(self, rows: Iterable[tuple[bytes, bytes]]) -> NDArray[np.void]:
        """Contributions in the dtype that counting takes; IntegrityBroken when one does not open.

        Rows sealed for an older specification are left out: they wait to be contributed anew.
        """
        schema, bound, open_one = self._bound, self._bound, self._key.open
        texts = [
            open_one(sealed, pseudonym + bound)
            for pseudonym, sealed in rows
            if sealed[SCHEMA_AT] == schema
        ]
        return np.frombuffer(b"".join(texts), CONTRIBUTION)

    def _encode(self, contribution: Contribution) -> bytes:
        sexes = self._specification.sexes
        row = np.zeros(1, CONTRIBUTION)
        row["region"] = _region(contribution.region)
        row["sex"] = sexes.index(contribution.sex) if contribution.sex in sexes else len(sexes)
        row["birth_year"] = min(max(contribution.birth_year, EARLIEST_YEAR), LATEST_YEAR)
        for slot, metric in enumerate(self._specification.metrics):
            row["codes"][0, slot] = metric.code(contribution.categories.get(metric.key))
        return row.tobytes()


def _region(code: str) -> bytes:
    """The code as it is stored; nothing for what no division of the country has."""
    plain = code.isascii() and code.isalnum() and len(code) <= REGION_BYTES
    return code.encode() if plain else b""
