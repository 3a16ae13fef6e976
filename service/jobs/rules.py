"""Rule packs beside the requests: every process follows the folder, and a pack can be tried first.

A trial assesses everybody who agrees to be counted twice, with the pack in force and with the new
one, and says counts alone: below ten they are withheld, the rest is rounded down to tens, so that
a made-up pack tells nothing of one person.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import DataClass
from service.domain.risk import rules
from service.domain.risk.assess import assess_level
from service.domain.risk.rules import Rules
from service.grants import gate
from service.house import House
from service.jobs.again import again
from service.keys.keyring import Slot
from service.kit.audience import speaking_for
from service.kit.log import log
from service.prompts import actions as prompts
from service.prompts import packs
from service.prompts.readings import PROMPT_CLASSES
from service.residents import actions as residents

LOOK_EVERY = 60.0
"""Seconds after which a process judges by a pack that was activated elsewhere, at the latest."""
BATCH = 200
TEN = 10
Move = tuple[int | None, int | None]


class _Batch(NamedTuple):
    moves: Counter[Move]
    last: UUID | None


@dataclass(frozen=True, slots=True)
class Trial:
    """What a pack would do; counts of residents, `None` where fewer than ten."""

    pack: str
    in_force: str
    residents: int | None
    would_change: int | None
    rise: int | None
    fall: int | None

    def as_facts(self) -> dict[str, Any]:
        """For the command line, with words for what is withheld."""
        counts = {
            "residents": self.residents,
            "would_change": self.would_change,
            "rise": self.rise,
            "fall": self.fall,
        }
        told = {
            name: f"fewer than {TEN}" if count is None else count for name, count in counts.items()
        }
        return {"pack": self.pack, "in_force": self.in_force, **told}


def trial(house: House, wanted: Rules, *, now: datetime) -> Trial:
    """Judge by the pack in force and by `wanted`. Nothing is stored."""
    moves: Counter[Move] = Counter()
    with speaking_for("job"):
        last: UUID | None = None
        while True:

            def job(conn: Connection, after: UUID | None = last) -> _Batch:
                return _tried(conn, house, wanted, after, now)

            batch = house.db.read(job)
            moves += batch.moves
            last = batch.last
            if last is None:
                break
    return _told(wanted, moves)


def _tried(
    conn: Connection, house: House, wanted: Rules, after: UUID | None, now: datetime
) -> _Batch:
    decisions = gate.admit_statistics(conn, house.vault, after=after, limit=BATCH, now=now)
    known = {who: one.permit.revision for who, one in decisions.items() if one.permit is not None}
    house.vault.preload(known, {Slot.PROFILE, *PROMPT_CLASSES})
    moves = Counter(
        _move(conn, house, one.permit, wanted, now)
        for one in decisions.values()
        if one.permit is not None and DataClass.PROFILE in one.permit.classes
    )
    return _Batch(moves, max(decisions, default=None))


def _move(conn: Connection, house: House, permit: Permit, wanted: Rules, now: datetime) -> Move:
    profile = residents.profile(conn, house.vault, permit)
    person, readings = prompts.readings(
        conn, house.vault, permit, regions=house.regions, profile=profile
    )
    before = assess_level(person, readings, now).level
    with rules.under(wanted):
        after = assess_level(person, readings, now).level
    # Only a count leaves, and nobody has seen what it was made of.
    house.vault.openings.keep_back(permit)
    return before, after


def _told(wanted: Rules, moves: Counter[Move]) -> Trial:
    rise = sum(count for (old, new), count in moves.items() if (new or 0) > (old or 0))
    fall = sum(count for (old, new), count in moves.items() if (new or 0) < (old or 0))
    return Trial(
        pack=wanted.pack,
        in_force=rules.in_force().pack,
        residents=_coarse(moves.total()),
        would_change=_coarse(rise + fall),
        rise=_coarse(rise),
        fall=_coarse(fall),
    )


def _coarse(count: int) -> int | None:
    return None if count < TEN else count // TEN * TEN


def follow(house: House) -> None:
    """Judge by the newest pack of the folder from now on."""
    found = packs.newest(house.settings.data, house.system)
    if found.pack != rules.in_force().pack:
        rules.enforce(found)
        log.info("rule pack in force", pack=found.pack)


async def keep_following(house: House) -> None:
    """Follow until cancelled; what goes wrong is logged, and the pack in force stays."""
    await again(house, follow, every=LOOK_EVERY, failed="following rule packs failed")
