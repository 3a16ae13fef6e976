"""Records of one class that name certain things, newest day first.

The database knows no more of a part than its class and its (shifted) day, so every part of the
days asked for is opened, many at once; only those whose text holds one of the words are read.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import DataClass
from service.domain.vocabulary.records import Record
from service.keys.vault import Vault
from service.kit.sealed import Sealed
from service.records import parts, store
from service.records.pages import LAST_DAY

CHUNK, MOST = 256, 4096
"""Parts fetched at a time: few at first, for who finds what they look for among the newest."""
WORD = re.compile(rb'"([a-z0-9_]+)"')
"""What a part's text names: its kind and source, measures, codes, questionnaires, questions."""


class Day(NamedTuple):
    """A day with records of interest, which are read when they are asked for."""

    told: "Told"
    places: list[int]

    def records(self) -> list[Record]:
        """Newest first."""
        found = [self.told.record(place) for place in self.places]
        return sorted(found, key=attrgetter("start"), reverse=True)


class Told:
    """What one class of a resident's records tells, under one permit; each part is opened once."""

    def __init__(
        self, connection: Connection, vault: Vault, permit: Permit, data_class: DataClass
    ) -> None:
        self._connection = connection
        self._vault = vault
        self._permit = permit
        self._tag = vault.class_tag(permit.subject, data_class)
        self._days: list[int] = []
        self._texts: list[bytes] = []
        self._naming: dict[bytes, list[int]] = defaultdict(list)
        self._records: dict[int, Record] = {}
        self._next = LAST_DAY
        self._most = CHUNK

    def days(
        self, names: Collection[str], since: date, sources: Collection[str] = ()
    ) -> Iterator[Day]:
        """Days of the city from one on whose records hold one of these words, newest first.

        With `sources` only records of these kinds of source. A word found elsewhere in a record
        counts too: whoever asks looks at what the record says.
        """
        low = self._vault.shift_day(self._permit.subject, since)
        begin = 0
        while begin < len(self._texts) or self._fetch(low):
            found = self._holding(names, begin)
            if sources:
                found &= self._holding(sources, begin)
            begin = len(self._texts)
            for day, places in groupby(sorted(found), key=self._days.__getitem__):
                if day >= low:
                    yield Day(self, list(places))

    def record(self, place: int) -> Record:
        """One of the records that were opened."""
        record = self._records.get(place)
        if record is None:
            record = self._records[place] = parts.record_of([self._texts[place]])
        return record

    def _holding(self, words: Collection[str], begin: int) -> set[int]:
        """Places from `begin` on whose texts hold one of these words."""
        found: set[int] = set()
        for word in words:
            places = self._naming.get(word.encode(), [])
            found.update(places[bisect_left(places, begin) :])
        return found

    def _fetch(self, low: int) -> bool:
        """Open the next whole days from `low` on; False when there are none."""
        if self._next < low:
            return False
        rows = self._whole_days(low)
        subject = self._permit.subject
        sealed = [Sealed(row.sealed, parts.place_of(subject, row)) for row in rows]
        for place, text in enumerate(self._vault.open_many(sealed, self._permit), len(self._texts)):
            for word in set(WORD.findall(text)):
                self._naming[word].append(place)
            self._texts.append(text)
        self._days += [row.day for row in rows]
        return bool(rows)

    def _whole_days(self, low: int) -> list[store.Part]:
        while True:
            rows = store.newest(
                self._connection,
                self._permit,
                [self._tag],
                low=low,
                high=self._next,
                most=self._most,
            )
            if len(rows) < self._most:
                self._next = low - 1
                return rows
            last = rows[-1].day
            if rows[0].day != last:
                self._next, self._most = last, min(4 * self._most, MOST)
                return [row for row in rows if row.day != last]
            # One day alone fills the chunk: fetch it to its end.
            self._most *= 4
