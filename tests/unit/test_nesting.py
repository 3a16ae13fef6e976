"""Depth is told before a parser goes down, and as the parser would find it."""

import gc
import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.body import parse
from service.kit import jose
from service.kit.errors import Malformed
from service.kit.nesting import is_deeper

SCALARS = st.one_of(st.none(), st.integers(), st.text('[]{}"\\ab'))
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text('[]{}"\\ab'), inner, max_size=3)
    ),
)


def depth(document: Any) -> int:
    if isinstance(document, dict):
        return 1 + max(map(depth, document.values()), default=0)
    if isinstance(document, list):
        return 1 + max(map(depth, document), default=0)
    return 0


@given(document=DOCUMENTS, indent=st.sampled_from([None, 1]))
def test_it_is_the_depth_that_a_parser_finds(document: Any, indent: int | None) -> None:
    """Brackets in texts and names, behind quotes and backslashes, are none."""
    raw = json.dumps(document, indent=indent).encode()
    found = depth(json.loads(raw))
    assert not is_deeper(raw, found)
    assert found == 0 or is_deeper(raw, found - 1)


@pytest.mark.parametrize(
    "raw",
    [b"[" * 33, b'["]",' * 33, b'{"}":' * 33, rb'["\"]",' * 33, b'[{"a":' * 17, b'["\\\\",[' * 17],
)
def test_an_end_that_is_none_takes_nothing_off(raw: bytes) -> None:
    assert is_deeper(raw, 32)


@pytest.mark.parametrize("raw", [b"[]" * 99, b'"' + b"[" * 99, b"]" * 99 + b"[" * 99])
def test_what_lies_side_by_side_or_in_a_text_is_not_deep(raw: bytes) -> None:
    assert not is_deeper(raw, 32)


class Ending:
    """Garbage that has something to do when it is collected."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        int("7")


@pytest.mark.parametrize("read", [parse, jose.object_of])
def test_what_else_ends_while_a_deep_document_is_refused_ends_well(
    read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parser at the end of the stack would leave none to a finalizer that runs just then."""
    lost: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lost.append)
    raw = b'{"a":' * 3_000 + b"1" + b"}" * 3_000
    before = gc.get_threshold()
    try:
        for allocations in range(300, sys.getrecursionlimit()):
            gc.collect(0)
            Ending()
            gc.set_threshold(allocations)
            with pytest.raises((Malformed, ValueError)):
                read(raw)
            gc.set_threshold(*before)
    finally:
        gc.set_threshold(*before)
    gc.collect()
    assert lost == []
