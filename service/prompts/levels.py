"""The level of a resident: judged on their frames, held steady, explained where it changes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from consent.decision import Permit
from service.domain.care.situation import Situation, situation
from service.domain.life import CITY_ZONE
from service.domain.regions import RegionTree
from service.domain.risk import assess as risk
from service.domain.risk import grounds
from service.domain.risk.assess import Assessment, LevelBrief
from service.domain.risk.grounds import LEVELS, Grounds
from service.domain.risk.person import Person, Reading
from service.domain.risk.rules import steadily
from service.domain.risk.stability import APART, Fall, Steady
from service.keys.vault import Vault
from service.prompts import history, shelf, store
from service.prompts.head import COLOURS, Head
from service.prompts.readings import person_of, readings_of
from service.prompts.shelf import Shelf
from service.prompts.story import Line, Story
from service.residents.actions import Profile

Readings = Mapping[str, Sequence[Reading]]

SWITCHED_OFF = LevelBrief(None, None, ())
"""What is found where nothing may be assessed."""


def assessed(profile: Profile, person: Person, readings: Readings, now: datetime) -> Assessment:
    """The assessment, or what is said to somebody who switched automated levels off."""
    if profile.automation:
        return risk.assess(person, readings, now)
    return risk.unassessed(person, readings, now)


def situated(
    profile: Profile, person: Person, readings: Readings, assessment: Assessment, now: datetime
) -> Situation:
    """Whom the rules of care are asked about, on the day it is where they live."""
    return situation(
        person,
        readings,
        assessment,
        birth_date=profile.birth_date,
        zone=ZoneInfo(profile.zone),
        now=now,
    )


@steadily()
def settle(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    held: Shelf,
    *,
    profile: Profile,
    regions: RegionTree,
    rev: int,
    now: datetime,
) -> Head:
    """Assess what is on the shelf; file at `rev` what changed on it, the head and what it tells.

    Head and day of history are written with every assessment, whether or not anything moved: what
    only a change of level would write could be counted by whoever steals it.
    """
    after = _found(held, profile, regions, now)
    told = None
    if after.tells(held.head):
        story = None
        if after.level != held.head.level and after.explanation is not None:
            story = _story(held, after, profile, regions, now)
        told = Line(now.isoformat(), after.level, after.index, story)
    last = store.last(connection, permit) if held.last is None else held.last
    history.tell(connection, vault, permit, told, last=last, rev=rev, now=now)
    fresh = [*held.slots(rev), shelf.sealed_head(vault, permit, after, rev)]
    store.file(connection, permit.subject, fresh)
    return after


def _found(held: Shelf, profile: Profile, regions: RegionTree, now: datetime) -> Head:
    """The head as it is on these frames.

    After a correction nothing is held: the assessments of before looked at what was never so.
    """
    if not profile.automation:
        return held.head.moved(SWITCHED_OFF, now)
    found = readings_of(held.frames.values())
    brief = risk.assess_level(person_of(profile, found, regions), found, now)
    before = replace(held.head, steady=Steady()) if held.corrected else held.head
    return before.moved(brief, now)


def _story(held: Shelf, after: Head, profile: Profile, regions: RegionTree, now: datetime) -> Story:
    assert after.explanation is not None
    before = held.head.level
    if after.level is None:
        cause: grounds.Cause = "no_data" if profile.automation else "switched_off"
        return Story(after.explanation, before, cause, Grounds())
    found = readings_of(held.frames.values())
    person = person_of(profile, found, regions)
    return Story(after.explanation, before, "assessed", grounds.grounds(person, found, now))


def shown(assessment: Assessment, head: Head, *, automation: bool = True) -> dict[str, Any]:
    """The prompt of an assessment with the level that is held, and when it would fall."""
    prompt = assessment.as_prompt()
    # An alarming reading stands above what is held, and ends by another rule.
    fall = head.steady.pending if head.level == head.steady.level else None
    if head.level != assessment.level and fall is not None:
        # The reasons below are of today's readings, so why the level is still another is said.
        prompt["reason"] = _held(assessment.level, fall)
    prompt["level"] = head.level
    prompt["colour"] = None if head.level is None else COLOURS[head.level]
    prompt["explanation"] = None if head.explanation is None else str(head.explanation)
    prompt["pending"] = None if fall is None else _pending(fall)
    prompt["automation"] = automation
    return prompt


def _pending(fall: Fall) -> dict[str, Any]:
    at = fall.at.astimezone(CITY_ZONE)
    name = LEVELS[fall.level]
    return {
        "level": fall.level,
        "colour": COLOURS[fall.level],
        "from": at.isoformat(),
        "text": {
            "zh": f"如果保持下去，{at:%Y-%m-%d}起为{fall.level}级（{name.zh}）。",
            "en": f"Would be {fall.level} ({name.en}) from {at:%Y-%m-%d} if it stays.",
        },
    }


def _held(found: int | None, fall: Fall) -> dict[str, str]:
    waits = _pending(fall)["text"]
    return {
        "zh": f"您现在的数值为{found}级；级别升高立即生效，降低须两次相隔至少"
        f"{APART.days}天的评估一致。{waits['zh']}",
        "en": f"Your values now carry level {found}. A level rises at once and falls when two"
        f" assessments at least {APART.days} days apart agree. {waits['en']}",
    }
