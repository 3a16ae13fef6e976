"""The closed words of policy: classes of data, purposes, actions and kinds of grantee.

Every list is append-only: a stored grant names these words for years, so a word is never
renamed, reused or given a wider meaning. A word that is not in these lists is denied.
"""

from enum import StrEnum
from typing import Literal, NamedTuple

Language = Literal["zh", "en"]


class Text(NamedTuple):
    """One sentence or name in both languages of the service."""

    zh: str
    en: str

    def in_(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en

    def both(self) -> dict[str, str]:
        return {"zh": self.zh, "en": self.en}


class DataClass(StrEnum):
    """What kind of thing a value tells about a person (GB/T 39725 style grades, see CLASSES)."""

    PROFILE = "profile"
    LIFESTYLE = "lifestyle"
    FITNESS = "fitness"
    BODY = "body"
    SCREENING = "screening"
    LOCATION = "location"
    CONDITIONS = "conditions"
    MENTAL = "mental"
    REPRODUCTIVE = "reproductive"
    INFECTIOUS = "infectious"
    GENETIC = "genetic"

    @property
    def grade(self) -> int:
        return CLASSES[self].grade

    @property
    def separate_consent(self) -> bool:
        return CLASSES[self].separate_consent


class ClassTraits(NamedTuple):
    """Grade 1-5, and whether PIPL article 29 asks for a separate consent."""

    grade: int
    separate_consent: bool
    name: Text


CLASSES: dict[DataClass, ClassTraits] = {
    DataClass.PROFILE: ClassTraits(3, False, Text("身份与联系", "Identity and contact")),
    DataClass.LIFESTYLE: ClassTraits(2, False, Text("生活方式", "Lifestyle")),
    DataClass.FITNESS: ClassTraits(2, False, Text("体质测定", "Fitness")),
    DataClass.BODY: ClassTraits(3, True, Text("体征", "Body and vital signs")),
    DataClass.SCREENING: ClassTraits(3, True, Text("体检与筛查", "Screening")),
    DataClass.LOCATION: ClassTraits(3, True, Text("位置轨迹", "Location")),
    DataClass.CONDITIONS: ClassTraits(
        4, True, Text("疾病、治疗与康复", "Conditions, treatment, rehabilitation")
    ),
    DataClass.MENTAL: ClassTraits(4, True, Text("心理健康", "Mental health")),
    DataClass.REPRODUCTIVE: ClassTraits(4, True, Text("生殖与妇幼", "Reproductive and maternal")),
    DataClass.INFECTIOUS: ClassTraits(5, True, Text("传染病", "Infectious disease")),
    DataClass.GENETIC: ClassTraits(5, True, Text("遗传与家族史", "Genetic and family history")),
}
ALL_CLASSES: frozenset[DataClass] = frozenset(DataClass)


class Purpose(StrEnum):
    """What data may be used for. One request has exactly one purpose."""

    SELF_CARE = "self_care"
    CARE = "care"
    STATISTICS = "statistics"
    EMERGENCY = "emergency"


PURPOSES: dict[Purpose, Text] = {
    Purpose.SELF_CARE: Text("自我健康管理", "Managing one's own health"),
    Purpose.CARE: Text("家庭医生签约服务", "Care by the signed family doctor"),
    Purpose.STATISTICS: Text("匿名统计", "Anonymous statistics of the city"),
    Purpose.EMERGENCY: Text("紧急救治", "Help in an emergency"),
}


class Action(StrEnum):
    """What is done with the data."""

    READ = "read"
    WRITE = "write"
    DERIVE = "derive"
    EXPORT = "export"
    AGGREGATE = "aggregate"
    MANAGE = "manage"
    ERASE = "erase"


class GranteeKind(StrEnum):
    """Who may receive a grant. The city is not in this list and never will be.

    Nobody asks as a link: what a resident hands over once becomes a grant to whoever scans it.
    """

    PRACTITIONER = "practitioner"
    CLINIC = "clinic"
    SERVICE = "service"
    LINK = "link"
    ROLE = "role"


class ActorKind(StrEnum):
    """Who is asking."""

    RESIDENT = "resident"
    PRACTITIONER = "practitioner"
    SERVICE = "service"
    CITY = "city"
    OPERATOR = "operator"
