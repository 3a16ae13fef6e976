"""A column of a standard: the points that each result reaches."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .numbers import Number, hundredths


class Step(NamedTuple):
    """`points` are reached at `bound` (hundredths); beyond it only where `strict`."""

    points: int
    bound: int
    strict: bool


class Place(NamedTuple):
    """What a result reaches, and the step it has not reached yet."""

    points: int
    next: Step | None


class Ladder(NamedTuple):
    """Steps from the worst to the best, and the points below the first of them."""

    higher: bool
    base: int
    steps: tuple[Step, ...]

    def reached(self, step: Step, value: int) -> bool:
        ahead = value - step.bound if self.higher else step.bound - value
        return ahead > 0 if step.strict else ahead >= 0

    def at(self, value: int) -> Place:
        """Climb until a step is out of reach; there is no interpolation between steps."""
        points = self.base
        for step in self.steps:
            if not self.reached(step, value):
                return Place(points, step)
            points = step.points
        return Place(points, None)

    def needed(self, step: Step, unit: int) -> int:
        """The first result that reaches `step`, on a scale of `unit` hundredths."""
        beyond = unit if step.strict else 0
        return step.bound + beyond if self.higher else step.bound - beyond


class Band(NamedTuple):
    """Values up to `upto` (hundredths, included) count `points`; None is the open end."""

    upto: int | None
    points: int
    name: str | None = None


def ladder(
    points: Sequence[int],
    bounds: Sequence[Number | None],
    *,
    higher: bool,
    base: int = 0,
    strict: Iterable[int] = (),
) -> Ladder:
    """A ladder of the worst to best `points`; a bound of None is a score that does not exist."""
    after = frozenset(strict)
    steps = (
        Step(score, hundredths(bound), score in after)
        for score, bound in zip(points, bounds, strict=True)
        if bound is not None
    )
    return Ladder(higher, base, tuple(steps))


def band(bands: Iterable[Band], value: int) -> Band:
    """The first band that holds `value`."""
    return next(one for one in bands if one.upto is None or value <= one.upto)
