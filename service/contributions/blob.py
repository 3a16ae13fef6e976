"""What one resident contributes, and its sealed form: 64 bytes of text, 104 sealed, always.

The authenticated data is the pseudonym and the schema, so a blob moved to another pseudonym or
read under another specification does not open.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.domain.anonymity.count import CONTRIBUTION, REGION_BYTES
from service.domain.anonymity.specification import Specification
from service.kit.crypto import aead, kdf
from service.kit.errors import IntegrityBroken

SEALED_BYTES = CONTRIBUTION.itemsize + aead.OVERHEAD
RECORD = np.dtype(
    [
        ("pseudonym", "V16"),
        ("start", ">u8"),
        ("rest", ">u4"),
        ("nonce", f"V{aead.NONCE_BYTES}"),
        ("text", f"V{CONTRIBUTION.itemsize + aead.TAG_BYTES}"),
    ]
)
"""A stored row as bytes: the pseudonym, then the ciphertext with its header as two numbers.

The second is flags, schema and a reserved octet (service.kit.crypto.aead).
"""
_NUMBERS = struct.Struct(">QI")
AUTHENTICATED = np.dtype(
    [("header", f"V{aead.HEADER_BYTES}"), ("pseudonym", "V16"), ("bound", "V2")]
)
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

    def open_records(self, records: bytes) -> NDArray[np.void]:
        """Contributions in the dtype that counting takes; IntegrityBroken when one does not open.

        Each record is a pseudonym and its ciphertext, side by side. Those sealed for an older
        specification are left out: they wait to be contributed anew.
        """
        rows = np.frombuffer(records, RECORD)
        header = self._key.header_of(self._schema)
        rows = rows[rows["rest"] >> 8 & 0xFFFF == self._schema]
        start, rest = _NUMBERS.unpack(header)
        if (rows["start"] != start).any() or (rows["rest"] != rest).any():
            raise IntegrityBroken
        known = np.empty(len(rows), AUTHENTICATED)
        known["header"], known["pseudonym"] = header, rows["pseudonym"]
        known["bound"] = self._bound
        texts = self._key.open_columns(
            rows["nonce"].tolist(), rows["text"].tolist(), known.view(f"V{known.itemsize}").tolist()
        )
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
