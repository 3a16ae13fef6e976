"""Cursors are opaque, signed, and good only for the list they were made for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.kit.paging import BadCursor, Cursors

CURSORS = Cursors(b"k" * 32)
SCOPE = ("lin", "records", "measure=")
keys = st.lists(st.none() | st.integers(-(2**53), 2**53) | st.text(max_size=20), max_size=4)


@given(keys)
def test_a_cursor_says_its_position(position: list[str | int | float | None]) -> None:
    assert CURSORS.read(SCOPE, CURSORS.make(SCOPE, position)) == position


@pytest.mark.parametrize(
    "scope",
    [
        ("zhao", "records", "measure="),
        ("lin", "series", "measure="),
        ("lin", "records", "measure=x"),
        ("linrecords", "", "measure="),
        ("lin", "records"),
        ("lin", "records", "measure=", ""),
    ],
)
def test_it_is_no_good_elsewhere(scope: tuple[str, ...]) -> None:
    cursor = CURSORS.make(SCOPE, [1])
    with pytest.raises(BadCursor):
        CURSORS.read(scope, cursor)


def test_another_service_does_not_read_it() -> None:
    with pytest.raises(BadCursor):
        Cursors(b"o" * 32).read(SCOPE, CURSORS.make(SCOPE, [1]))


@given(st.text(max_size=600))
def test_anything_else_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        CURSORS.read(SCOPE, cursor)


def test_every_changed_character_is_refused() -> None:
    cursor = CURSORS.make(SCOPE, [12, "a"])
    for place in range(len(cursor) - 1):
        other = "A" if cursor[place] != "A" else "B"
        with pytest.raises(BadCursor):
            CURSORS.read(SCOPE, cursor[:place] + other + cursor[place + 1 :])
