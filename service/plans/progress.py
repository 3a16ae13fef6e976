"""The points a goal is measured by: where somebody began, and where they are now."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np

from service.domain.care.asked import YEAR
from service.domain.care.goals import Goal, Point
from service.domain.vocabulary.measures import MEASURES, Measure
from service.domain.vocabulary.samples import DAY_SECONDS
from service.plans.evidence import Ends, Reader, ends
from service.records import series

WEEK = timedelta(days=7)


class Course:
    """How the measures of somebody's goals went.

    Records: baseline is the last value up to the day the goal was set, or the first after it.
    Dense measures of a day (steps): the mean of the days of the week before.
    """

    def __init__(self, reader: Reader, goals: Sequence[Goal]) -> None:
        self._reader = reader
        self._months = _months(reader, goals)

    def points(self, measure: str, since: date | None) -> Ends:
        """Baseline and latest; without `since` the baseline is the first value there is."""
        dense = MEASURES[measure].storage == "series"
        found = self._of_days(MEASURES[measure], since) if dense else (None, None)
        return found if found[1] is not None else ends(self._reader, measure, since, self._months)

    def _of_days(self, measure: Measure, since: date | None) -> Ends:
        # Today is not over: a morning's steps are no day's.
        latest = self._week(measure, self._reader.today)
        return (None if since is None else self._week(measure, since)), latest

    def _week(self, measure: Measure, until: date) -> Point | None:
        """The mean of the days with samples in the week before `until`."""
        reader = self._reader
        midnight = datetime.combine(until, datetime.min.time())
        found = series.read(
            reader.connection,
            reader.vault,
            reader.permit,
            measure,
            since=midnight - WEEK,
            until=midnight,
        )
        if not found.samples.t.size:
            return None
        sums = np.bincount((found.samples.t // DAY_SECONDS).astype(int), found.samples.v)
        days = np.unique(found.samples.t // DAY_SECONDS)
        mean = float(sums[days.astype(int)].mean())
        return Point(round(mean, measure.decimals), until - timedelta(days=1))


def _months(reader: Reader, goals: Sequence[Goal]) -> int:
    """A year, or as long as the oldest goal stands and a year before it."""
    first = min((goal.since for goal in goals if goal.since is not None), default=reader.today)
    return (reader.today.year - first.year) * 12 + reader.today.month - first.month + YEAR
