"""The rule table: every reason to permit or refuse, one row each (see docs/decision-table.md).

Rows stand in the order they are asked. Refusals come first, so forbid wins over every permit; what
no row permits is refused. What a row looks at is in `consent.conditions`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from consent import conditions as when
from consent.conditions import Case, Claim
from consent.grant import Grant
from consent.request import AccessRequest, Facts
from consent.vocabulary import ActorKind, DataClass, GranteeKind, Text


class Effect(StrEnum):
    PERMIT = "permit"
    FORBID = "forbid"


Test = TypeVar("Test")
OfRequest = Callable[[Case], bool]
OfEmergency = Callable[[AccessRequest, Facts, datetime], bool]
OfOpening = Callable[[Claim, Grant], bool]
OfGrant = Callable[[Claim, Grant, datetime], bool]
OfClass = Callable[[Grant], frozenset[DataClass]]
OfEvery = Callable[[], frozenset[DataClass]]


@dataclass(frozen=True, slots=True)
class Rule(Generic[Test]):
    """One row: a stable id, its effect, the test, and the sentence people are shown."""

    id: str
    effect: Effect
    applies: Test
    sentence: Text


def _permit(id: str, applies: Test, zh: str, en: str) -> Rule[Test]:
    return Rule(id, Effect.PERMIT, applies, Text(zh, en))


def _forbid(id: str, applies: Test, zh: str, en: str) -> Rule[Test]:
    return Rule(id, Effect.FORBID, applies, Text(zh, en))


REFUSALS: tuple[Rule[OfRequest], ...] = (
    # Asked before anything about the subject, so that these two learn nothing about a person.
    _forbid(
        "city-no-person",
        when.by_city,
        "城市管理方永远不能查看任何个人的记录。",
        "The city never reads a person's record.",
    ),
    _forbid(
        "operator-no-health",
        when.by_operator,
        "系统运维人员永远不能查看健康数据。",
        "Operators of the system never read health data.",
    ),
    _forbid(
        "erased",
        when.subject_erased,
        "这份档案已被删除，无法再打开。",
        "This record has been erased and cannot be opened again.",
    ),
    _forbid(
        "unknown-subject",
        when.subject_unknown,
        "没有这份档案。",
        "There is no such record.",
    ),
    _forbid(
        "unknown-word",
        when.word_unknown,
        "请求中有系统不认识的用途、操作或数据分类，因此整个请求被拒绝。",
        "The request names a purpose, action or kind of data that is not known, so all of it is"
        " refused.",
    ),
    _forbid(
        "nothing-asked",
        when.nothing_asked,
        "请求没有说明需要哪类数据。",
        "The request does not say which kind of data it needs.",
    ),
    _forbid(
        "statistics-only-counts",
        when.counted_otherwise,
        "统计用途只能由匿名统计服务用于汇总计数。",
        "Only the anonymous statistics service may use data for statistics, and only to count.",
    ),
    _forbid(
        "guardian-ended",
        when.guardian_no_more,
        "孩子已满十四周岁，监护人不能再代为使用这份档案。",
        "The child is fourteen or older, so a guardian can no longer use this record.",
    ),
    _forbid(
        "owner-only",
        when.owner_act_by_other,
        "只有居民本人或未满十四周岁孩子的监护人可以管理或删除档案。",
        "Only the resident, or the guardian of a child under fourteen, may manage or erase a"
        " record.",
    ),
    _forbid(
        "deny-all",
        when.others_shut_out,
        "居民已开启“全部拒绝”，其他任何人都不能使用这份档案。",
        "The resident has shut out everybody else for now.",
    ),
    _forbid(
        "own-record-needs-step-up",
        when.step_up_missing,
        "导出或删除档案前，请重新验证身份。",
        "Please sign in afresh before you export or erase the record.",
    ),
)

OWN_RECORD: Rule[OfRequest] = _permit(
    "own-record",
    when.by_subject,
    "居民可以使用自己的档案。",
    "A resident may use their own record.",
)

GUARDIAN: Rule[OfRequest] = _permit(
    "guardian",
    when.by_guardian,
    "监护人可以代未满十四周岁的孩子使用档案。",
    "A guardian may use the record of a child under fourteen.",
)

OWN: tuple[Rule[OfRequest], ...] = (OWN_RECORD, GUARDIAN)

GRANTED: tuple[Rule[OfOpening], ...] = (
    # Asked of the grant that opens; which grants open is the matter of the rules of a grant below.
    _permit(
        "signed-doctor",
        when.to_signed_doctor,
        "签约的家庭医生可以在居民授权的范围内使用数据。",
        "The signed family doctor may use what the resident granted.",
    ),
    _permit(
        "named-doctor",
        when.to_doctor,
        "居民指定的医生可以在授权的范围内使用数据。",
        "A doctor whom the resident named may use what the resident granted.",
    ),
    _permit(
        "clinic-grant",
        when.to_clinic,
        "居民授权的医疗机构的医务人员可以在授权的范围内使用数据。",
        "The staff of a clinic may use what the resident granted to the clinic.",
    ),
    _permit(
        "role-grant",
        when.to_role,
        "在获得授权的岗位上工作的人员，可以在授权的范围内使用数据。",
        "Those who hold a role in a clinic may use what the resident granted to that role.",
    ),
    _permit(
        "statistics-grant",
        when.to_statistics,
        "居民同意的数据可以匿名计入城市统计。",
        "What the resident agreed to may be counted, without a name, in the city's statistics.",
    ),
)

EMERGENCY_REFUSALS: tuple[Rule[OfEmergency], ...] = (
    _forbid(
        "break-glass-only-reads",
        when.more_than_reading,
        "紧急访问只能查看，不能做其他操作。",
        "Emergency access is for reading only.",
    ),
    _forbid(
        "break-glass-needs-acr",
        when.weak_sign_in,
        "紧急访问要求医生用两种方式验证身份。",
        "For emergency access the doctor must sign in with a second proof of who they are.",
    ),
    _forbid(
        "break-glass-needs-step-up",
        when.stale_sign_in,
        "开启紧急访问前，医生须在五分钟内重新验证身份。",
        "To open emergency access the doctor must have proved who they are within five minutes.",
    ),
    _forbid(
        "break-glass-refused",
        when.emergency_refused,
        "居民不允许任何人查看，紧急情况也不例外。",
        "The resident lets nobody in without consent, not even in an emergency.",
    ),
    _forbid(
        "break-glass-resting",
        when.emergency_resting,
        "居民终止了您或您所在机构的紧急访问，二十四小时内不能再次开启。",
        "The resident ended emergency access of yours or of your clinic, and it is not opened again"
        " for twenty-four hours.",
    ),
    _forbid(
        "break-glass-over",
        when.emergency_over,
        "紧急访问没有开启，或已满四小时而结束。",
        "Emergency access has not been opened, or its four hours are over.",
    ),
)

BREAK_GLASS: Rule[OfRequest] = _permit(
    "break-glass",
    when.in_emergency,
    "医生在紧急情况下可以查看数据，居民会立即得到通知，事后会有审查。",
    "A doctor may look in an emergency; the resident is told at once and it is reviewed.",
)

NOT_IN_EMERGENCY: Rule[OfEvery] = _forbid(
    "break-glass-grade-5",
    when.never_in_emergency,
    "传染病、遗传等最敏感的数据，紧急情况下也不开放。",
    "The most sensitive kinds of data stay closed even in an emergency.",
)

NO_RULE: Rule[OfRequest] = _forbid(
    "no-rule",
    when.always,
    "没有任何规则允许这样使用，因此拒绝。",
    "No rule allows this, so it is refused.",
)

NO_GRANT: Rule[OfRequest] = _forbid(
    "no-grant",
    when.always,
    "居民没有为这一用途和操作授权这类数据。",
    "The resident has not granted this kind of data for this purpose and action.",
)

EXPLICIT_DENY: Rule[OfClass] = _forbid(
    "explicit-deny",
    when.denied_classes,
    "居民明确拒绝对方使用这类数据。",
    "The resident expressly closed this kind of data to the one who asks.",
)

OF_GRANT: tuple[Rule[OfGrant], ...] = (
    _forbid(
        "withdrawn",
        when.withdrawn,
        "居民已撤回这项授权。",
        "The resident has withdrawn this grant.",
    ),
    _forbid(
        "expired",
        when.expired,
        "这项授权已经到期。",
        "This grant has expired.",
    ),
    _forbid(
        "not-yet-valid",
        when.not_yet_valid,
        "这项授权尚未生效。",
        "This grant is not valid yet.",
    ),
    _forbid(
        "notice-outdated",
        when.notice_outdated,
        "授权所依据的说明已有重要变更，居民尚未重新同意。",
        "What this grant is for has changed, and the resident has not agreed to it again.",
    ),
    _forbid(
        "no-uses-left",
        when.used_up,
        "这项授权的使用次数已经用完。",
        "Every use this grant allowed has been made.",
    ),
    _forbid(
        "window",
        when.no_day_in_common,
        "这项授权不包含所请求日期的数据。",
        "This grant does not cover data of the days asked for.",
    ),
    _forbid(
        "no-contract",
        when.contract_missing,
        "签约关系不在有效期内，这项授权因此不起作用。",
        "No contract with this doctor or clinic is in force, so the grant has no effect.",
    ),
)

SEPARATE_CONSENT: Rule[OfClass] = _forbid(
    "separate-consent",
    when.without_separate_consent,
    "这类敏感数据需要居民单独同意，居民尚未单独同意。",
    "This sensitive kind of data needs a consent of its own, which the resident has not given.",
)

ANOTHER_GRANT: Rule[OfRequest] = _forbid(
    "another-grant",
    when.always,
    "这类数据在另一项日期范围或次数不同的授权之下，请单独请求。",
    "This kind of data is under another grant with other days or limited uses; ask for it alone.",
)

MISSES: tuple[str, ...] = (
    NO_GRANT.id,
    EXPLICIT_DENY.id,
    *(rule.id for rule in OF_GRANT),
    SEPARATE_CONSENT.id,
)
"""Why grants do not open a class, from farthest to nearest. The nearest miss is named."""

RULES: tuple[
    Rule[OfRequest]
    | Rule[OfEmergency]
    | Rule[OfOpening]
    | Rule[OfGrant]
    | Rule[OfClass]
    | Rule[OfEvery],
    ...,
] = (
    *REFUSALS,
    *OWN,
    *GRANTED,
    *EMERGENCY_REFUSALS,
    BREAK_GLASS,
    NO_RULE,
    NO_GRANT,
    EXPLICIT_DENY,
    NOT_IN_EMERGENCY,
    *OF_GRANT,
    SEPARATE_CONSENT,
    ANOTHER_GRANT,
)

SENTENCES: dict[str, Text] = {rule.id: rule.sentence for rule in RULES}

GRANTEE_OF: dict[ActorKind, GranteeKind] = {
    ActorKind.PRACTITIONER: GranteeKind.PRACTITIONER,
    ActorKind.SERVICE: GranteeKind.SERVICE,
}
"""As which kind of grantee an actor appears by their own name. For all of them see
`consent.grant.grantees_of`."""
