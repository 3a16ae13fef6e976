"""Who a resident is: the profile, its limits, and its sealed spelling."""

import json
import re
import unicodedata
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any, Literal, cast
from zoneinfo import available_timezones

from consent.vocabulary import Language, Text
from service.kit.errors import Fault

Sex = Literal["female", "male"]

OLDEST_YEARS = 130
NAME_LIMIT = 100
CONTACT_LIMIT = 200
ZONES = frozenset(available_timezones())
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Profile:
    """What the resident told about themselves. `region` is a division code, `zone` an IANA name."""

    name: str
    birth_date: date
    sex: Sex
    region: str
    zone: str = "Asia/Shanghai"
    language: Language = "zh"
    contact: str | None = None
    automation: bool = True
    """Whether levels may be assessed by rule (PIPL 24); False: the owner switched that off."""

    def faults(self, today: date) -> list[Fault]:
        """What cannot be true of a person today; whether the region exists is asked elsewhere."""
        found = []
        if not 1 <= len(self.name) <= NAME_LIMIT or _CONTROL.search(self.name):
            found.append(_fault("name", "wrong-length", _NAME))
        if self.birth_date > today:
            found.append(_fault("birth_date", "in-the-future", _UNBORN))
        elif self.birth_date.year < today.year - OLDEST_YEARS:
            found.append(_fault("birth_date", "too-long-ago", _TOO_OLD))
        if self.sex not in ("female", "male"):
            found.append(_fault("sex", "unknown-choice", _CHOICE))
        if self.zone not in ZONES:
            found.append(_fault("zone", "unknown-choice", _CHOICE))
        if self.language not in ("zh", "en"):
            found.append(_fault("language", "unknown-choice", _CHOICE))
        if self.contact is not None and len(self.contact) > CONTACT_LIMIT:
            found.append(_fault("contact", "wrong-length", _LONG))
        return found


_MEMBERS = frozenset(field.name for field in fields(Profile))
_NAME = Text("姓名应为 1 至 100 个字符。", "The name must have 1 to 100 characters.")
_UNBORN = Text("出生日期不能晚于今天。", "The birth date must not be in the future.")
_TOO_OLD = Text("出生日期不能早于 130 年前。", "The birth date must be within the last 130 years.")
_CHOICE = Text("不在可选值之内。", "This is not one of the allowed values.")
_LONG = Text("内容过长。", "This is too long.")


def _fault(member: str, code: str, detail: Text) -> Fault:
    return Fault(f"/{member}", code, detail)


def normal_name(name: str) -> str:
    """A name in one Unicode form, without blanks around it."""
    return unicodedata.normalize("NFC", name).strip()


def spelled(profile: Profile) -> bytes:
    """The bytes that are sealed."""
    document = asdict(profile) | {
        "birth_date": profile.birth_date.isoformat(),
        # A digit: `false` is longer than `true`, and lengths tell stories.
        "automation": int(profile.automation),
    }
    return json.dumps(document, ensure_ascii=False, sort_keys=True).encode()


def read(text: bytes) -> Profile:
    """A profile from its opened bytes; members of a newer version are left aside."""
    document: dict[str, Any] = json.loads(text)
    members = {name: value for name, value in document.items() if name in _MEMBERS}
    members["birth_date"] = date.fromisoformat(cast(str, members["birth_date"]))
    members["automation"] = bool(members.get("automation", 1))
    return Profile(**members)
