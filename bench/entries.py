"""Adding to the access log: `python -m bench.entries`.

Microseconds of processor time an entry, of the client and of the database server together, in
batches of 64 (a full commit group) and of 1,000. The flush of the disk, which a whole batch
shares, takes no processor time worth naming. Beside it stands its raw cost in the same run: the
same rows into a table like `access_log` alone, through the driver in batches of the same size, with
no chain, head or tree.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from itertools import count
from os import urandom
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

from sqlalchemy import Connection, MetaData, Table

from bench import machine
from bench.stage import columns, made_database, postmaster
from bench.trials import Finding
from consent.vocabulary import Action, ActorKind, Purpose
from service.audit import actions, additions
from service.audit.entry import Entry, Head, Logged, link
from service.audit.tables import access_log
from service.kit.bulk import Bulk
from service.kit.clock import utc_now
from service.kit.db import Database
from service.kit.engines import metadata
from tests import postgres

PEOPLE = 2_000
BATCHES = (64, 1_000)
A_ROUND = 8_000
"""Entries of a round, roughly."""
ROUNDS = 3
TARGET = 30.0
_places = count()


def entries() -> list[Finding]:
    """Microseconds an entry on each database, the least of some rounds."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="kangma-log-")))
        server = postgres.start(fsync=True)
        stack.callback(server.stop)
        urls = {"sqlite": f"sqlite:///{folder / 'log.db'}", "postgresql": made_database(server.url)}
        found = []
        for name, url in urls.items():
            with closing(Database(url)) as log:
                metadata.create_all(log.engine)
                bare, people = _bare(log), [uuid4() for _ in range(PEOPLE)]
                _settle(log, people)
                how = log, bare, people, postmaster(server)
                found += [_added(name, size, *how) for size in BATCHES]
        return found


def _bare(log: Database) -> Table:
    bare = access_log.to_metadata(MetaData(), name="bare_entries")
    bare.primary_key.name = "pk_bare_entries"
    bare.create(log.engine)
    return bare


def _settle(log: Database, people: Sequence[UUID]) -> None:
    """A log that has been in use for a while, and of which the planner knows that."""
    for start in range(0, PEOPLE, 64):
        looked_at = _made(people[start : start + 64], len(people[start : start + 64]))
        log.write(lambda conn, looked_at=looked_at: actions.append(conn, looked_at))
    log.write(lambda conn: conn.exec_driver_sql("ANALYZE"))


def _added(
    name: str, size: int, log: Database, bare: Table, people: Sequence[UUID], master: int
) -> Finding:
    statement = Bulk(bare)
    ours, raws = [], []
    for _ in range(ROUNDS):
        made = [_made(people, size) for _ in range(A_ROUND // size)]
        rows = [[additions.row_of(_alone(one, next(_places))) for one in batch] for batch in made]
        spent = _spent(log, made, actions.append, master)
        alone = _spent(log, rows, statement.run, master)
        ours.append(sum(spent))
        raws.append(sum(alone))
        if ours[-1] == min(ours):
            shares = spent
    each = 1e6 / (A_ROUND // size * size)
    detail = {
        "all": [round(one * each, 1) for one in ours],
        "client": round(shares[0] * each, 1),
        "server": round(shares[1] * each, 1),
    }
    what = f"an entry of the access log on {name}, {size:,} at once"
    raw = min(raws) * each
    return Finding(what, min(ours) * each, "us", TARGET, False, raw=raw, detail=detail)


def _spent(
    log: Database,
    batches: Sequence[Sequence[object]],
    add: Callable[[Connection, Sequence[object]], None],
    master: int,
) -> tuple[float, float]:
    """Seconds of processor time, here and in the server, for adding batches and committing each."""
    before, began = machine.single_threaded(master), time.process_time()
    for batch in batches:
        log.write(lambda conn, batch=batch: add(conn, batch))
    return time.process_time() - began, machine.single_threaded(master) - before


def _made(people: Sequence[UUID], size: int) -> list[Entry]:
    """Entries as doctors' looks leave them, no two alike."""
    number = int.from_bytes(urandom(2), "big")
    return [
        Entry(
            at=utc_now(),
            actor_kind=ActorKind.PRACTITIONER,
            actor_id="7f3b1c62-0a52-4a0e-9c55-5f3f4b1f0d11",
            actor_name="王医生",
            on_behalf_of="第一社区卫生服务中心",
            subject=people[(number + place) % len(people)],
            action=Action.READ,
            purpose=Purpose.CARE,
            classes=urandom(200),
            decision="allow",
            rule="signed-doctor",
            grant_id=UUID(int=77),
            revision=4,
            request_id=str(uuid4()),
            row_count=12,
        )
        for place in range(size)
    ]


def _alone(entry: Entry, place: int) -> Logged:
    """An entry as the first of a chain of its own, so that rows of any batch go together."""
    return Logged(entry, link(entry, Head(place), place))


def table(found: Sequence[Finding]) -> str:
    head = ["what", "result", "target", "raw cost alone", "result : raw", "detail"]
    rows = [
        [
            one.name,
            f"{one.value:.1f} us",
            f"≤ {one.target:.0f}",
            f"{one.raw:.1f} us",
            f"{one.value / one.raw:.1f}",
            str(one.detail),
        ]
        for one in found
        if one.raw and one.target
    ]
    return columns([head, *rows])


if __name__ == "__main__":
    print(table(entries()))
