"""Moving fictional people in: the same use cases that HTTP calls, without the HTTP.

A history is logged in a few sittings with the clock set back, so that levels and their changes
carry honest dates. Everybody shares one password, hashed once: hashing two thousand at full cost
would be most of the start.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action
from service.cli.demo.population import Person
from service.grants import actions as grants
from service.grants import gate, signing
from service.grants.terms import Offer
from service.house import House
from service.identity import actions as identity
from service.kit.audience import speaking_for
from service.kit.clock import utc_now
from service.kit.ids import new_id
from service.panel import actions as panel
from service.prompts import actions as prompts
from service.records import actions as records
from service.records import series
from service.residents import actions as residents
from service.residents.actions import Profile

GROUP = 25
SITTINGS = (timedelta(days=480), timedelta(days=240), timedelta(0))
"""How long ago each part of a history was logged, oldest first."""
CARE_CLASSES = ("lifestyle", "fitness", "body", "screening", "conditions")
STATISTICS_CLASSES = ("lifestyle", "body", "screening", "conditions")


@dataclass
class SetBack:
    """A clock that can be set back while histories are being told."""

    back: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() - self.back


def move_in(
    house: House,
    clock: SetBack,
    people: Iterable[Person],
    *,
    password_hash: str,
    doctors: Sequence[UUID],
    arrived: Callable[[int], None],
) -> None:
    """Register people in groups, tell their histories, sign contracts and give grants."""
    waiting = iter(people)
    while group := list(islice(waiting, GROUP)):
        ids = [new_id() for _ in group]
        house.vault.create_many(ids)
        pairs = list(zip(ids, group, strict=True))
        for sitting, back in enumerate(SITTINGS):
            clock.back = back
            first, last = sitting == 0, sitting == len(SITTINGS) - 1

            def job(
                conn: Connection,
                first: bool = first,
                last: bool = last,
                pairs: list[tuple[UUID, Person]] = pairs,
            ) -> None:
                for resident, person in pairs:
                    if first:
                        _register(conn, house, resident, person, password_hash)
                    _tell(conn, house, resident, _part(person, house.clock(), first))
                    if last:
                        _agree(conn, house, resident, person, doctors)

            with speaking_for("resident"):
                house.db.write(job)
        for resident in ids:
            house.vault.forget(resident)
        arrived(len(group))


def _register(
    conn: Connection, house: House, resident: UUID, person: Person, password_hash: str
) -> None:
    residents.begin(conn, resident)
    permit = _own(conn, house, resident)
    profile = Profile(person.name, person.birth_date, person.sex, person.region)
    residents.register(conn, house.vault, permit, profile=profile)
    prompts.open_file(conn, house.vault, permit)
    tag = identity.tag_of(house.system, person.login)
    identity.sign_up(conn, tag, resident=resident, password_hash=password_hash)


def _part(person: Person, now: datetime, first: bool) -> Iterator[dict[str, Any]]:
    """What the person logged up to `now` and had not told in an earlier sitting."""
    before = None if first else _previous(now)
    for record in person.records:
        start = datetime.fromisoformat(record["start"])
        if start <= now and (before is None or start > before):
            yield record


def _previous(now: datetime) -> datetime:
    gaps = {SITTINGS[i]: SITTINGS[i - 1] - SITTINGS[i] for i in range(1, len(SITTINGS))}
    back = min(SITTINGS, key=lambda one: abs(utc_now() - one - now))
    return now - gaps[back]


def _tell(conn: Connection, house: House, resident: UUID, part: Iterable[dict[str, Any]]) -> None:
    entries = list(part)
    if not entries:
        return
    now = house.clock()
    permit = _own(conn, house, resident)
    profile = residents.profile(conn, house.vault, permit)
    results = records.log(conn, house.vault, permit, entries, now, profile=profile)
    changes = [one.change for one in results if one.change is not None]
    prompts.note(
        conn,
        house.vault,
        permit,
        profile=profile,
        regions=house.regions,
        changes=changes,
        rev=max((one.rev or 0 for one in results), default=0),
        now=now,
    )


def _agree(
    conn: Connection, house: House, resident: UUID, person: Person, doctors: Sequence[UUID]
) -> None:
    now = house.clock()
    if person.steps:
        permit = _own(conn, house, resident)
        days = [
            {
                "measure": "steps",
                "day": day.isoformat(),
                "source": {"kind": "device", "name": "手环"},
                "t": [hour * 3600 for hour in range(24)],
                "v": counts,
            }
            for day, counts in person.steps.items()
        ]
        profile = residents.profile(conn, house.vault, permit)
        series.append(conn, house.vault, permit, days, now, profile=profile)
    if person.contract and doctors:
        signing.sign(
            conn,
            house.vault,
            _own(conn, house, resident),
            doctor=doctors[doctor_of(person, len(doctors))],
            package="基础包",
            data_classes=CARE_CLASSES,
            now=now,
            stepped_up=True,
        )
        panel.regroup(conn, house.vault, resident=resident, regions=house.regions, now=now)
    if person.statistics:
        offer = Offer(
            "service", "statistics", ["statistics"], STATISTICS_CLASSES, separate_consent=True
        )
        grants.give(conn, house.vault, _own(conn, house, resident), offer=offer, now=now)


def doctor_of(person: Person, doctors: int) -> int:
    """Which of the doctors a person signs with: by the number in their login."""
    return int(person.login[-4:]) % doctors


def _own(conn: Connection, house: House, resident: UUID) -> Permit:
    return gate.own(conn, house.vault, resident=resident, action=Action.WRITE, now=house.clock())
