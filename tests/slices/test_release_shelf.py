"""The shelf of derived forms: bounded, least recently asked for first, one derivation at a time."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.kit.hashing import canonical_json
from service.releases.formats.kept import Shelf
from service.releases.formats.listing import BATCH, listing

DICE = random.Random(7)
A_THIRD = 300


def some(name: str) -> bytes:
    """Bytes that do not compress."""
    return random.Random(name).randbytes(A_THIRD)


def test_what_is_kept_is_not_derived_again() -> None:
    shelf, calls = Shelf(10_000), []

    def derive() -> bytes:
        calls.append(1)
        return b"x" * 500_000

    assert shelf.get(("a", "json"), derive) == shelf.get(("a", "json"), derive)
    assert shelf.get(("a", "sdmx"), lambda: b"other") == b"other"
    assert len(calls) == 1
    assert shelf.size < 10_000


def test_the_least_recently_asked_for_makes_room() -> None:
    shelf, derived = Shelf(1_000), []

    def ask(name: str) -> None:
        def derive() -> bytes:
            derived.append(name)
            return some(name)

        assert shelf.get((name, "json"), derive) == some(name)

    for name in ("a", "b", "c", "a", "d", "a", "c", "b"):
        ask(name)
    # d pushed b out, the last b pushed d out.
    assert derived == ["a", "b", "c", "d", "b"]
    assert shelf.size <= 1_000


def test_what_is_larger_than_the_shelf_is_not_kept_and_pushes_nothing_out() -> None:
    shelf = Shelf(1_000)
    shelf.get(("a", "json"), lambda: some("a"))
    large = DICE.randbytes(5_000)
    for _ in range(2):
        assert shelf.get(("b", "json"), lambda: large) == large
    assert shelf.get(("a", "json"), lambda: pytest.fail("was pushed out")) == some("a")


def test_many_who_ask_at_once_get_one_derivation() -> None:
    shelf, calls, start = Shelf(10_000), [], threading.Barrier(8)

    def derive() -> bytes:
        calls.append(1)
        return some("a")

    def ask(_: int) -> bytes:
        start.wait()
        return shelf.get(("a", "json"), derive)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {some("a")}
    assert len(calls) == 1


def test_a_derivation_that_fails_leaves_nothing_and_no_lock() -> None:
    shelf = Shelf(1_000)
    with pytest.raises(ZeroDivisionError):
        shelf.get(("a", "json"), lambda: bytes([1 // 0]))
    assert shelf.size == 0
    assert shelf.get(("a", "json"), lambda: b"now") == b"now"


@pytest.mark.parametrize("number", [0, 1, BATCH, BATCH + 1, 3 * BATCH])
def test_a_list_in_batches_is_spelled_like_one_in_a_piece(number: int) -> None:
    items = [{"b": one, "a": "é]["} for one in range(number)]
    envelope = {"z": 1, "a": [], "n": {"entries": []}}
    whole = canonical_json({**envelope, "entry": items})
    assert listing(envelope, "entry", iter(items)) == whole
