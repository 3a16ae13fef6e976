"""The texts residents read before agreeing, with the hash that grants and receipts carry.

Every version stays for good. When what a purpose means changes, a new *material* version says from
when older consent no longer covers it; grants given under the older text then need a new consent.
"""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, NamedTuple

from consent.grant import Notice
from consent.vocabulary import Language, Purpose, Text

SOURCE = files("service.grants").joinpath("data", "notices.toml")
EVER = datetime.min.replace(tzinfo=UTC)

_ID_OF = {Purpose.CARE: "care", Purpose.STATISTICS: "statistics"}


class NoticeText(NamedTuple):
    """One version of a notice. `effective` is when a material one takes the place of the older."""

    id: str
    version: str
    text: Text
    material: bool = False
    effective: datetime | None = None
    measures: str = ""
    """Hash of the measures, by class, that its readers could be told about; see `measures_hash`."""

    def in_(self, language: Language) -> Notice:
        return Notice(self.id, self.version, language, self.sha256(language))

    def sha256(self, language: Language) -> str:
        return sha256(self.text.in_(language).encode()).hexdigest()


@cache
def editions() -> Mapping[str, tuple[NoticeText, ...]]:
    """Every version of every notice, oldest first, by id; ValueError when the file is not sound."""
    return shelved(tomllib.loads(SOURCE.read_text("utf-8"))["notice"])


def shelved(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, tuple[NoticeText, ...]]:
    """The versions listed in `rows`, by id, in their order."""
    shelf: dict[str, tuple[NoticeText, ...]] = {}
    for row in rows:
        found = _edition(row)
        older = shelf.get(found.id, ())
        if older and older[-1].measures != found.measures and not found.material:
            raise ValueError(f"version {found.version} of {found.id} covers other measures")
        if any(one.version == found.version for one in older):
            raise ValueError(f"notice {found.id} has version {found.version} twice")
        shelf[found.id] = (*older, found)
    return shelf


def _edition(row: Mapping[str, Any]) -> NoticeText:
    text = Text(row["zh"].strip(), row["en"].strip())
    effective = row.get("effective")
    found = NoticeText(
        row["id"],
        row["version"],
        text,
        row.get("material", False),
        effective,
        row.get("measures", ""),
    )
    if found.material and (effective is None or effective.utcoffset() is None):
        raise ValueError(f"material version {found.version} of {found.id} needs an instant")
    return found


def measures_hash(classes: Mapping[str, str]) -> str:
    """The hash of which measure falls into which class.

    Consent names classes, and a measure that is invented later would come in through the back
    door. So each version of a notice names the measures it was written for, and a version with
    others is material: grants under the older one end at its date.
    """
    lines = sorted(f"{measure} {data_class}" for measure, data_class in classes.items())
    return sha256("\n".join(lines).encode()).hexdigest()


def notice_texts() -> dict[str, NoticeText]:
    """The newest version of every notice, by id: what is read before agreeing today."""
    return {id_: known[-1] for id_, known in editions().items()}


def notice_for(purposes: frozenset[Purpose], language: Language) -> Notice:
    """The notice that goes with a grant for these purposes."""
    purpose = next(purpose for purpose in Purpose if purpose in purposes and purpose in _ID_OF)
    return notice_texts()[_ID_OF[purpose]].in_(language)


def outdated_from(notice: Notice | None) -> datetime | None:
    """From when consent under this notice is not enough any more; None while it is.

    A version that is not on the shelf never was enough: nobody can say what was agreed to.
    """
    if notice is None:
        return None
    known = editions().get(notice.id, ())
    places = [place for place, one in enumerate(known) if one.version == notice.version]
    if not places:
        return EVER
    newer = known[places[0] + 1 :]
    ends = [one.effective for one in newer if one.material and one.effective is not None]
    return min(ends, default=None)
