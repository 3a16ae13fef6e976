"""Who could do what at some time: the decision asked again on what was true then.

History comes as timelines. A `Timeline` of something is a tuple of pairs `(since, value)`, oldest
first: the value held from `since` until the `since` of the next pair. Of equal instants the later
pair counts. Before the first pair there was nothing. One timeline of grants holds the versions of
one grant; a withdrawn version is a version with `withdrawn_at`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import TypeAlias, TypeVar

from consent.decide import decide
from consent.decision import Decision
from consent.grant import Grant
from consent.request import AccessRequest, Facts

Value = TypeVar("Value")
Timeline: TypeAlias = tuple[tuple[datetime, Value], ...]

NOBODY_YET = Facts(
    subject_status="unknown", revision=0, contract_in_force=False, stepped_up=False, deny_all=False
)
"""What was true before there was any history: nobody could do anything."""


@dataclass(frozen=True, slots=True)
class Asker:
    """One question: this request, judged on what was known about its subject and its actor."""

    request: AccessRequest
    facts: Timeline[Facts]


def value_at(timeline: Timeline[Value], instant: datetime) -> Value | None:
    """What held at an instant, from its own `since` on; None before there was anything.

    Raises ValueError when the timeline does not run forward.
    """
    if any(later < earlier for (earlier, _), (later, _) in pairwise(timeline)):
        raise ValueError("a timeline runs forward")
    held = [value for since, value in timeline if since <= instant]
    return held[-1] if held else None


def replay(
    grants: Iterable[Timeline[Grant]], askers: Iterable[Asker], instant: datetime
) -> list[Decision]:
    """The decision for each asker, in their order, as it would have been made at `instant`.

    Nobody is looking, so no decision carries a permit.
    """
    found = [value_at(versions, instant) for versions in grants]
    then = [grant for grant in found if grant is not None]
    return [_decided(asker, then, instant) for asker in askers]


def _decided(asker: Asker, grants: list[Grant], instant: datetime) -> Decision:
    facts = value_at(asker.facts, instant) or NOBODY_YET
    return replace(decide(asker.request, grants, facts, instant), permit=None)
