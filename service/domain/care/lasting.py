"""Until when a person's categories stay what they are if nothing new is said.

Never later than time alone may change one: a reading grows too old, a birthday, a check comes
again, a deed leaves the time it counts in, a period begins.
"""

from calendar import isleap
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from service.domain import life
from service.domain.care.counted import ELDER, SCREENINGS, SELFCARE, YEAR
from service.domain.care.screening import NOT_YET_MONTHS
from service.domain.care.situation import Situation
from service.domain.days import months_after
from service.domain.risk import change
from service.domain.risk.current import FRESH, SMOKING_STEPS
from service.kit.clock import city_day

A_DAY = timedelta(days=1)
AT_MOST = timedelta(days=30)
"""Whatever else: a contribution is made anew about once a month."""


def until(who: Situation) -> date:
    """The first day of the city, after the assessment's, on which a category may be another."""
    now = who.assessment.assessed_at
    today = city_day(now)
    # Elsewhere the day may begin before the city's.
    early = timedelta() if who.zone.key == life.CITY_ZONE.key else A_DAY
    found = [today + AT_MOST, change.period_end(today)]
    found += [city_day(moment) for moment in _moments(who) if moment > now]
    found += [day - early for day in _days(who) if day > who.today]
    return max(min(found), today + A_DAY)


def _moments(who: Situation) -> Iterator[datetime]:
    """When a reading begins to count, grows too old, or tells another thing of a smoker."""
    for name, told in who.readings.items():
        for reading in told:
            yield reading.at
            if name in FRESH:
                yield reading.at + FRESH[name]
            if name == "smoking_status":
                yield from (reading.at + step for step in SMOKING_STEPS)


def _days(who: Situation) -> Iterator[date]:
    """Days of the person's own calendar."""
    yield _birthday(who)
    done = {deed.day for deed in who.deeds}
    done |= {one.at.astimezone(who.zone).date() for told in who.readings.values() for one in told}
    for day in done:
        yield months_after(day, YEAR)
    not_yet = who.last("post_menopausal")
    if not_yet is not None:
        yield months_after(not_yet, NOT_YET_MONTHS)
    for check in (ELDER, SELFCARE, *SCREENINGS):
        due = check.due(who)
        if due is not None:
            yield due.on


def _birthday(who: Situation) -> date:
    born, year = who.birth_date, who.today.year
    coming = (_on(born, later) for later in (year, year + 1))
    return next(day for day in coming if day > who.today)


def _on(born: date, year: int) -> date:
    """Somebody born on 29 February is a year older on 1 March of common years."""
    if (born.month, born.day) == (2, 29) and not isleap(year):
        return date(year, 3, 1)
    return born.replace(year=year)
