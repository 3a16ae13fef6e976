"""Closed lists for records that state something rather than measure it: `data/codes.toml`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from consent.vocabulary import DataClass, Text
from service.domain.vocabulary import sources


class Code(NamedTuple):
    """A condition, medicine, relative's illness, procedure, vaccine, goal or kind of workout."""

    kind: str
    code: str
    name: Text
    data_class: DataClass


def _load() -> dict[str, Mapping[str, Code]]:
    return {
        kind: MappingProxyType(
            {
                code: Code(kind, code, Text(*names), DataClass(data_class))
                for data_class, entries in classes.items()
                for code, names in entries.items()
            }
        )
        for kind, classes in sources.table("codes.toml").items()
    }


CODES: Mapping[str, Mapping[str, Code]] = MappingProxyType(_load())
"""Kind of record -> code -> entry."""


def code(kind: str, name: str) -> Code | None:
    return CODES.get(kind, {}).get(name)
