"""What an assessment costs: the level alone, everything a prompt says, and a whole city again.

Needs no service: `python -m bench.assessing` runs this alone. Times are of the processor, because
an assessment waits for nothing. The people are those of the property tests: most measures there,
three in ten of them ill, so that the search for the way back has something to look for.
"""

import time
from collections.abc import Callable, Sequence
from statistics import mean, quantiles

from bench.trials import Finding
from service.domain.risk.assess import assess, assess_level
from service.domain.risk.current import facts_of
from service.domain.risk.person import Person
from tests.unit.risk.people import NOW, Readings, person, some_readings

PEOPLE = 2_000
CITY = 100_000
Resident = tuple[Person, Readings]


def assessments() -> list[Finding]:
    """Microseconds a resident, and seconds for a city; raw is the reading of the facts alone."""
    residents = [(person(seed, 18, 95), some_readings(seed)) for seed in range(PEOPLE)]
    facts = _each(residents, lambda who, found: facts_of(who, found, NOW, 50))
    level = _each(residents, lambda who, found: assess_level(who, found, NOW))
    whole = _each(residents, lambda who, found: assess(who, found, NOW))
    texts = _each(residents, lambda who, found: assess(who, found, NOW, paths=False))
    return [
        _of("the level alone", level, 200, facts),
        _of("a full assessment, with the way back", whole, 2_000, facts),
        _of("a full assessment without the way back", texts, None, facts),
        Finding(
            f"{CITY:,} opened states stratified again",
            _again(residents),
            "s",
            60,
            more_is_better=False,
            raw=mean(facts) * CITY,
            detail={"different residents": PEOPLE},
        ),
    ]


def _again(residents: Sequence[Resident]) -> float:
    """Seconds for a city of `CITY`, those residents over and over."""
    began = time.process_time()
    for _ in range(CITY // len(residents)):
        for who, found in residents:
            assess_level(who, found, NOW)
    return time.process_time() - began


def _each(residents: Sequence[Resident], run: Callable[[Person, Readings], object]) -> list[float]:
    """Seconds for each resident; the better of two passes over all of them."""
    best = [float("inf")] * len(residents)
    for _ in range(2):
        for number, (who, found) in enumerate(residents):
            began = time.process_time()
            run(who, found)
            best[number] = min(best[number], time.process_time() - began)
    return best


def _of(name: str, seconds: list[float], target: float | None, raw: list[float]) -> Finding:
    return Finding(
        name,
        mean(seconds) * 1e6,
        "us a resident",
        target,
        more_is_better=False,
        raw=mean(raw) * 1e6,
        detail={"99th percentile": f"{quantiles(seconds, n=100)[98] * 1e6:,.0f} us"},
    )


if __name__ == "__main__":
    for finding in assessments():
        print(f"{finding.value:10,.1f} {finding.unit:14} {finding.name} {finding.detail}")
