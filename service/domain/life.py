"""Age and stage of life. A birthday counts from midnight where the person lives."""

from calendar import monthrange
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from consent.vocabulary import Text

CITY_ZONE = ZoneInfo("Asia/Shanghai")


class Stage(StrEnum):
    """The stages that decide which models may speak (five stages of the city plan)."""

    CHILD = "child"
    YOUTH = "youth"
    ADULT = "adult"
    OLDER = "older"
    PREGNANT = "pregnant"


YOUTH_FROM, ADULT_FROM, OLDER_FROM = 7, 18, 65
SCHOOL_YEAR_FROM_MONTH = 9

STAGES: dict[Stage, Text] = {
    Stage.CHILD: Text("0-6岁儿童", "Child of 0-6 years"),
    Stage.YOUTH: Text("7-17岁学生", "Young person of 7-17 years"),
    Stage.ADULT: Text("18-64岁成人", "Adult of 18-64 years"),
    Stage.OLDER: Text("65岁及以上老人", "Older person of 65 years and more"),
    Stage.PREGNANT: Text("孕期", "Pregnancy"),
}


def age(birth_date: date, day: date) -> int:
    """Completed years on `day`; a 29 February birthday falls on 1 March in common years."""
    before_birthday = (day.month, day.day) < (birth_date.month, birth_date.day)
    return day.year - birth_date.year - before_birthday


def age_at(birth_date: date, now: datetime, zone: ZoneInfo = CITY_ZONE) -> int:
    """Completed years at an instant, for somebody living in `zone`."""
    return age(birth_date, now.astimezone(zone).date())


def reached(birth_date: date, months: int) -> date:
    """The day on which so many months of life are completed.

    Where that day is missing from the month it is the first of the next one, so that twelve months
    are completed on the very day on which `age` counts a year.
    """
    year, month = divmod(birth_date.year * 12 + birth_date.month - 1 + months, 12)
    if birth_date.day <= monthrange(year, month + 1)[1]:
        return date(year, month + 1, birth_date.day)
    return date(year + (month == 11), (month + 1) % 12 + 1, 1)


def school_year(day: date) -> int:
    """The year in which the school year of a day began: it runs from 1 September to 31 August."""
    return day.year if day.month >= SCHOOL_YEAR_FROM_MONTH else day.year - 1


def stage(birth_date: date, day: date, *, pregnant: bool = False) -> Stage:
    """The stage on a day. Pregnancy outweighs age."""
    if pregnant:
        return Stage.PREGNANT
    years = age(birth_date, day)
    if years < YOUTH_FROM:
        return Stage.CHILD
    if years < ADULT_FROM:
        return Stage.YOUTH
    return Stage.ADULT if years < OLDER_FROM else Stage.OLDER
