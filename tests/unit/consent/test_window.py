"""Days inside, days in common."""

import pytest

from consent.window import ALL_DAYS, Window
from tests.unit.consent.people import day, window


@pytest.mark.parametrize(
    ("first", "last", "inside"),
    [
        (None, None, True),
        ("2025-03-01", None, True),
        ("2025-03-02", None, False),
        (None, "2025-03-01", True),
        (None, "2025-02-28", False),
        ("2025-03-01", "2025-03-01", True),
    ],
)
def test_both_ends_are_inside(first: str | None, last: str | None, inside: bool) -> None:
    assert window(first, last).holds(day("2025-03-01")) is inside


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        ((None, None), (None, None), (None, None)),
        (("2025-01-01", None), (None, "2025-12-31"), ("2025-01-01", "2025-12-31")),
        (("2025-01-01", "2025-06-30"), ("2025-03-01", None), ("2025-03-01", "2025-06-30")),
        ((None, "2025-06-30"), (None, "2025-03-01"), (None, "2025-03-01")),
    ],
)
def test_overlap_is_the_same_both_ways(
    one: tuple[str, str], other: tuple[str, str], common: tuple[str, str]
) -> None:
    assert window(*one).overlap(window(*other)) == window(*common)
    assert window(*other).overlap(window(*one)) == window(*common)


def test_no_day_in_common_is_empty() -> None:
    apart = window("2025-01-01", "2025-01-31").overlap(window("2025-02-01", None))
    assert apart.empty
    assert apart.days == 0
    assert not apart.holds(day("2025-01-31"))
    assert not apart.holds(day("2025-02-01"))


def test_counts_its_days() -> None:
    assert window("2025-01-01", "2025-01-01").days == 1
    assert window("2024-01-01", "2024-12-31").days == 366
    assert ALL_DAYS.days > Window(day("2025-01-01"), None).days
