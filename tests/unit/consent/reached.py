"""What a random case touches, so that a comparison can show that it has touched everything."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from consent.grant import Grant
from consent.vocabulary import Action, ActorKind, DataClass, Purpose
from tests.unit.consent import reference
from tests.unit.consent.cases import Situation
from tests.unit.consent.reference import utc

MOMENT = timedelta(microseconds=1)
FOUR_HOURS = timedelta(hours=4)
EDGES = {
    -MOMENT: "a moment before now",
    timedelta(): "exactly now",
    MOMENT: "a moment after now",
}
OPENINGS = {
    -FOUR_HOURS - MOMENT: "four hours and a moment ago",
    -FOUR_HOURS: "exactly four hours ago",
    MOMENT - FOUR_HOURS: "a moment less than four hours ago",
    timedelta(): "exactly now",
    MOMENT: "a moment after now",
}
ENDINGS = {
    -timedelta(days=1) - MOMENT: "a day and a moment ago",
    -timedelta(days=1): "exactly a day ago",
    MOMENT - timedelta(days=1): "a moment less than a day ago",
}
BY_GRANT = ["signed-doctor", "named-doctor", "clinic-grant", "role-grant", "statistics-grant"]
PERMITTING = [*BY_GRANT, "own-record", "guardian", "break-glass"]
ONE_OPEN_END = ["days from a first on", "days up to a last"]
DAYS = ["all days", *ONE_OPEN_END, "days between two"]
EVERYTHING = [
    *(f"rule {rule}" for rule in reference.SENTENCES if rule != "another-grant"),
    # Where nothing is asked, no class is withheld.
    *(
        f"withheld {rule}"
        for rule in reference.SENTENCES
        if rule not in {*PERMITTING, "nothing-asked"}
    ),
    "obliged to ",
    "obliged to log-before-reveal",
    "obliged to log-before-reveal, spend-use",
    "obliged to log-before-reveal, notify-subject, review",
    *(f"{days} permitted to {who}" for days in DAYS for who in ("the owner", "another")),
    *(f"{days} where all days are asked for" for days in DAYS),
    *(f"{days} where {days} are asked for" for days in DAYS),
    "all days where days without ends are asked for",
    *(f"days between two where {days} are asked for" for days in DAYS),
    "permitted to the end of the calendar 0001",
    "permitted to the end of the calendar 9999",
    "days in reverse asked for by the owner",
    *(f"permit of five minutes under {rule}" for rule in PERMITTING),
    *(f"shorter permit under {rule}" for rule in PERMITTING if rule != "own-record"),
    "permit of a moment less than five minutes",
    "permit of one moment",
    "guardian of somebody who is no child",
    "own guardian",
    "practitioner with the id of a guardian",
    *(f"child until {edge}" for edge in EDGES.values()),
    *(f"{word} of no vocabulary" for word in ("kind", "purpose", "action", "class")),
    *(f"{verdict} where clocks are changed" for verdict in ("permitted", "refused")),
    *(f"break-glass opened {opening}" for opening in OPENINGS.values()),
    *(f"break-glass opened anew after one that ended {ending}" for ending in ENDINGS.values()),
    *(
        f"grant with {name} {edge}"
        for name in ("valid_from", "valid_until", "outdated_from")
        for edge in EDGES.values()
    ),
    *(
        f"deny with {name} {edge}"
        for name in ("valid_from", "valid_until")
        for edge in EDGES.values()
    ),
    *(f"deny without {name}" for name in ("purposes", "actions", "data_classes", "uses", "days")),
    "deny that is withdrawn",
    "deny whose notice is outdated",
    "deny of care in an emergency",
    *(f"{rule} with one contract of two" for rule in BY_GRANT),
    *(f"{rule} without any contract" for rule in BY_GRANT if rule != "signed-doctor"),
    "the same grant twice",
    *(f"offers decided by {what}" for what in ("classes", "days", "limits", "ids")),
    "offer of several grants",
    "offer of grants that open equally many",
]


def reached(case: Situation, told: dict[str, Any]) -> Iterator[str]:
    """Everything worth counting in a case, of which the reference says what is told."""
    yield f"rule {told['rule']}"
    yield from {f"withheld {rule}" for rule in told["withheld"].values()}
    yield "obliged to " + ", ".join(sorted(told["obligations"]))
    if told["allow"]:
        yield from _permitted(case, told)
    yield from _asker(case, told)
    if told["rule"] in {*BY_GRANT, *reference.NEARNESS} or case.request.purpose == "emergency":
        yield from _grants(case, told)
    if told["rule"] in {"break-glass", "break-glass-over", "break-glass-grade-5"}:
        since = _from_now(case, case.facts.emergency_since)
        if since in OPENINGS:
            yield f"break-glass opened {OPENINGS[since]}"
    ended = _from_now(case, case.facts.emergency_ended)
    anew = told["rule"] in {"break-glass", "break-glass-resting"} and case.facts.emergency_opening
    if anew and ended in ENDINGS:
        yield f"break-glass opened anew after one that ended {ENDINGS[ended]}"


def _from_now(case: Situation, moment: datetime | None) -> timedelta | None:
    return None if moment is None else utc(moment) - utc(case.now)


def _permitted(case: Situation, told: dict[str, Any]) -> Iterator[str]:
    window, asked, permit = told["window"], case.request.window, told["permit"]
    yield f"{_sides(window)} permitted to {'the owner' if permit['owner'] else 'another'}"
    if told["rule"] in BY_GRANT:
        yield f"{_sides(window)} where {_sides(asked)} are asked for"
    if permit["owner"] and asked is not None and reference.number_of(asked) == 0:
        yield "days in reverse asked for by the owner"
    lasts = permit["expires_at"] - utc(case.now)
    if lasts == timedelta(minutes=5):
        yield f"permit of five minutes under {told['rule']}"
    else:
        yield f"shorter permit under {told['rule']}"
    if lasts == timedelta(minutes=5) - MOMENT:
        yield "permit of a moment less than five minutes"
    if lasts == MOMENT:
        yield "permit of one moment"


def _sides(window: tuple[Any, Any] | None) -> str:
    if window is None:
        return "all days"
    if window == (None, None):
        return "days without ends"
    if None in window:
        return "days from a first on" if window[1] is None else "days up to a last"
    return "days between two"


def _asker(case: Situation, told: dict[str, Any]) -> Iterator[str]:
    request, facts = case.request, case.facts
    listed = request.actor.id in facts.guardians
    if request.actor.kind is ActorKind.RESIDENT and listed:
        until = _from_now(case, facts.minor_until)
        if told["rule"] == "guardian-ended" and until is None:
            yield "guardian of somebody who is no child"
        if told["rule"] in {"guardian", "guardian-ended"} and until in EDGES:
            yield f"child until {EDGES[until]}"
        if told["rule"] == "own-record":
            yield "own guardian"
    if request.actor.kind is ActorKind.PRACTITIONER and listed:
        yield "practitioner with the id of a guardian"
    if told["rule"] == "unknown-word" and not request.unknown:
        for name in ("kind", "purpose", "action"):
            value = getattr(request.actor if name == "kind" else request, name)
            if not isinstance(value, ActorKind | Purpose | Action):
                yield f"{name} of no vocabulary"
        if not all(isinstance(one, DataClass) for one in request.classes):
            yield "class of no vocabulary"
    if case.now.tzinfo is not utc(case.now).tzinfo:
        yield f"{'permitted' if told['allow'] else 'refused'} where clocks are changed"


def _grants(case: Situation, told: dict[str, Any]) -> Iterator[str]:
    asked = reference.Case(case.request, list(case.grants), case.facts, utc(case.now))
    closed = "explicit-deny" in told["withheld"].values()
    for grant in filter(asked.about, case.grants):
        if grant.deny:
            yield from _deny(case, grant, closed)
        else:
            for name in ("valid_from", "valid_until", "outdated_from"):
                distance = _from_now(case, getattr(grant, name))
                if distance in EDGES:
                    yield f"grant with {name} {EDGES[distance]}"
            if told["grant"] == grant.id:
                yield from _named(case, grant, told)
    if told["rule"] in BY_GRANT:
        once = [one for place, one in enumerate(case.grants) if one not in case.grants[:place]]
        if len(once) < len(case.grants):
            yield "the same grant twice"
        asked.grants = once
        yield from _ties(asked)


def _deny(case: Situation, deny: Grant, closed: bool) -> Iterator[str]:
    begins, ends = _from_now(case, deny.valid_from), _from_now(case, deny.valid_until)
    for name, distance in (("valid_from", begins), ("valid_until", ends)):
        if distance in EDGES:
            yield f"deny with {name} {EDGES[distance]}"
    if deny.withdrawn_at is not None:
        yield "deny that is withdrawn"
    elif closed and utc(deny.valid_from) <= utc(case.now) and (ends is None or ends > timedelta()):
        for name in ("purposes", "actions", "data_classes"):
            if not getattr(deny, name):
                yield f"deny without {name}"
        if case.request.purpose is Purpose.EMERGENCY and Purpose.EMERGENCY not in deny.purposes:
            yield "deny of care in an emergency"
        if deny.uses_left is not None and deny.uses_left <= 0:
            yield "deny without uses"
        if reference.number_of((deny.observations_from, deny.observations_to)) == 0:
            yield "deny without days"
        if deny.outdated_from is not None and utc(deny.outdated_from) <= utc(case.now):
            yield "deny whose notice is outdated"


def _named(case: Situation, grant: Grant, told: dict[str, Any]) -> Iterator[str]:
    contract = case.facts.contract_in_force, case.facts.clinic_contract
    if contract in {(True, False), (False, True)}:
        yield f"{told['rule']} with one contract of two"
    if contract == (False, False):
        yield f"{told['rule']} without any contract"
    if date_ends := {str(day)[:4] for day in told["window"] or ()} & {"0001", "9999"}:
        yield f"permitted to the end of the calendar {min(date_ends)}"


def _ties(asked: reference.Case) -> Iterator[str]:
    offers = sorted(asked.offers(), key=reference.Offer.place)
    if len(offers) > 1:
        first, second = offers[0].place(), offers[1].place()
        equal = next(number for number in range(4) if first[number] != second[number])
        yield "offers decided by " + ("classes", "days", "limits", "ids")[equal]
    counts = sorted(len(classes) for _, classes in offers[0].opened)
    if len(counts) > 1:
        yield "offer of several grants"
        if counts[-1] == counts[-2]:
            yield "offer of grants that open equally many"
