"""Token buckets: what passes over any stretch of time, and that the memory stays bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.kit import limits
from service.kit.limits import Limit, Limits


def bucket(rate: float = 1.0, burst: int = 3) -> Limits:
    return Limits(limits={"door": Limit(rate, burst)})


def test_a_burst_passes_then_the_rate() -> None:
    ours = bucket(rate=2, burst=3)
    assert [ours.wait("door", "a", 100.0) for _ in range(3)] == [0, 0, 0]
    assert ours.wait("door", "a", 100.0) == pytest.approx(0.5, abs=1e-4)
    assert ours.wait("door", "a", 100.4) > 0
    assert ours.wait("door", "a", 100.5) == 0
    assert ours.wait("door", "a", 100.6) > 0
    assert [ours.wait("door", "a", 200.0) for _ in range(4)][:3] == [0, 0, 0]


def test_people_and_doors_have_buckets_of_their_own() -> None:
    ours = Limits(limits={"door": Limit(1, 1), "code": Limit(1, 1)})
    assert ours.wait("door", "a", 0.0) == 0
    assert ours.wait("door", "a", 0.0) > 0
    assert ours.wait("door", "b", 0.0) == 0
    assert ours.wait("code", "a", 0.0) == 0


def test_what_is_refused_is_not_charged() -> None:
    """Knocking all the time must not keep a door shut for good."""
    ours = bucket(rate=1, burst=1)
    assert ours.wait("door", "a", 0.0) == 0
    for tenth in range(1, 10):
        assert ours.wait("door", "a", tenth / 10) > 0
    assert ours.wait("door", "a", 1.0) == 0


@given(
    st.lists(st.floats(0, 5, allow_nan=False), max_size=60),
    st.integers(1, 10),
    st.sampled_from([0.5, 1.0, 4.0]),
)
def test_no_stretch_of_time_lets_more_through_than_burst_and_rate(
    gaps: list[float], burst: int, rate: float
) -> None:
    ours, now, passed = bucket(rate, burst), 0.0, []
    for gap in gaps:
        now += gap
        wait = ours.wait("door", "a", now)
        if wait:
            assert wait <= 1 / rate + 1e-6
        else:
            passed.append(now)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            allowed = burst + rate * (passed[last] - passed[first])
            assert last - first + 1 <= allowed + 1e-3


def test_switched_off_everything_passes() -> None:
    ours = Limits(on=False, limits={"door": Limit(1, 1)})
    assert [ours.wait("door", "a", 0.0) for _ in range(100)] == [0.0] * 100


def test_a_flood_of_addresses_does_not_fill_the_memory() -> None:
    ours = bucket(rate=0.001, burst=1)
    for number in range(limits.REMEMBERED + 1000):
        ours.wait("door", number, 0.0)
    assert len(ours._full_again) <= limits.REMEMBERED
