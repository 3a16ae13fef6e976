"""What lies beside opened keys goes with them, and there is never much of it."""

from typing import Any

import pytest

from service.keys import cache
from service.keys.cache import KeyCache, OpenKeys

LATER = 1e12


def keys(expires: float = LATER) -> OpenKeys:
    nothing: Any = {}
    return OpenKeys(nothing, nothing, nothing, nothing, expires)


def filled(*residents: int, capacity: int = 10) -> KeyCache:
    made = KeyCache(capacity)
    for resident in residents:
        made.put(resident, keys(), drops=made.drops)
        made.lay_beside(resident, "asker", f"grants of {resident}", drops=made.drops)
    return made


def held(kept: KeyCache) -> set[int]:
    return set(kept._beside)


def test_what_was_laid_beside_keys_is_found_under_its_name() -> None:
    kept = filled(1, 2)
    assert kept.beside(1, "asker") == "grants of 1"
    assert kept.beside(2, "asker") == "grants of 2"
    assert kept.beside(1, "somebody else") is None


def test_it_stays_when_more_keys_of_the_resident_are_loaded() -> None:
    kept = filled(1)
    kept.put(1, keys(), drops=kept.drops)
    assert kept.beside(1, "asker") == "grants of 1"


def test_nothing_lies_beside_keys_that_are_not_there() -> None:
    kept = filled()
    kept.lay_beside(1, "asker", "grants", drops=kept.drops)
    assert held(kept) == set()


def test_dropped_keys_take_it_along() -> None:
    kept = filled(1, 2)
    kept.drop(1)
    assert held(kept) == {2}
    kept.put(1, keys(), drops=kept.drops)
    assert kept.beside(1, "asker") is None


def test_evicted_keys_take_it_along() -> None:
    kept = filled(1, 2, 3, capacity=2)
    assert held(kept) == {2, 3}


def test_expired_keys_take_it_along(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeyCache()
    clock = [0.0]
    monkeypatch.setattr(cache.time, "monotonic", lambda: clock[0])
    for resident, expires in ((1, 300.0), (2, 300.0), (3, 900.0)):
        kept.put(resident, keys(expires), drops=kept.drops)
        kept.lay_beside(resident, "asker", "grants", drops=kept.drops)
    clock[0] = 300.0
    assert kept.beside(1, "asker") is None
    assert held(kept) == {2, 3}
    # Nobody asks for the second one again; the next keys that come show it out.
    kept.put(4, keys(900.0), drops=kept.drops)
    assert (held(kept), len(kept)) == ({3}, 2)


def test_younger_keys_give_it_no_longer_life(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeyCache()
    clock = [0.0]
    monkeypatch.setattr(cache.time, "monotonic", lambda: clock[0])
    kept.put(1, keys(300.0), drops=kept.drops)
    kept.lay_beside(1, "asker", "grants", drops=kept.drops)
    kept.put(1, keys(500.0), drops=kept.drops)
    clock[0] = 299.0
    assert kept.beside(1, "asker") == "grants"
    clock[0] = 300.0
    assert kept.beside(1, "asker") is None


def test_what_was_opened_before_a_drop_is_not_laid_down_after_it() -> None:
    kept = filled(1)
    drops = kept.drops
    kept.drop(1)
    kept.put(1, keys(), drops=kept.drops)
    kept.lay_beside(1, "asker", "grants from before", drops=drops)
    assert kept.beside(1, "asker") is None


def test_there_is_never_much_of_it() -> None:
    most = cache.MOST_BESIDE
    kept = filled(*range(most + 5), capacity=most + 100)
    assert (len(kept), held(kept)) == (most + 5, set(range(5, most + 5)))
    for number in range(20):
        kept.lay_beside(9, number, "grants", drops=kept.drops)
        assert len(kept._beside[9]) <= cache.MOST_NAMES
        assert kept.beside(9, number) == "grants"
