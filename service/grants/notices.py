"""The texts residents read before agreeing, with the hash that grants and receipts carry."""

import tomllib
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

from consent.grant import Notice
from consent.vocabulary import Language, Purpose, Text

_ID_OF = {Purpose.CARE: "care", Purpose.STATISTICS: "statistics"}


class NoticeText(NamedTuple):
    id: str
    version: str
    text: Text

    def in_(self, language: Language) -> Notice:
        shown = self.text.in_(language)
        return Notice(self.id, self.version, language, sha256(shown.encode()).hexdigest())


@cache
def notice_texts() -> dict[str, NoticeText]:
    """The current version of every notice, by id."""
    source = files("service.grants").joinpath("data", "notices.toml").read_text("utf-8")
    found = [
        NoticeText(row["id"], row["version"], Text(row["zh"].strip(), row["en"].strip()))
        for row in tomllib.loads(source)["notice"]
    ]
    return {notice.id: notice for notice in found}


def notice_for(purposes: frozenset[Purpose], language: Language) -> Notice:
    """The notice that goes with a grant for these purposes."""
    purpose = next(purpose for purpose in Purpose if purpose in purposes and purpose in _ID_OF)
    return notice_texts()[_ID_OF[purpose]].in_(language)
