"""What a decision costs, beside the least it could: one keyed hash and two objects.

Needs no service: `python -m bench.policy` runs this alone. Times are of the processor, the least of
many short rounds, because a decision waits for nothing.
"""

import hashlib
import time
import timeit
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bench.trials import Finding
from consent.decision import Decision, Permit
from consent.grant import Grant, Grantee
from consent.grants import Grants
from consent.request import AccessRequest, Actor, Facts
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, DataClass, GranteeKind, Purpose
from service.grants.gate import decide

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
RESIDENT, DOCTOR = UUID(int=2**127 + 1), str(UUID(int=2**127 + 2))
FACTS = Facts("active", 7, contract_in_force=True, stepped_up=False, deny_all=False)
COUNT = 20
BY_DOCTOR = AccessRequest(
    Actor(ActorKind.PRACTITIONER, DOCTOR, 2), RESIDENT, Purpose.CARE, Action.READ, ALL_CLASSES
)
BY_RESIDENT = AccessRequest(
    Actor(ActorKind.RESIDENT, str(RESIDENT)),
    RESIDENT,
    Purpose.SELF_CARE,
    Action.READ,
    ALL_CLASSES,
)


def decisions() -> list[Finding]:
    """Microseconds a decision, permit and seal included."""
    few, all_ = _grants(naming=3), _grants(naming=COUNT)
    permit = decide(BY_DOCTOR, few, FACTS, NOW).permit
    if permit is None:
        raise RuntimeError("nothing was permitted")
    floor = _least(_floor(permit))
    kept = f"decide at {COUNT} grants kept open"
    return [
        _of(f"{kept}, 3 of them the asker's", _asked(Grants(few)), floor, target=3.0),
        _of(f"{kept}, all of them the asker's", _asked(Grants(all_)), floor, target=3.0),
        _of("decide at 20 grants just opened, 3 of them the asker's", _asked(few), floor),
        _of("decide at 20 grants just opened, all of them the asker's", _asked(all_), floor),
        _of("decide on one's own record", lambda: decide(BY_RESIDENT, (), FACTS, NOW), floor),
        _of("refuse a doctor without a grant", _asked(Grants()), None),
        _of("verify a permit", lambda: permit.verify(NOW), None),
    ]


def _asked(grants: Iterable[Grant]) -> Callable[[], Decision]:
    return lambda: decide(BY_DOCTOR, grants, FACTS, NOW)


def _grants(*, naming: int) -> list[Grant]:
    return [
        Grant(
            id=UUID(int=number),
            version=1,
            grantee=Grantee(GranteeKind.PRACTITIONER, DOCTOR if number < naming else str(number)),
            purposes=frozenset({Purpose.CARE}),
            data_classes=frozenset(list(DataClass)[number % 5 : number % 5 + 4]),
            actions=frozenset({Action.READ}),
            observations_from=None,
            observations_to=None,
            valid_from=NOW - timedelta(days=number),
            valid_until=NOW + timedelta(days=number + 1),
            separate_consent=ALL_CLASSES,
        )
        for number in range(COUNT)
    ]


class _Plain:
    __slots__ = ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l")


def _floor(permit: Permit) -> Callable[[], object]:
    """A keyed BLAKE2b of as many bytes as a permit has, and two objects of as many fields."""
    key, message = bytes(32), bytes(190)
    fields = [getattr(permit, name) for name in permit.__dataclass_fields__]
    first, second, *_ = fields

    def least() -> object:
        hashlib.blake2b(message, key=key, digest_size=32).digest()
        for _ in range(2):
            one = _Plain()
            one.a = one.b = one.c = one.d = one.e = one.f = first
            one.g = one.h = one.i = one.j = one.k = one.l = second
        return one

    return least


def _of(
    name: str, run: Callable[[], object], raw: float | None, target: float | None = None
) -> Finding:
    return Finding(name, _least(run), "us", target, more_is_better=False, raw=raw)


def _least(run: Callable[[], object]) -> float:
    number, rounds = 2000, 50
    return min(timeit.repeat(run, number=number, repeat=rounds, timer=time.process_time)) / (
        number * 1e-6
    )


if __name__ == "__main__":
    for finding in decisions():
        share = "" if finding.raw is None else f"{finding.value / finding.raw:5.1f} x the floor"
        print(f"{finding.value:7.2f} us  {share:18}  {finding.name}")
