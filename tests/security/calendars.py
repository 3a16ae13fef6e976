"""When people of a small town use the service, and for what: nothing here knows their health.

A calendar is lived by several residents at the same instants. Whatever a thief counts of them that
differs, differs because of what they reported.
"""

import random
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

Act = Literal[
    "log", "samples", "read", "correct", "delete", "look", "list", "code", "glass", "close",
    "appeal", "answer", "ask", "accept", "passkey", "refresh", "child", "agree", "sign",
]  # fmt: skip
KINDS = ("pressure", "lipids", "sugar", "habits", "screen", "serology", "illness")
START = datetime(2026, 9, 14, 0, 0, tzinfo=UTC)
APART = timedelta(days=15)
"""Between two rounds: a level falls when assessments more than fourteen days apart agree."""
RARE: tuple[tuple[Act, ...], ...] = (
    ("glass", "code", "ask"),
    ("appeal", "passkey"),
    ("glass", "close", "child"),
    ("child", "code", "refresh"),
    ("appeal", "answer", "ask", "accept"),
)
"""What only some do: each calendar has one of these beside what it has by chance."""
PACKAGES = (
    ("body",),
    ("body", "screening"),
    ("body", "screening", "lifestyle"),
    ("body", "screening", "infectious", "conditions"),
)


@dataclass(frozen=True)
class Deed:
    """One act of a calendar; `round` says of which visit what is reported is."""

    at: datetime
    act: Act
    round: int
    kinds: tuple[tuple[str, int], ...] = ()
    """For `log`: what is reported, each with the length of its note."""
    days: int = 0
    """For `samples`: so many days of steps and heart rates, the last one yesterday's."""


@dataclass
class Calendar:
    """Who somebody is and what they do when.

    `doctor` is the number of the doctor they sign with, `device` what they call what they wear: of
    every length, so that records come to lie at the edges of what they are padded to.
    """

    born: str
    sex: str
    doctor: int | None
    classes: tuple[str, ...]
    agrees: bool
    device: str
    deeds: list[Deed] = field(default_factory=list)


def calendars(number: int, rounds: int, dice: random.Random, doctors: int = 3) -> list[Calendar]:
    """So many ways of using the service over `rounds` visits, fifteen days or more apart."""
    return [_calendar(at, rounds, dice, doctors) for at in range(number)]


def _calendar(at: int, rounds: int, dice: random.Random, doctors: int) -> Calendar:
    made = Calendar(
        born=f"{dice.randrange(1946, 1990)}-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02}",
        sex=dice.choice(("female", "male")),
        doctor=None if at % 4 == 3 else at % doctors,
        classes=dice.choice(PACKAGES),
        agrees=at % 5 < 3,
        device="b" * dice.randrange(1, 60),
    )
    for number in range(rounds):
        made.deeds += _round(made, number, dice, rare=RARE[at % len(RARE)])
    made.deeds.sort(key=lambda deed: deed.at)
    return made


def _round(of: Calendar, number: int, dice: random.Random, rare: Collection[Act]) -> list[Deed]:
    """A visit: what is logged, and what else happens in the days around it."""
    day = START + number * APART + timedelta(days=dice.randrange(4))
    at = day + timedelta(minutes=dice.randrange(60, 700), seconds=dice.randrange(60))
    deeds: list[Deed] = []

    def then(act: Act, chance: float, *, possible: bool = True, **more: object) -> None:
        nonlocal at
        if not possible:
            return
        if dice.random() < chance or act in rare:
            at += timedelta(seconds=dice.randrange(20, 4000))
            deeds.append(Deed(at, act, number, **more))  # type: ignore[arg-type]

    signed = of.doctor is not None
    if number == 0:
        then("sign", 1, possible=signed)
        then("agree", 1, possible=of.agrees)
        then("passkey", 0)
        then("child", 0)
    then("log", 1, kinds=_reported(number, dice))
    then("samples", 0.5, days=dice.randrange(1, 3))
    then("read", 0.6)
    then("refresh", 0.3)
    then("code", 0.2)
    then("correct", 0.15)
    then("look", 0.3, possible=signed)
    then("list", 0.15, possible=signed)
    if number == 1:
        then("glass", 0)
        then("close", 0.4)
        then("appeal", 0)
        then("answer", 0.4, possible=signed)
    if number == 2:
        then("delete", 0.2)
        then("ask", 0, possible=signed or "code" in rare)
        then("accept", 0.5)
    at += timedelta(days=dice.randrange(1, 5))
    # The owner comes back without anything new: time alone may have moved the level.
    then("read", 0.4)
    then("log", 0.4, kinds=_reported(number, dice, most=2))
    then("look", 0.15, possible=signed)
    return deeds


def _reported(number: int, dice: random.Random, most: int = 4) -> tuple[tuple[str, int], ...]:
    """What is measured at a visit: at the first one everything, later a part of it."""
    kinds = KINDS if number == 0 and most > 2 else ("pressure", *dice.sample(KINDS, k=most - 1))
    return tuple((kind, dice.choice((0, dice.randrange(90)))) for kind in kinds)
