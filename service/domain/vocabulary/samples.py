"""Samples of a day as two columns: seconds of the day, and values."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.domain.vocabulary.varints import Whole

DAY_SECONDS = 86_400
DECIMALS = 3
"""Decimals kept of a sample. Energy by the minute needs more than the measure shows."""
SCALE = 10**DECIMALS

Resolution = Literal["minute", "hour", "day"]
BUCKET_SECONDS: dict[Resolution, int] = {"minute": 60, "hour": 3600, "day": DAY_SECONDS}


class Columns(NamedTuple):
    """Samples in the order of their seconds, one a second at most. `v` has `DECIMALS` decimals."""

    t: Whole
    v: NDArray[np.float64]


class Buckets(NamedTuple):
    """Samples summed up by minute, hour or day; `t` is the first second of each bucket."""

    t: Whole
    min: NDArray[np.float64]
    max: NDArray[np.float64]
    mean: NDArray[np.float64]
    n: Whole


EMPTY = Columns(np.zeros(0, np.int64), np.zeros(0, np.float64))


def columns(t: Iterable[int], v: Iterable[float]) -> Columns:
    """Columns from samples in any order; of several in one second the last one counts."""
    seconds = np.fromiter(t, np.int64)
    values = np.rint(np.fromiter(v, np.float64) * SCALE) / SCALE
    return ordered(seconds, values)


def merge(old: Columns, new: Columns) -> Columns:
    """Both together; where both have a second, `new` wins."""
    if old.t.size == 0:
        return new
    return ordered(np.concatenate((old.t, new.t)), np.concatenate((old.v, new.v)))


def ordered(t: Whole, v: NDArray[np.float64]) -> Columns:
    if t.size > 1 and not bool((t[1:] > t[:-1]).all()):
        # A stable sort keeps the order of writing within a second: the last of a run is kept.
        order = np.argsort(t, kind="stable")
        t, v = t[order], v[order]
        last = np.append(t[1:] != t[:-1], True)
        t, v = t[last], v[last]
    return Columns(t, v)


def resample(samples: Columns, resolution: Resolution) -> Buckets:
    """Lowest, highest and mean value and number of samples of each bucket that has any."""
    if samples.t.size == 0:
        nothing = EMPTY.v
        return Buckets(EMPTY.t, nothing, nothing, nothing, EMPTY.t)
    seconds = BUCKET_SECONDS[resolution]
    bucket = samples.t // seconds
    starts = np.flatnonzero(np.diff(bucket, prepend=bucket[0] - 1))
    n = np.diff(np.append(starts, samples.t.size))
    total = np.add.reduceat(samples.v, starts)
    return Buckets(
        t=bucket[starts] * seconds,
        min=np.minimum.reduceat(samples.v, starts),
        max=np.maximum.reduceat(samples.v, starts),
        mean=np.round(total / n, 6),
        n=n,
    )
