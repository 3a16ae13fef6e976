"""An export as a zip of CSV files for spreadsheets, one of each kind.

UTF-8 with a byte order mark, because Excel guesses otherwise. A text that a spreadsheet would run
as a formula begins with an apostrophe. Records and series are long tables, one row a value; of
every other kind a column is a member of its shape, and what is nested is JSON in its cell.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

from service.domain.vocabulary.measures import MEASURES
from service.exports.archive import Archive
from service.exports.form import Head, Piece

BOM = "\ufeff"
FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""What a cell may not begin with; the wide signs are typed where Chinese is."""
ROWS = 2_000
"""Rows spelled at a time."""

RECORDS = (
    *("id", "kind", "start", "end", "code", "status", "questionnaire"),
    *("name", "name_zh", "name_en", "value", "unit"),
    *("source_kind", "source_name", "note", "rev"),
)
SERIES = ("measure", "name_zh", "name_en", "day", "time", "value", "unit", "zone")

Row = Sequence[Any]


class Sheets:
    """`columns` names the columns of each kind that is no long table."""

    media_type = "application/zip"
    suffix = "zip"

    def __init__(self, columns: Mapping[str, Sequence[str]]) -> None:
        self._columns = {**columns, "records": RECORDS, "series": SERIES}
        self._archive: Archive | None = None
        self._kind = ""

    def begin(self, head: Head) -> bytes:
        self._archive = Archive(datetime.fromisoformat(head.made_at))
        return b""

    def piece(self, piece: Piece) -> Iterator[bytes]:
        archive = self._archive
        assert archive is not None
        columns = self._columns[piece.kind]
        rows: list[Row] = []
        if piece.kind != self._kind:
            self._kind = piece.kind
            archive.open(f"{piece.kind}.csv")
            yield archive.write(BOM + _lines([columns]))
        for item in piece.items:
            for row in _rows(piece.kind, columns, item):
                rows.append(row)
                if len(rows) == ROWS:
                    yield archive.write(_lines(rows))
                    rows.clear()
        yield archive.write(_lines(rows))

    def end(self) -> bytes:
        archive, self._archive = self._archive, None
        return b"" if archive is None else archive.end()

    def drop(self) -> None:
        self.end()


def _rows(kind: str, columns: Sequence[str], item: Mapping[str, Any]) -> Iterator[Row]:
    if kind == "records":
        yield from _of_record(item)
    elif kind == "series":
        yield from _of_day(item)
    else:
        yield [item.get(column) for column in columns]


def _of_record(record: Mapping[str, Any]) -> Iterator[Row]:
    """A row for each value and each answer; one row for a record that has neither."""
    source = record["source"]
    before = [record.get(name) for name in RECORDS[:7]]
    after = [source["kind"], source["name"], record["note"], record["rev"]]
    named = [_named(code, value) for code, value in record["values"].items()]
    named += [(item, None, None, value, None) for item, value in record.get("answers", {}).items()]
    for value in named or [(None,) * 5]:
        yield [*before, *value, *after]


def _named(code: str, value: Any) -> Row:
    measure = MEASURES[code]
    return code, measure.name.zh, measure.name.en, value, measure.unit


def _of_day(day: Mapping[str, Any]) -> Iterator[Row]:
    measure = MEASURES[day["measure"]]
    before = (measure.code, measure.name.zh, measure.name.en, day["day"])
    for second, value in zip(day["t"], day["v"], strict=True):
        time = f"{timedelta(seconds=second)!s:0>8}"
        yield (*before, time, value, measure.unit, day["zone"])


def _lines(rows: Sequence[Row]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([_cell(one) for one in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    if isinstance(value, bool | dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value
