"""What a release says besides its numbers must not depend on the people: bytes, names, work.

Two cities are compared, one of nobody and one of hundreds. Where both measure the same noisy
numbers, everything that follows must be the same to the byte.

Bugs it would catch: an interval, share or status that looks at the true count; a row, column,
member or header that is there for full cells only; a statement, or work, that a reader can time.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event

from service.domain.anonymity import noise
from service.domain.anonymity.cells import Universe
from service.domain.anonymity.noise import Measured
from service.domain.anonymity.rows import Row
from service.domain.anonymity.specification import current
from service.domain.anonymity.tree import Counts
from service.kit.db import Database
from service.releases import actions
from service.releases.store import Artifact
from tests.city_doors import City, open_city
from tests.city_room import People, contribute, make_tables, publish_here, someone, universe

CADENCES = [cadence.id for cadence in current().cadences]
PEOPLE = {"empty": 0, "full": 400}
FREE = re.compile(
    r"\.table\.(sha256|bytes)|\.coverage\[\d+\]\.(participants|share|low|high)|\.previous\.sha256"
)
"""The members of a manifest that may differ: hashes, a size, and what the table says as well."""
RELEASE = "/v1/city/releases/annual-2026"
DOORS = (
    RELEASE,
    f"{RELEASE}/signature",
    f"{RELEASE}/table",
    f"{RELEASE}/table?format=json",
    f"{RELEASE}/table?format=sdmx",
    f"{RELEASE}/cells",
    f"{RELEASE}/cells?metric=smoking&sex=male",
    "/v1/city/releases",
    "/v1/city/budget",
    "/v1/city/specification",
)
STORED = (RELEASE, f"{RELEASE}/table")


def _store(folder: Path, name: str) -> Database:
    db = Database(f"sqlite:///{folder / name}.db")
    make_tables(db)
    contribute(db, [(str(number), someone(number)) for number in range(PEOPLE[name])])
    return db


def _same_noise(exact: Mapping[str, Counts], of: Universe) -> Measured:
    """A draw that happens to measure the same numbers whoever takes part."""
    dice = np.random.default_rng(17)
    found = {}
    for table, shape in of.tables.items():
        budget = of.nano_rho(table)
        drawn = np.zeros(exact[table].shape, np.int64)
        rows = np.flatnonzero(budget)
        # Around zero, so that every way to cut, clip and mark a small number is gone through.
        spread = noise.sigma(int(budget[rows].max()), shape.size)
        drawn[rows] = dice.normal(spread, 2 * spread, drawn[rows].shape)
        found[table] = drawn
    return Measured(found)


def _both(folder: Path, cadence: str) -> list[Artifact]:
    made = []
    for name in PEOPLE:
        db = _store(folder, name)
        made.append(publish_here(db, cadence=cadence))
        db.close()
    return made


@pytest.mark.parametrize("cadence", CADENCES)
def test_the_same_measurements_make_the_same_bytes_whoever_takes_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cadence: str
) -> None:
    """Table, intervals, status, manifest and signature see the people through the noise alone."""
    monkeypatch.setattr(noise, "draw", _same_noise)
    empty, full = _both(tmp_path, cadence)
    assert empty == full


def test_a_status_that_follows_from_the_truth_would_be_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A publisher that leaves out a row where nobody is: the bytes differ, the test above bites."""
    monkeypatch.setattr(noise, "draw", _same_noise)
    whole = actions.make_rows

    def suppressing(universe: Universe, exact: Any) -> list[Row]:
        rows = whole(universe, exact)
        people = int(exact.tables["participation"].sum())
        return rows if people else rows[1:]

    monkeypatch.setattr(actions, "make_rows", suppressing)
    empty, full = _both(tmp_path, "monthly")
    assert empty.csv != full.csv
    assert empty.manifest != full.manifest


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _leaves(member, f"{path}.{name}")
    elif isinstance(value, list):
        yield f"{path}[]", len(value)
        for place, member in enumerate(value):
            yield from _leaves(member, f"{path}[{place}]")
    else:
        yield path, value


@pytest.mark.parametrize("cadence", CADENCES)
def test_manifests_and_tables_differ_in_numbers_only(tmp_path: Path, cadence: str) -> None:
    empty, full = _both(tmp_path, cadence)
    told = [dict(_leaves(json.loads(kept.manifest))) for kept in (empty, full)]
    assert told[0].keys() == told[1].keys()
    differ = {path for path in told[0] if told[0][path] != told[1][path]}
    assert {path for path in differ if not FREE.fullmatch(path)} == set()
    # The size is digits and signs: without numbers and the words that follow from them, nothing.
    bare = [
        re.sub(rb"(?<=,)(-?\d+(\.\d+)?|ok|low_precision|not_published)?(?=[,\r])", b"", kept.csv)
        for kept in (empty, full)
    ]
    assert bare[0] == bare[1]


Cities = dict[str, tuple[City, list[str]]]


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cities]:
    """Both cities with their doors, and the statements each has run: publishing, then reading."""
    folder = tmp_path_factory.mktemp("leaks")
    with ExitStack() as open_doors:
        found: Cities = {}
        for name in PEOPLE:
            db = _store(folder, name)
            open_doors.callback(db.close)
            run: list[str] = []
            event.listen(db.engine, "before_cursor_execute", _noting(run))
            publish_here(db)
            found[name] = open_doors.enter_context(open_city(db)), run
        yield found


def _noting(run: list[str]) -> Callable[..., None]:
    def note(*arguments: Any) -> None:
        run.append(arguments[2])

    return note


def test_publishing_and_reading_run_the_same_statements(cities: Cities) -> None:
    """What the database is asked does not tell whether anybody is there."""
    published = [list(run) for _, run in cities.values()]
    assert published[0] == published[1]
    assert len(published[0]) > 10
    asked = []
    for opened, run in cities.values():
        run.clear()
        for door in DOORS:
            assert opened.get(door).status_code == 200
        asked.append(list(run))
    assert asked[0] == asked[1]
    assert all("contributions" not in statement for statement in asked[0])


def test_answers_have_the_same_headers_and_members(cities: Cities) -> None:
    own = {"etag", "content-length", "x-request-id"}
    for door in DOORS:
        answers = [opened.get(door) for opened, _ in cities.values()]
        headers = [
            {name: value for name, value in answer.headers.items() if name not in own}
            for answer in answers
        ]
        assert headers[0] == headers[1]
        assert [*answers[0].headers] == [*answers[1].headers]
        if "json" in headers[0]["content-type"]:
            told = [[path for path, _ in _leaves(answer.json())] for answer in answers]
            assert told[0] == told[1]


def test_refusals_are_the_same_for_an_empty_city(cities: Cities) -> None:
    """Errors tell what the specification has, not who is in it."""
    for query in ("metric=wealth", "region=990199", "sex=x", "age=0", "level=street", "x=1"):
        answers = [opened.get(f"{RELEASE}/cells?{query}") for opened, _ in cities.values()]
        assert answers[0].status_code == answers[1].status_code == 400
        told = [{k: v for k, v in a.json().items() if k != "request_id"} for a in answers]
        assert told[0] == told[1]


def _work(*steps: Callable[[], object], looks: int) -> list[float]:
    """Processor seconds of each step: the least of looks that take turns, for noise only adds."""
    found: list[list[float]] = [[] for _ in steps]
    for _ in range(looks):
        for step, times in zip(steps, found, strict=True):
            start = process_time()
            step()
            times.append(process_time() - start)
    return [min(times) for times in found]


@pytest.mark.parametrize("door", STORED)
def test_answering_costs_the_same_work_whoever_takes_part(cities: Cities, door: str) -> None:
    """Within twice: these bytes are stored, and a count of people would cost several times more."""
    asks = [lambda one=opened: [one.get(door) for _ in range(8)] for opened, _ in cities.values()]
    work = _work(*asks, looks=12)
    assert max(work) < 2 * min(work)


@pytest.mark.parametrize("cadence", ["monthly", "communities"])
def test_drawing_costs_the_same_work_whoever_takes_part(cadence: str) -> None:
    """Noise of nobody and of a million; the sampler's own chance needs a wide bound."""
    of = universe(4, cadence=cadence)
    nobody = People.random(of, 0).tables
    million = {table: counts + 250_000 for table, counts in nobody.items()}
    work = _work(lambda: noise.draw(nobody, of), lambda: noise.draw(million, of), looks=6)
    assert max(work) < 2 * min(work)
