"""Where a rule comes from: `data/sources.toml`. A rule without a source does not load.

Every line of a plan carries its source with the grade of trust and what must be said beside it.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from consent.vocabulary import Text

GRADES = frozenset("ABCP")


class Unsourced(ValueError):
    """A rule, message or source that does not say where it comes from."""


@dataclass(frozen=True, slots=True)
class Source:
    """A citation, its grade (A-C, or P for a product rule) and the caveat to show with it."""

    id: str
    citation: str
    grade: str
    caveat: Text

    def shown(self) -> dict[str, Any]:
        return {"source": self.citation, "grade": self.grade, "caveat": self.caveat.both()}


def read(name: str) -> dict[str, Any]:
    """One table of `data/`."""
    text = files("service.domain.care").joinpath("data", f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def parsed(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Source]:
    """Sources by id; `Unsourced` for one that cites nothing or has no grade or caveat."""
    found = {}
    for name, entry in entries.items():
        caveat = entry.get("caveat", {})
        if not (
            entry.get("citation")
            and entry.get("grade") in GRADES
            and caveat.get("zh")
            and caveat.get("en")
        ):
            raise Unsourced(name)
        found[name] = Source(name, entry["citation"], entry["grade"], Text(**caveat))
    return found


SOURCES: Mapping[str, Source] = MappingProxyType(parsed(read("sources")))


def source_of(row: Mapping[str, Any]) -> Source:
    """The source that a row of a table names; `Unsourced` where it names none that exists."""
    try:
        return SOURCES[row["source"]]
    except KeyError:
        raise Unsourced(str(row.get("item") or row.get("id") or row.get("condition"))) from None
