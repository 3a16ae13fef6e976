"""Change over a period: who got better, who got worse, and who is not known."""

import pytest

from service.domain.risk.assess import LevelBrief
from service.domain.risk.change import CATEGORIES, categories


def brief(level: int | None = None, index: float | None = None) -> LevelBrief:
    return LevelBrief(level, index, ())


@pytest.mark.parametrize("start", [None, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("now", [None, 1, 2, 3, 4, 5])
def test_a_transition_needs_a_level_both_times(start: int | None, now: int | None) -> None:
    found = categories(brief(start), brief(now))["level_transition"]
    if start is None or now is None:
        assert found == "unknown"
    else:
        assert found == f"{start}-{now}"
        assert found in CATEGORIES["level_transition"]


@pytest.mark.parametrize(
    ("start", "now", "word"),
    [
        (50.0, 60.0, "better_10"),
        (50.0, 59.9, "better_3"),
        (50.0, 53.0, "better_3"),
        (50.0, 52.9, "steady"),
        (50.0, 50.0, "steady"),
        (52.9, 50.0, "steady"),
        (53.0, 50.0, "worse_3"),
        (59.9, 50.0, "worse_3"),
        (60.0, 50.0, "worse_10"),
        (0.1, 3.1, "better_3"),
        (None, 50.0, "unknown"),
        (50.0, None, "unknown"),
    ],
)
def test_a_higher_index_is_better(start: float | None, now: float | None, word: str) -> None:
    found = categories(brief(index=start), brief(index=now))["index_change"]
    assert found == word
    assert word == "unknown" or word in CATEGORIES["index_change"]
