"""The ledger under `kill -9`: two publishers at once, killed before and after every step they take.

Bugs it would catch: noise drawn before its charge is committed, a charge that is taken twice or
handed back after a crash, a second artifact in the place of the first, a redraw that the ledger
does not count, a cap that two publishers pass together.
"""

import json
import os
import select
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Connection

from service.domain.anonymity.specification import current
from service.kit.db import Database
from service.releases import actions, artifact, store
from tests.city_room import contribute, make_tables, publish_here, someone

ROOT = Path(__file__).resolve().parents[2]
CADENCES = ("monthly", "monthly", "quarterly", "communities", "annual")
"""Monthly twice: it is the quickest, and most releases of a year are monthly."""
LAST_STEP = 52
"""A run that nobody disturbs takes about so many steps."""
MONTHS = 12
KILLED = 9


@dataclass
class Watch:
    """What a reader has seen over a whole run; every look compares with all earlier ones."""

    db: Database
    diary: Path
    seen: dict[str, str] = field(default_factory=dict)
    looks: int = 0

    def look(self) -> None:
        """As a reader: what was readable once stays byte for byte."""
        self.looks += 1
        for release_id, manifest, signature in self.db.read(store.manifests):
            kept = self.db.read(lambda conn, one=release_id: store.artifact(conn, one))
            assert kept is not None
            assert (kept.manifest, kept.signature) == (manifest, signature)
            shown = artifact.sha256(kept.csv) + artifact.sha256(kept.manifest)
            assert self.seen.setdefault(release_id, shown) == shown

    def audit(self) -> None:
        """As an auditor: the ledger covers everything that was drawn, published or returned."""
        self.look()
        ledger = {c.release_id: (c, tries, out) for c, tries, out in self.db.read(store.ledger)}
        notes = [line.split(" ") for line in self.diary.read_text().splitlines()]
        drawn = Counter(note[1] for note in notes if note[0] == "drawn")
        assert drawn.keys() | self.seen.keys() <= ledger.keys()
        for release_id, times in drawn.items():
            assert times <= ledger[release_id][1]
        for kind, release_id, told in notes:
            if kind == "returned":
                assert told == self.seen[release_id]
        for release_id, manifest, _ in self.db.read(store.manifests):
            assert ledger[release_id][2]
            assert 1 <= json.loads(manifest)["attempt"] <= ledger[release_id][1]
        spent: Counter[str] = Counter()
        for charge, _, _ in ledger.values():
            spec = current()
            cadence = charge.release_id.partition("-")[0]
            assert charge.nano_rho == spec.release_nano_rho(spec.cadence(cadence))
            spent[charge.scope] += charge.nano_rho
            spent[store.LIFETIME] += charge.nano_rho
        for budget in self.db.read(store.all_budgets):
            assert spent.pop(budget.scope, 0) == budget.spent_nano_rho <= budget.cap_nano_rho
        assert not spent
        assert self.db.read(actions.verify_chain) == len(self.seen)


class Nursery:
    """The process that bears publishers, and a look at the ledger while they live and die."""

    def __init__(self, process: "subprocess.Popen[str]", watch: Watch) -> None:
        self.is_careless = False
        self._process = process
        self._watch = watch

    def round(self, *publishers: tuple[str, date, int | None]) -> list[int]:
        """(cadence, as of, step to die before) of each; their wait statuses."""
        asked = {
            "cadences": [cadence for cadence, _, _ in publishers],
            "as_of": [day.isoformat() for _, day, _ in publishers],
            "steps": [step for _, _, step in publishers],
            "careless": self.is_careless,
        }
        given, answer = self._process.stdin, self._process.stdout
        assert given is not None
        assert answer is not None
        given.write(json.dumps(asked) + "\n")
        given.flush()
        while not select.select([answer], [], [], 0.1)[0]:
            self._watch.look()
        found: list[int] = json.loads(answer.readline())
        return found


@contextmanager
def _nursery(db: Database, url: str, folder: Path) -> Iterator[tuple[Nursery, Watch]]:
    make_tables(db)
    contribute(db, [(str(number), someone(number)) for number in range(40)])
    watch = Watch(db, folder / "diary")
    watch.diary.touch()
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.privacy.nursery", url, str(watch.diary)],
        cwd=ROOT,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Nursery(process, watch), watch
        finally:
            process.kill()


def _day(number: int) -> date:
    return date(2026 + number // MONTHS, number % MONTHS + 1, 28)


def _kill(nursery: Nursery, watch: Watch, dice: Random, wanted: int) -> Counter[str]:
    """Rounds of two publishers, mostly of one release, until so many of them were killed."""
    told: Counter[str] = Counter()
    month = 0
    while told["killed"] < wanted:
        first = dice.choice(CADENCES)
        second = first if dice.random() < 0.7 else dice.choice(CADENCES)
        steps: list[int | None] = [dice.randint(1, LAST_STEP), dice.randint(1, LAST_STEP)]
        if dice.random() < 0.3:
            steps[dice.randrange(2)] = None
        statuses = nursery.round(
            *((c, _day(month), s) for c, s in zip((first, second), steps, strict=True))
        )
        told["rounds"] += 1
        for status in statuses:
            died = os.WIFSIGNALED(status)
            assert status == 0 or (died and os.WTERMSIG(status) == KILLED), status
            told["killed" if died else "published"] += 1
        if told["rounds"] % 8 == 0:
            watch.audit()
        if all(status == 0 for status in statuses) or dice.random() < 0.2:
            month += 1
    watch.audit()
    ledger = watch.db.read(store.ledger)
    told["charged"] = len(ledger)
    told["released"] = sum(out for _, _, out in ledger)
    told["redraws"] = sum(tries - 1 for _, tries, _ in ledger)
    told["looks"] = watch.looks
    return told


def test_twenty_kills_leave_the_ledger_true(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    with _nursery(database, database_url, tmp_path) as (nursery, watch):
        told = _kill(nursery, watch, Random(11), 20)
    assert told["redraws"] > 0
    assert told["released"] > 0


def test_the_last_release_a_budget_pays_for_is_refused_to_nobody(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second publisher that comes while the first one spends waits for it and finds its charge.

    Bug it would catch: the second publisher spends for the same release and meets the cap.
    """
    make_tables(database)
    cost = current().release_nano_rho(current().cadence("monthly"))
    for scope in (store.LIFETIME, "year:2026"):
        database.write(lambda conn, one=scope: store.open_budget(conn, one, cost))
    other = Database(database_url)
    whole = store.spend
    with ThreadPoolExecutor(1) as pool:
        second: list[Future[store.Artifact]] = []

        def spending(conn: Connection, scope: str, nano_rho: int) -> bool:
            if not second:
                second.append(pool.submit(publish_here, other, cadence="monthly"))
                wait(second, 0.4)
            return whole(conn, scope, nano_rho)

        monkeypatch.setattr(store, "spend", spending)
        assert publish_here(database, cadence="monthly") == second[0].result()
    other.close()


def test_the_audit_finds_a_publisher_that_redraws_in_secret(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'kangma.db'}"
    db = Database(url)
    with _nursery(db, url, tmp_path) as (nursery, watch):
        nursery.is_careless = True
        nursery.round(("monthly", _day(0), None))
        with pytest.raises(AssertionError):
            watch.audit()
    db.close()


@pytest.mark.slow
def test_two_hundred_kills_leave_the_ledger_true(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    with _nursery(database, database_url, tmp_path) as (nursery, watch):
        told = _kill(nursery, watch, Random(), 200)
    # The figures of the run, shown with -s.
    print(dict(told))
    assert told["redraws"] > 20
    assert told["released"] > 5


def test_two_publishers_exhaust_a_budget_and_not_a_billionth_more(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """The lifetime pays for three monthly releases and a bit; both publishers want six each."""
    cost = current().release_nano_rho(current().cadence("monthly"))
    with _nursery(database, database_url, tmp_path) as (nursery, watch):
        database.write(lambda conn: store.open_budget(conn, store.LIFETIME, 4 * cost - 1))
        ended: Counter[int] = Counter()
        for month in range(6):
            pair = (("monthly", _day((month + late) % 7), None) for late in (0, 1))
            ended.update(os.WEXITSTATUS(status) for status in nursery.round(*pair))
        watch.audit()
        charged = [charge.release_id for charge, _, _ in watch.db.read(store.ledger)]
        notes = watch.diary.read_text()
    assert len(charged) == len(watch.seen) == 3
    assert ended[1] == 0
    assert ended[3] == notes.count(" budget-spent") > 0
