"""A second consent, slow and plain, written from the design page and not from `consent.rules`.

It shares with the real one only the data types. It asks about one class at a time, tries every
set of grants that may work together, and speaks of days as sets of day numbers. What it answers is
compared with `decide` on many random cases.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import NamedTuple
from uuid import UUID

from consent.grant import Grant
from consent.request import AccessRequest, Facts
from consent.vocabulary import DataClass


class Answer(NamedTuple):
    """The parts of a decision and its permit that the comparison looks at."""

    allow: bool
    rule: str
    grant: UUID | None
    classes: frozenset[DataClass]
    withheld: dict[DataClass, str]
    window: tuple[date | None, date | None] | None
    owner: bool
    expires_at: datetime | None
    owed: frozenset[str]


# PIPL article 29 by the published list of classes: grade 3 and above, the profile excepted.
NEEDS_OWN_YES = {
    "body",
    "screening",
    "location",
    "conditions",
    "mental",
    "reproductive",
    "infectious",
    "genetic",
}

HELPFUL = [
    "no-grant",
    "explicit-deny",
    "withdrawn",
    "expired",
    "not-yet-valid",
    "notice-outdated",
    "no-uses-left",
    "window",
    "no-contract",
    "separate-consent",
]


def answer(request: AccessRequest, grants: Sequence[Grant], facts: Facts, now: datetime) -> Answer:
    kind, name = request.actor.kind.value, request.actor.id
    purpose, action = request.purpose.value, request.action.value
    himself = kind == "resident" and name == str(request.subject)
    counting = kind == "service" and name == "statistics"

    def no(rule: str) -> Answer:
        return _no(rule, dict.fromkeys(request.classes, rule))

    if kind == "city":
        return no("city-no-person")
    if kind == "operator":
        return no("operator-no-health")
    if facts.subject_status == "erased":
        return no("erased")
    if facts.subject_status == "unknown":
        return no("unknown-subject")
    if request.unknown:
        return no("unknown-word")
    if len(request.classes) == 0:
        return no("nothing-asked")
    if purpose == "statistics" and (action != "aggregate" or not counting):
        return no("statistics-only-counts")
    if action == "aggregate" and purpose != "statistics":
        return no("statistics-only-counts")
    listed = kind == "resident" and name in facts.guardians
    child = facts.minor_until is not None and now < facts.minor_until
    if listed and not himself and not child:
        return no("guardian-ended")
    if himself or listed:
        if action in ("export", "erase") and not facts.stepped_up:
            return no("own-record-needs-step-up")
        if himself:
            return _own("own-record", request, [now + timedelta(minutes=5)])
        return _own("guardian", request, [now + timedelta(minutes=5), facts.minor_until])
    if action in ("manage", "erase"):
        return no("owner-only")
    if facts.deny_all:
        return no("deny-all")
    if kind == "practitioner" and purpose == "emergency":
        return _emergency(request, grants, facts, now)
    if kind == "practitioner" or (counting and purpose == "statistics"):
        return _granted(request, grants, facts, now)
    return no("no-rule")


def _no(rule: str, withheld: dict[DataClass, str]) -> Answer:
    return Answer(False, rule, None, frozenset(), withheld, None, False, None, frozenset())


def _own(rule: str, request: AccessRequest, ends: list[datetime | None]) -> Answer:
    until = min(end for end in ends if end is not None)
    return Answer(
        True, rule, None, request.classes, {}, _asked_days(request), True, until, frozenset()
    )


def _asked_days(request: AccessRequest) -> tuple[date | None, date | None] | None:
    asked = request.window
    return None if asked is None or asked == (None, None) else (asked.first, asked.last)


def _emergency(
    request: AccessRequest, grants: Sequence[Grant], facts: Facts, now: datetime
) -> Answer:
    rule = None
    since = facts.emergency_since
    if since is None or now < since or now >= since + timedelta(hours=4):
        rule = "break-glass-over"
    if facts.emergency_refused:
        rule = "break-glass-refused"
    if request.actor.acr < 2:
        rule = "break-glass-needs-acr"
    if request.action.value != "read":
        rule = "break-glass-only-reads"
    if rule is not None or since is None:
        return _no(str(rule), dict.fromkeys(request.classes, str(rule)))
    withheld = {}
    for data_class in request.classes:
        if data_class.value in ("infectious", "genetic"):
            withheld[data_class] = "break-glass-grade-5"
        if _unless_denied("", data_class, grants, request, now):
            withheld[data_class] = "explicit-deny"
    opened = request.classes - set(withheld)
    if not opened:
        reasons = set(withheld.values())
        return _no(max(reasons, key=["explicit-deny", "break-glass-grade-5"].index), withheld)
    until = min(now + timedelta(minutes=5), since + timedelta(hours=4))
    owed = frozenset({"log-before-reveal", "notify-subject", "review"})
    return Answer(
        True, "break-glass", None, opened, withheld, _asked_days(request), False, until, owed
    )


def _granted(
    request: AccessRequest, grants: Sequence[Grant], facts: Facts, now: datetime
) -> Answer:
    opened = {
        grant.id: {c for c in request.classes if _why(c, grant, grants, request, facts, now) == ""}
        for grant in grants
    }
    useful = [grant for grant in grants if opened[grant.id]]
    best = _best_set(useful, opened, request)
    withheld = {}
    for data_class in request.classes:
        if best and any(data_class in opened[grant.id] for grant in best):
            continue
        if any(data_class in classes for classes in opened.values()):
            withheld[data_class] = "another-grant"
            continue
        reasons = [_why(data_class, grant, grants, request, facts, now) for grant in grants]
        reasons.append(_unless_denied("no-grant", data_class, grants, request, now))
        withheld[data_class] = max(reasons, key=HELPFUL.index)
    if not best:
        return _no(max(withheld.values(), key=HELPFUL.index), withheld)
    first, last = _days(best[0], request)
    ends = [now + timedelta(minutes=5), *(g.valid_until for g in best if g.valid_until)]
    ends += [g.outdated_from for g in best if g.outdated_from]
    named = min(best, key=lambda grant: (-len(opened[grant.id]), grant.id))
    rule = {
        "practitioner": "signed-doctor" if request.purpose.value == "care" else "named-doctor",
        "clinic": "clinic-grant",
        "role": "role-grant",
        "service": "statistics-grant",
    }[named.grantee.kind.value]
    owed = {"log-before-reveal"}
    if any(grant.uses_left is not None for grant in best):
        owed.add("spend-use")
    return Answer(
        allow=True,
        rule=rule,
        grant=named.id,
        classes=frozenset().union(*(opened[grant.id] for grant in best)),
        withheld=withheld,
        window=None if first is None and last is None else (first, last),
        owner=False,
        expires_at=min(ends),
        owed=frozenset(owed),
    )


def _best_set(
    useful: list[Grant], opened: dict[UUID, set[DataClass]], request: AccessRequest
) -> list[Grant]:
    """Of all sets of grants that may work together, the one giving most; see `consent.offers`."""
    best: list[Grant] = []
    best_worth: tuple[object, ...] = ()
    for size in range(1, len(useful) + 1):
        for together in combinations(useful, size):
            if size > 1 and any(grant.uses_left is not None for grant in together):
                continue
            days = {_days(grant, request) for grant in together}
            if len(days) > 1:
                continue
            # Whatever may join has joined: a part of a set is not a choice of its own.
            alone = together[0].uses_left is not None
            joining = [g for g in useful if g.uses_left is None and _days(g, request) in days]
            if not alone and len(joining) > size:
                continue
            classes = set().union(*(opened[grant.id] for grant in together))
            first, last = _days(together[0], request)
            length = ((last or date.max) - (first or date.min)).days
            named = min(together, key=lambda grant: (-len(opened[grant.id]), grant.id))
            unlimited = all(grant.uses_left is None for grant in together)
            worth = (len(classes), length, unlimited, -named.id.int)
            if not best or worth > best_worth:
                best, best_worth = list(together), worth
    return best


def _why(
    data_class: DataClass,
    grant: Grant,
    grants: Sequence[Grant],
    request: AccessRequest,
    facts: Facts,
    now: datetime,
) -> str:
    """Why this one grant does not open this one class; empty when it does."""
    if grant.deny or not _about(grant, request) or data_class not in grant.data_classes:
        return _unless_denied("no-grant", data_class, grants, request, now)
    if _unless_denied("", data_class, grants, request, now):
        return "explicit-deny"
    if grant.withdrawn_at is not None:
        return "withdrawn"
    if grant.valid_until is not None and now >= grant.valid_until:
        return "expired"
    if now < grant.valid_from:
        return "not-yet-valid"
    if grant.outdated_from is not None and now >= grant.outdated_from:
        return "notice-outdated"
    if grant.uses_left == 0:
        return "no-uses-left"
    first, last = _days(grant, request)
    if first and last and last < first:
        return "window"
    care = request.purpose.value == "care" or grant.basis == "care-contract"
    clinic = grant.grantee.kind.value in ("clinic", "role")
    if care and not (facts.clinic_contract if clinic else facts.contract_in_force):
        return "no-contract"
    if data_class.value in NEEDS_OWN_YES and data_class not in grant.separate_consent:
        return "separate-consent"
    return ""


def _unless_denied(
    otherwise: str,
    data_class: DataClass,
    grants: Sequence[Grant],
    request: AccessRequest,
    now: datetime,
) -> str:
    for deny in grants:
        if not deny.deny or not _about(deny, request):
            continue
        over = deny.valid_until is not None and deny.valid_until <= now
        if deny.withdrawn_at is not None or deny.valid_from > now or over:
            continue
        if not deny.data_classes or data_class in deny.data_classes:
            return "explicit-deny"
    return otherwise


def _about(grant: Grant, request: AccessRequest) -> bool:
    actor = request.actor
    names = {(actor.kind.value, actor.id)}
    if actor.kind.value == "practitioner" and actor.clinic is not None:
        names.add(("clinic", actor.clinic))
        names |= {("role", f"{actor.clinic}:{role}") for role in actor.roles}
    if (grant.grantee.kind.value, grant.grantee.id) not in names:
        return False
    if grant.deny and not grant.purposes and not grant.actions:
        return True
    for_it = request.purpose in grant.purposes or (grant.deny and not grant.purposes)
    if grant.deny and request.purpose.value == "emergency" and "care" in grant.purposes:
        for_it = True
    doing_it = request.action in grant.actions or (grant.deny and not grant.actions)
    return for_it and doing_it


def _days(grant: Grant, request: AccessRequest) -> tuple[date | None, date | None]:
    asked = request.window or (None, None)
    firsts = [day for day in (grant.observations_from, asked[0]) if day is not None]
    lasts = [day for day in (grant.observations_to, asked[1]) if day is not None]
    return max(firsts, default=None), min(lasts, default=None)
