"""Forms of an export: what goes in comes out, and what broke off is no file."""

import csv
import io
import json
import string
from collections.abc import Iterable, Iterator
from typing import Any
from zipfile import BadZipFile, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.exports.bundle import RESOURCES, Bundle
from service.exports.document import Document
from service.exports.form import FORMAT, Form, Head, Piece
from service.exports.sheets import FORMULA, ROWS, Sheets

HEAD = Head("0198f3c2-7f1e-7c11-8f4e-3b2a1c0d9e8f", "2026-11-20T01:00:00Z")
COLUMNS = {"profile": ["a", "b"], "notes": ["a", "b"], "looks": ["a", "b"]}
KINDS = ("notes", "looks")
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
cells = texts | st.integers(-9, 9) | st.booleans() | st.none() | st.lists(texts, max_size=2)
items = st.fixed_dictionaries({"a": cells, "b": cells})
pages = st.lists(st.lists(items, max_size=3), min_size=1, max_size=3)


def spelled(form: Form, pieces: Iterable[Piece]) -> list[bytes]:
    """The chunks of a whole export."""
    chunks = [form.begin(HEAD)]
    for piece in pieces:
        chunks += form.piece(piece)
    return [*chunks, form.end()]


def pieces(profile: dict[str, Any], notes: Any, looks: Any) -> Iterator[Piece]:
    yield Piece("profile", [profile], single=True)
    for kind, found in (("notes", notes), ("looks", looks)):
        for page in found:
            yield Piece(kind, page, single=False)


def flat(found: Any) -> list[Any]:
    return [item for page in found for item in page]


@given(items, pages, pages)
def test_json_is_what_went_in(profile: dict[str, Any], notes: Any, looks: Any) -> None:
    body = b"".join(spelled(Document(), pieces(profile, notes, looks)))
    assert json.loads(body) == {
        "format": FORMAT,
        "made_at": HEAD.made_at,
        "resident_id": HEAD.resident,
        "profile": profile,
        "notes": flat(notes),
        "looks": flat(looks),
    }


@given(items, pages, pages, st.data())
def test_no_beginning_of_json_is_json(
    profile: dict[str, Any], notes: Any, looks: Any, data: st.DataObject
) -> None:
    """The stream may end between any two bytes, and what came is never taken for all."""
    for form in (Document(), Bundle()):
        made = [Piece("notes", page, single=False) for page in notes]
        body = b"".join(spelled(form, [Piece("looks", [], single=False), *made])).rstrip()
        cut = data.draw(st.integers(0, len(body) - 1))
        with pytest.raises(ValueError, match=r".*"):
            json.loads(body[:cut])


@given(items, pages, pages)
def test_tables_are_what_went_in(profile: dict[str, Any], notes: Any, looks: Any) -> None:
    body = b"".join(spelled(Sheets(COLUMNS), pieces(profile, notes, looks)))
    with ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["profile.csv", "notes.csv", "looks.csv"]
        for kind, wanted in (
            ("profile", [profile]),
            ("notes", flat(notes)),
            ("looks", flat(looks)),
        ):
            text = archive.read(f"{kind}.csv").decode("utf-8-sig")
            header, *rows = csv.reader(io.StringIO(text, newline=""))
            assert header == ["a", "b"]
            assert [[read(cell) for cell in row] for row in rows] == [
                [read(shown(item[name])) for name in header] for item in wanted
            ]


def shown(value: Any) -> str:
    """A value as its cell shows it, without the guard."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def read(cell: str) -> Any:
    """A cell as a program reads it: texts lose their guard, and JSON its blanks."""
    bare = cell[1:] if cell.startswith(tuple(f"'{sign}" for sign in FORMULA)) else cell
    try:
        return json.loads(bare)
    except ValueError:
        return bare


@given(st.sampled_from(FORMULA), st.text(string.printable, max_size=8))
def test_a_text_never_begins_like_a_formula(sign: str, rest: str) -> None:
    (text,) = table([{"a": sign + rest, "b": None}])
    assert text == f"'{sign}{rest}"


def test_a_negative_number_stays_a_number() -> None:
    assert table([{"a": -2.5, "b": None}]) == ["-2.5"]


def table(found: list[dict[str, Any]]) -> list[str]:
    body = b"".join(spelled(Sheets(COLUMNS), [Piece("notes", found, single=False)]))
    with ZipFile(io.BytesIO(body)) as archive:
        text = archive.read("notes.csv").decode("utf-8-sig")
    return [row[0] for row in csv.reader(io.StringIO(text, newline=""))][1:]


def test_no_beginning_of_a_zip_is_a_zip() -> None:
    notes = [[{"a": "1", "b": "2"}] * 3]
    chunks = spelled(Sheets(COLUMNS), pieces({"a": "1", "b": "2"}, notes, notes))
    body = b"".join(chunks)
    before = body[: -len(chunks[-1])]
    for cut in (*range(len(before), len(body)), 0, len(before) // 2):
        with pytest.raises(BadZipFile):
            ZipFile(io.BytesIO(body[:cut]))


def test_what_is_dropped_in_the_middle_writes_nothing_more() -> None:
    """Neither an end nor a warning when it is collected."""
    form = Sheets(COLUMNS)
    form.begin(HEAD)
    stream = form.piece(Piece("notes", [{"a": "x", "b": "y"}], single=False))
    next(stream)
    form.drop()
    form.drop()
    assert form.end() == b""


@pytest.mark.parametrize("form", [Bundle(), Sheets(COLUMNS)])
def test_a_day_of_a_sensor_is_spelled_in_portions(form: Form) -> None:
    """One day may hold a sample a second; what is spelled at a time is bounded."""
    seconds = list(range(4 * max(RESOURCES, ROWS)))
    day = {"measure": "heart_rate", "unit": "/min", "resolution": "raw", "day": "2026-11-19"}
    day |= {"zone": "Asia/Shanghai", "t": seconds, "v": [60 + t % 40 for t in seconds]}
    form.begin(HEAD)
    portions = list(form.piece(Piece("series", [day], single=False)))
    form.drop()
    assert len(portions) > 4
