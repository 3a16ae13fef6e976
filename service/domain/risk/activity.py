"""Physical activity from the IPAQ short form (scoring protocol of November 2005)."""

from typing import NamedTuple

from .catalogue import MODELS

MODEL = MODELS["physical_activity"]
_P = MODEL.parameters
MET: dict[str, float] = _P["met"]
_MET_TENTHS = {kind: round(10 * met) for kind, met in MET.items()}
KINDS = tuple(MET)
DAY_MINUTES_OVER: int = _P["day_minutes_over"]
RECOMMENDED: int = _P["recommended_min"]


class Bout(NamedTuple):
    """One kind of activity: days a week, minutes on such a day."""

    days: int
    minutes: float

    @property
    def week(self) -> float:
        return self.days * self.minutes


Week = dict[str, Bout]


def cleaned(given: Week) -> Week:
    """Bouts under ten minutes count as none."""
    none = Bout(0, 0.0)
    return {
        kind: bout if bout.days and bout.minutes >= _P["bout_minutes"] else none
        for kind, bout in given.items()
    }


def truncated(given: Week) -> Week:
    cap = _P["day_minutes_cap"]
    return {kind: Bout(bout.days, min(bout.minutes, cap)) for kind, bout in given.items()}


def met_tenths(given: Week) -> dict[str, float]:
    """Tenths of MET-minutes a week: exact for whole minutes, so a week on a bound stays on it."""
    return {kind: _MET_TENTHS[kind] * bout.week for kind, bout in given.items()}


def met_minutes(given: Week) -> dict[str, float]:
    return {kind: tenths / 10 for kind, tenths in met_tenths(given).items()}


def unusable(given: Week) -> bool:
    """More than 16 hours of a day in all: the protocol drops such an answer."""
    return sum(bout.minutes for bout in given.values()) > DAY_MINUTES_OVER


def moderate_equivalent(given: Week) -> float:
    """Minutes a week; one vigorous minute counts as two moderate ones (WHO 2020), walking none."""
    return given["moderate"].week + 2 * given["vigorous"].week


def category(given: Week) -> str:
    """`high`, `moderate` or `low`; `given` is cleaned and truncated."""
    tenths = met_tenths(given)
    total, days = sum(tenths.values()), sum(bout.days for bout in given.values())
    vigorous = given["vigorous"]
    high, moderate = _P["high"], _P["moderate"]
    if (
        vigorous.days >= high["vigorous_days"]
        and tenths["vigorous"] >= 10 * high["vigorous_met_min"]
    ):
        return "high"
    if days >= high["days"] and total >= 10 * high["met_min"]:
        return "high"
    long = sum(
        given[kind].days
        for kind in ("walk", "moderate")
        if given[kind].minutes >= moderate["minutes"]
    )
    enough_vigorous = (
        vigorous.days >= moderate["vigorous_days"]
        and vigorous.minutes >= moderate["vigorous_minutes"]
    )
    combined = days >= moderate["days"] and total >= 10 * moderate["met_min"]
    return "moderate" if enough_vigorous or long >= moderate["days"] or combined else "low"
