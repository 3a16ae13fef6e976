"""A ciphertext together with the place it belongs to. Printing it tells nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

NO_TAG = bytes(8)


class Place(NamedTuple):
    """Where a ciphertext lives; every field is bound as authenticated data (sealing.md section 2).

    `row` is 16 bytes, `class_tag` and `measure_tag` 8 bytes each, `day` the shifted day number,
    `revision` the row revision. The deployment is added by the vault.
    """

    table: str
    column: str
    resident: UUID
    row: bytes
    day: int = 0
    class_tag: bytes = NO_TAG
    measure_tag: bytes = NO_TAG
    revision: int = 0


@dataclass(frozen=True, slots=True, repr=False, init=False)
class Sealed:
    """Ciphertext bytes as stored (40 bytes of header, nonce and tag around the text)."""

    data: bytes
    place: Place

    def __init__(self, data: bytes, place: Place) -> None:
        # Made at every seal and read; the way a frozen dataclass goes costs half as much again.
        _set_data(self, data)
        _set_place(self, place)

    def __str__(self) -> str:
        return "<sealed>"

    __repr__ = __str__


_set_data: Callable[[Sealed, bytes], None] = vars(Sealed)["data"].__set__
_set_place: Callable[[Sealed, Place], None] = vars(Sealed)["place"].__set__
