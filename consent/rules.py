"""The rule table: every reason to permit or refuse, one row each (see docs/decision-table.md).

Rows stand in the order they are asked. Refusals come first, so forbid wins over every permit; what
no row permits is refused. Two rows are yet to come and have their place: the guardian of a child
under 14 beside `own-record` in `OWN`, and break-glass as a table asked after the grants failed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from consent.grant import BY_RESIDENT, STATISTICS_SERVICE, Grant
from consent.request import AccessRequest, Facts
from consent.vocabulary import (
    ALL_CLASSES,
    Action,
    ActorKind,
    DataClass,
    GranteeKind,
    Purpose,
    Text,
)
from consent.window import Window

SENSITIVE: frozenset[DataClass] = frozenset(c for c in DataClass if c.separate_consent)
OWNER_ACTIONS = frozenset({Action.MANAGE, Action.ERASE})
STEP_UP_ACTIONS = frozenset({Action.EXPORT, Action.ERASE})


class Effect(StrEnum):
    PERMIT = "permit"
    FORBID = "forbid"


class Case(NamedTuple):
    """What a rule looks at. `owner` says whether the asker is the subject."""

    request: AccessRequest
    facts: Facts
    now: datetime
    owner: bool
    window: Window


Test = TypeVar("Test")
OfRequest = Callable[[Case], bool]
OfGrant = Callable[[Case, Grant], bool]
OfClass = Callable[[Grant], frozenset[DataClass]]


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


# Tests of the request as a whole.


def by_city(case: Case) -> bool:
    return case.request.actor.kind is ActorKind.CITY


def by_operator(case: Case) -> bool:
    return case.request.actor.kind is ActorKind.OPERATOR


def subject_erased(case: Case) -> bool:
    return case.facts.subject_status == "erased"


def subject_unknown(case: Case) -> bool:
    return case.facts.subject_status != "active"


def word_unknown(case: Case) -> bool:
    """A word the vocabulary lacks, whether the edge reported it or let it slip through."""
    request = case.request
    return (
        bool(request.unknown)
        or type(request.actor.kind) is not ActorKind
        or type(request.purpose) is not Purpose
        or type(request.action) is not Action
        or not request.classes <= ALL_CLASSES
    )


def nothing_asked(case: Case) -> bool:
    return not case.request.classes


def counted_otherwise(case: Case) -> bool:
    """Statistics and aggregation go together, and only the statistics service does them."""
    request = case.request
    statistics = request.purpose is Purpose.STATISTICS
    if statistics is not (request.action is Action.AGGREGATE):
        return True
    return statistics and not by_statistics_service(case)


def owner_act_by_other(case: Case) -> bool:
    return not case.owner and case.request.action in OWNER_ACTIONS


def others_shut_out(case: Case) -> bool:
    return not case.owner and case.facts.deny_all


def step_up_missing(case: Case) -> bool:
    return case.owner and case.request.action in STEP_UP_ACTIONS and not case.facts.stepped_up


# Tests of who may be permitted.


def by_owner(case: Case) -> bool:
    return case.owner


def by_doctor_in_care(case: Case) -> bool:
    request = case.request
    return request.actor.kind is ActorKind.PRACTITIONER and request.purpose is Purpose.CARE


def by_doctor(case: Case) -> bool:
    return case.request.actor.kind is ActorKind.PRACTITIONER


def by_statistics_service(case: Case) -> bool:
    actor = case.request.actor
    return actor.kind is ActorKind.SERVICE and actor.id == STATISTICS_SERVICE


def always(_: Case) -> bool:
    return True


# Tests of one grant that names the asker, the purpose, the action and some class asked for.


def withdrawn(_: Case, grant: Grant) -> bool:
    return grant.withdrawn_at is not None


def expired(case: Case, grant: Grant) -> bool:
    return grant.ended(case.now)


def not_yet_valid(case: Case, grant: Grant) -> bool:
    return not grant.begun(case.now)


def used_up(_: Case, grant: Grant) -> bool:
    return grant.uses_left is not None and grant.uses_left <= 0


def no_day_in_common(case: Case, grant: Grant) -> bool:
    if grant.observations_from is None and grant.observations_to is None:
        return case.window.empty
    return case.window.overlap(grant.window).empty


def contract_missing(case: Case, grant: Grant) -> bool:
    """Care needs a signed contract, and so does whatever was granted as a part of one."""
    needed = case.request.purpose is Purpose.CARE or grant.basis != BY_RESIDENT
    return needed and not case.facts.contract_in_force


# Tests that answer with the classes of one grant which they close.


def denied_classes(grant: Grant) -> frozenset[DataClass]:
    return (grant.data_classes or ALL_CLASSES) if grant.deny else frozenset()


def without_separate_consent(grant: Grant) -> frozenset[DataClass]:
    return SENSITIVE - grant.separate_consent


# The table.

REFUSALS: tuple[Rule[OfRequest], ...] = (
    # Asked before anything about the subject, so that these two learn nothing about a person.
    _forbid(
        "city-no-person",
        by_city,
        "城市管理方永远不能查看任何个人的记录。",
        "The city never reads a person's record.",
    ),
    _forbid(
        "operator-no-health",
        by_operator,
        "系统运维人员永远不能查看健康数据。",
        "Operators of the system never read health data.",
    ),
    _forbid(
        "erased",
        subject_erased,
        "这份档案已被删除，无法再打开。",
        "This record has been erased and cannot be opened again.",
    ),
    _forbid(
        "unknown-subject",
        subject_unknown,
        "没有这份档案。",
        "There is no such record.",
    ),
    _forbid(
        "unknown-word",
        word_unknown,
        "请求中有系统不认识的用途、操作或数据分类，因此整个请求被拒绝。",
        "The request names a purpose, action or kind of data that is not known, so all of it is"
        " refused.",
    ),
    _forbid(
        "nothing-asked",
        nothing_asked,
        "请求没有说明需要哪类数据。",
        "The request does not say which kind of data it needs.",
    ),
    _forbid(
        "statistics-only-counts",
        counted_otherwise,
        "统计用途只能由匿名统计服务用于汇总计数。",
        "Only the anonymous statistics service may use data for statistics, and only to count.",
    ),
    _forbid(
        "owner-only",
        owner_act_by_other,
        "只有居民本人可以管理或删除自己的档案。",
        "Only the resident may manage or erase their record.",
    ),
    _forbid(
        "deny-all",
        others_shut_out,
        "居民已开启“全部拒绝”，其他任何人都不能使用这份档案。",
        "The resident has shut out everybody else for now.",
    ),
    _forbid(
        "own-record-needs-step-up",
        step_up_missing,
        "导出或删除自己的档案前，请重新验证身份。",
        "Please sign in afresh before you export or erase your record.",
    ),
)

OWN: tuple[Rule[OfRequest], ...] = (
    _permit(
        "own-record",
        by_owner,
        "居民可以使用自己的档案。",
        "A resident may use their own record.",
    ),
)

GRANTED: tuple[Rule[OfRequest], ...] = (
    _permit(
        "signed-doctor",
        by_doctor_in_care,
        "签约的家庭医生可以在居民授权的范围内使用数据。",
        "The signed family doctor may use what the resident granted.",
    ),
    _permit(
        "named-doctor",
        by_doctor,
        "居民指定的医生可以在授权的范围内使用数据。",
        "A doctor whom the resident named may use what the resident granted.",
    ),
    _permit(
        "statistics-grant",
        by_statistics_service,
        "居民同意的数据可以匿名计入城市统计。",
        "What the resident agreed to may be counted, without a name, in the city's statistics.",
    ),
)

NO_RULE: Rule[OfRequest] = _forbid(
    "no-rule",
    always,
    "没有任何规则允许这样使用，因此拒绝。",
    "No rule allows this, so it is refused.",
)

NO_GRANT: Rule[OfRequest] = _forbid(
    "no-grant",
    always,
    "居民没有为这一用途和操作授权这类数据。",
    "The resident has not granted this kind of data for this purpose and action.",
)

EXPLICIT_DENY: Rule[OfClass] = _forbid(
    "explicit-deny",
    denied_classes,
    "居民明确拒绝对方使用这类数据。",
    "The resident expressly closed this kind of data to the one who asks.",
)

OF_GRANT: tuple[Rule[OfGrant], ...] = (
    _forbid(
        "withdrawn",
        withdrawn,
        "居民已撤回这项授权。",
        "The resident has withdrawn this grant.",
    ),
    _forbid(
        "expired",
        expired,
        "这项授权已经到期。",
        "This grant has expired.",
    ),
    _forbid(
        "not-yet-valid",
        not_yet_valid,
        "这项授权尚未生效。",
        "This grant is not valid yet.",
    ),
    _forbid(
        "no-uses-left",
        used_up,
        "这项授权的使用次数已经用完。",
        "Every use this grant allowed has been made.",
    ),
    _forbid(
        "window",
        no_day_in_common,
        "这项授权不包含所请求日期的数据。",
        "This grant does not cover data of the days asked for.",
    ),
    _forbid(
        "no-contract",
        contract_missing,
        "签约关系不在有效期内，这项授权因此不起作用。",
        "No contract with this doctor is in force, so the grant has no effect.",
    ),
)

SEPARATE_CONSENT: Rule[OfClass] = _forbid(
    "separate-consent",
    without_separate_consent,
    "这类敏感数据需要居民单独同意，居民尚未单独同意。",
    "This sensitive kind of data needs a consent of its own, which the resident has not given.",
)

ANOTHER_GRANT: Rule[OfRequest] = _forbid(
    "another-grant",
    always,
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

RULES: tuple[Rule[OfRequest] | Rule[OfGrant] | Rule[OfClass], ...] = (
    *REFUSALS,
    *OWN,
    *GRANTED,
    NO_RULE,
    NO_GRANT,
    EXPLICIT_DENY,
    *OF_GRANT,
    SEPARATE_CONSENT,
    ANOTHER_GRANT,
)

SENTENCES: dict[str, Text] = {rule.id: rule.sentence for rule in RULES}

GRANTEE_OF: dict[ActorKind, GranteeKind] = {
    ActorKind.PRACTITIONER: GranteeKind.PRACTITIONER,
    ActorKind.SERVICE: GranteeKind.SERVICE,
}
"""Which kind of grantee an actor can be. Grants to clinics and links wait for their rules."""
