"""Who may have a file of their own, who needs a guardian, and who may be one (PIPL 31)."""

from datetime import datetime
from zoneinfo import ZoneInfo

from consent.life import minor_until
from consent.vocabulary import Text
from service.kit.clock import age_on, city_day
from service.kit.errors import Conflict, Fault, Invalid
from service.residents.profile import Profile

OF_AGE = 18
TOO_YOUNG = Text(
    "未满十四周岁须由监护人在其账户中建立档案。",
    "A person under 14 cannot do this alone: a guardian begins the file in their own account.",
)
NO_CHILD = Text(
    "按此出生日期已满十四周岁；监护人只能为未满十四周岁的孩子使用档案。",
    "By this date the person is 14 or older; a guardian acts only for a child under 14.",
)
GUARDIAN_UNDER_AGE = Text("监护人须年满十八周岁。", "A guardian must be 18 or older.")


def fault(profile: Profile, *, child: bool, now: datetime) -> Fault | None:
    """What is wrong with the birth date of a child's file, or of a file without a guardian."""
    is_child = now < minor_until(profile.birth_date, profile.zone)
    if is_child is child:
        return None
    if child:
        return Fault("/birth_date", "not-a-child", NO_CHILD)
    return Fault("/birth_date", "guardian-needed", TOO_YOUNG)


def require(profile: Profile, *, child: bool, now: datetime) -> None:
    """`Invalid` when `fault` finds one."""
    wrong = fault(profile, child=child, now=now)
    if wrong is not None:
        raise Invalid([wrong])


def require_of_age(guardian: Profile, now: datetime) -> None:
    """`Conflict` for somebody under 18, who cannot be a guardian."""
    if age_on(guardian.birth_date, city_day(now, ZoneInfo(guardian.zone))) < OF_AGE:
        raise Conflict(GUARDIAN_UNDER_AGE)
