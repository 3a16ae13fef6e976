"""In which order a panel is read, and where its next page begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple
from uuid import UUID

from consent.decision import Decision
from service.panel.card import Card

Sort = Literal["risk", "due", "name"]
_FAR = date.max


class Row(NamedTuple):
    """One resident of a panel with the decision under which the card was opened."""

    resident: UUID
    card: Card
    decision: Decision


@dataclass(frozen=True, slots=True)
class Query:
    """What a panel is narrowed to. `due` True: something is due by today; False: nothing is."""

    level: int | None = None
    due: bool | None = None
    q: str | None = None
    sort: Sort = "risk"
    limit: int = 50

    @property
    def weighs(self) -> bool:
        """Whether health content of a card decides if its row is shown."""
        return self.level is not None or self.due is not None

    @property
    def filters(self) -> tuple[str, ...]:
        return (str(self.level), str(self.due), self.q or "", self.sort)


class Position(NamedTuple):
    """The last row shown. It names no value, because cursors travel in addresses."""

    resident: UUID
    shown: int


def named(rows: Sequence[Row], query: Query) -> list[Row]:
    """The rows whose name a query asks for: what its filters by level and due work then weigh."""
    wanted = (query.q or "").casefold()
    return [row for row in rows if wanted in row.card.name.casefold()]


def narrowed(rows: Sequence[Row], query: Query, today: date) -> list[Row]:
    """Of rows with the wanted name those a query asks for, in its order."""
    found = [
        row
        for row in rows
        if (query.level is None or row.card.level == query.level)
        and (query.due is None or row.card.overdue(today) is query.due)
    ]
    found.sort(key=lambda row: (_KEYS[query.sort](row.card), row.resident.int))
    return found


def page_of(
    rows: Sequence[Row], limit: int, after: Position | None
) -> tuple[list[Row], Position | None]:
    """At most `limit` rows behind `after`, and the position to go on from."""
    start = 0 if after is None else _behind(rows, after)
    shown = list(rows[start : start + limit])
    if start + limit >= len(rows):
        return shown, None
    return shown, Position(shown[-1].resident, start + limit)


def _behind(rows: Sequence[Row], after: Position) -> int:
    for place, row in enumerate(rows):
        if row.resident == after.resident:
            return place + 1
    # That resident has left the list meanwhile; go on at the same depth.
    return min(after.shown, len(rows))


def _by_risk(card: Card) -> tuple[Any, ...]:
    return (-(card.level or 0), card.next_due or _FAR)


def _by_due(card: Card) -> tuple[Any, ...]:
    return (card.next_due or _FAR, -(card.level or 0))


def _by_name(card: Card) -> tuple[Any, ...]:
    # GB 18030 orders the common characters by their pinyin, as a Chinese reader expects.
    return (card.name.encode("gb18030"),)


_KEYS = {"risk": _by_risk, "due": _by_due, "name": _by_name}
