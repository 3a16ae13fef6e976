"""The composite of the eight factor indices: plain mean of at least six, one decimal, half up."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

from .catalogue import MODELS

MODEL = MODELS["composite_index"]
_P = MODEL.parameters
MINIMUM: int = _P["minimum"]
BANDS: list[tuple[float, str, int]] = [tuple(row) for row in _P["bands"]]
DIET = _P["diet"]
_TENTH = Decimal("0.1")


def mean(indices: Iterable[float | None]) -> float | None:
    """The one rounding rule of the service: exact mean, then ROUND_HALF_UP to one decimal."""
    known = [Decimal(str(index)) for index in indices if index is not None]
    if len(known) < MINIMUM:
        return None
    return float((sum(known, Decimal(0)) / len(known)).quantize(_TENTH, ROUND_HALF_UP))


def mean_of_whole(indices: Sequence[int | None]) -> float | None:
    """`mean` for whole-number indices in integer arithmetic: the same result, an order faster."""
    known = [index for index in indices if index is not None]
    count = len(known)
    return (20 * sum(known) + count) // (2 * count) / 10 if count >= MINIMUM else None


def band(index: float) -> tuple[str, int]:
    """Name and level floor, judged on the shown decimal: number and band never contradict."""
    for bound, name, floor in BANDS:
        if index >= bound:
            return name, floor
    return BANDS[-1][1], BANDS[-1][2]


def diet_index(vegetables_and_fruit_g: float, salt_g: float | None) -> int:
    """Product rule: fifths of the 500 g goal count like habits; 20 points off above 5 g of salt."""
    goal = DIET["vegetables_and_fruit_g"]
    fifths = max(0, min(5, int(5 * min(vegetables_and_fruit_g, goal) / goal)))
    points: int = DIET["points_by_count"][fifths]
    if salt_g is not None and salt_g > DIET["salt_over_g"]:
        points += DIET["salt_points"]
    return max(0, points)
