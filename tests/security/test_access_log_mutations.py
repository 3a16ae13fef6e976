"""Whoever writes to the database behind the service's back: no single change goes unnoticed.

A log of 300 entries with checkpoints is changed in every way of a systematic list, one at a time,
and proven again: each column of each table at the edges and in the middle with several kinds of
values, every deletion, exchange, truncation and insertion, and logs rewritten with all hashes.
Each must be found and named, none may be missed; before and after the log must be proven intact.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID, uuid5

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import (
    Connection,
    Table,
    delete,
    insert,
    select,
    update,
)

from service.audit import additions, store
from service.audit import checkpoint as checkpoints
from service.audit.entry import Head, Logged, link
from service.audit.tables import (
    access_buckets,
    access_checkpoints,
    access_heads,
    access_log,
    access_nodes,
    access_tree,
)
from service.audit.verification import Breach
from service.kit.db import Database
from tests.attacked_log_room import (
    COUNT,
    DAILY,
    PLACES,
    SUBJECTS,
    Mutation,
    at,
    by_leaf,
    cells,
    check,
    entry,
    everything,
    filled_log,
    raw,
)
from tests.audit_room import NOW


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Database]:
    with filled_log(request.param, tmp_path_factory.mktemp("log")) as opened:
        yield opened


@pytest.mark.parametrize("place", [pytest.param(one, marks=pytest.mark.slow) for one in PLACES])
def test_no_cell_of_an_entry_anywhere_can_be_changed(log: Database, place: int) -> None:
    _check_cells(log, place)


def test_no_cell_of_an_entry_can_be_changed(log: Database) -> None:
    for place in DAILY[log.dialect]:
        _check_cells(log, place)


def _check_cells(log: Database, place: int) -> None:
    entries = by_leaf(log)
    one, other = entries[place], entries[(place + 77) % COUNT]
    mutations = cells(log, access_log, at(one), at(other), entry(one))
    assert {change.name.split(" ")[0] for change in mutations} == set(map(str, access_log.c))
    moved = {"access_log.resident_id", "access_log.seq"}
    # An entry that was moved is named where it is missing or where it turned up.
    loose = [
        change._replace(names=lambda breach: True) if change.name.split(" ")[0] in moved else change
        for change in mutations
    ]
    check(log, loose, refused=8)


def test_an_entry_moved_is_named_where_it_was_or_where_it_is(log: Database) -> None:
    entries = by_leaf(log)
    for place in PLACES:
        one = entries[place]
        for subject, seq in ((SUBJECTS[0], 9_999), (one.entry.subject, 9_999)):
            there = one._replace(link=one.link._replace(seq=seq))
            target = (subject, seq)

            def named(breach: Breach, one: Logged = one, target: Any = target) -> bool:
                last = sum(1 for other in entries if other.entry.subject == target[0])
                return entry(one)(breach) or (breach.subject, breach.seq) == (target[0], last + 1)

            move = update(access_log).where(at(one)).values(resident_id=subject, seq=seq)
            check(log, [Mutation(f"moved {there}", lambda conn, m=move: conn.execute(m), named)])


def test_no_cell_of_a_head_can_be_changed(log: Database) -> None:
    mutations = []
    for subject, other in zip(SUBJECTS, SUBJECTS[1:] + SUBJECTS[:1], strict=True):
        ids = access_heads.c.resident_id
        mutations += cells(
            log,
            access_heads,
            ids == subject,
            ids == other,
            lambda breach: breach.subject is not None,
        )
    check(log, mutations, refused=len(SUBJECTS))


def test_no_cell_of_what_is_kept_about_the_whole_can_be_changed(log: Database) -> None:
    number, level = access_checkpoints.c.number, access_nodes.c.level
    first, second = number == 1, number == 2
    mutations = [
        *cells(
            log, access_checkpoints, first, second, lambda breach: breach.checkpoint is not None
        ),
        *cells(
            log, access_checkpoints, second, first, lambda breach: breach.checkpoint is not None
        ),
        *cells(log, access_tree, access_tree.c.id == 1, access_tree.c.id == 1, lambda breach: True),
        *cells(
            log, access_nodes, level == 1, level == 1, lambda breach: breach.leaf in (0, 255, 256)
        ),
        *cells(
            log,
            access_buckets,
            access_buckets.c.checkpoint == 2,
            access_buckets.c.checkpoint == 2,
            lambda breach: breach.checkpoint == 2,
        ),
    ]
    check(log, mutations, refused=4)


# -- whole rows ----------------------------------------------------------------------------------


def test_every_single_entry_deleted_is_named(log: Database) -> None:
    check(
        log,
        [
            Mutation(
                f"delete {one.link.leaf}",
                lambda conn, one=one: conn.execute(delete(access_log).where(at(one))),
                entry(one),
            )
            for one in by_leaf(log)[:: 1 if log.dialect == "sqlite" else 10]
        ],
    )


@pytest.mark.parametrize(
    "table", [access_heads, access_tree, access_nodes, access_checkpoints, access_buckets]
)
def test_every_other_row_deleted_is_found(log: Database, table: Table) -> None:
    keys = list(table.primary_key.columns)
    rows = log.read(lambda conn: conn.execute(select(*keys)).all())
    check(
        log,
        [
            Mutation(
                f"delete {table.name} {row}",
                lambda conn, row=row: conn.execute(
                    delete(table).where(
                        *(key == value for key, value in zip(keys, row, strict=True))
                    )
                ),
                lambda breach: True,
            )
            for row in rows
        ],
    )


def test_rows_added_to_what_is_kept_about_the_whole_are_found(log: Database) -> None:
    stranger = uuid5(UUID(int=0), "nobody")
    forger = Ed25519PrivateKey.generate()
    text = checkpoints.sign(
        checkpoints.Checkpoint(3, 300, bytes(32), bytes(32), bytes(32), NOW),
        kid="audit-1",
        key=forger,
        issuer="https://kangma.test",
    )
    rows: list[tuple[Table, dict[str, Any]]] = [
        (access_heads, {"resident_id": stranger, "seq": 1, "hash": bytes(32)}),
        (access_tree, {"id": 2, "size": 0, "edge": b"", "checkpoints": 0}),
        (access_nodes, {"level": 1, "number": 1, "hash": bytes(32)}),
        (access_nodes, {"level": 0, "number": 1, "hash": bytes(32)}),
        (access_nodes, {"level": 2, "number": 0, "hash": bytes(32)}),
        (access_checkpoints, {"number": 3, "size": 300, "at": NOW, "text": text}),
        (access_checkpoints, {"number": 0, "size": 0, "at": NOW, "text": text}),
        (access_buckets, {"checkpoint": 1, "hashes": b""}),
    ]
    check(
        log,
        [
            Mutation(
                f"insert {table.name}",
                lambda conn, table=table, row=row: conn.execute(insert(table).values(row)),
                lambda breach: True,
            )
            for table, row in rows
        ],
    )


def test_an_entry_slipped_in_is_named(log: Database) -> None:
    """At the end of a chain, rightly linked, but without the head and the tree going along."""
    mutations = []
    for subject in SUBJECTS:
        last = max(
            (one for one in everything(log) if one.entry.subject == subject),
            key=lambda one: one.link.seq,
        )
        forged = last._replace(link=link(last.entry, Head(last.link.seq, last.link.hash), COUNT))
        mutations.append(
            Mutation(
                f"slipped in {forged.link.seq}",
                lambda conn, forged=forged: conn.execute(
                    insert(access_log).values(
                        {
                            column: raw(access_log.c[column], value)
                            for column, value in additions.row_of(forged).items()
                        }
                    )
                ),
                entry(forged),
            )
        )
    check(log, mutations)


# -- exchanges -----------------------------------------------------------------------------------


def exchange(one: Logged, other: Logged, columns: Sequence[str]) -> Callable[[Connection], object]:
    """The named cells of two entries change places."""

    def swap(conn: Connection) -> None:
        raws = [store._raw(access_log.c[column]).label(f"x_{column}") for column in columns]
        rows = [conn.execute(select(*raws).where(at(each))).one() for each in (one, other)]
        # Out of the way first: places in the tree are unique.
        conn.execute(update(access_log).where(at(one)).values(leaf=10**9))
        for each, row in ((other, rows[0]), (one, rows[1])):
            cells_ = {
                name: raw(access_log.c[name], value)
                for name, value in zip(columns, row, strict=True)
            }
            conn.execute(update(access_log).where(at(each)).values(cells_))
        if "leaf" not in columns:
            conn.execute(update(access_log).where(at(one)).values(leaf=one.link.leaf))

    return swap


def test_exchanged_entries_are_named(log: Database) -> None:
    entries = by_leaf(log)
    everything_else = [one.name for one in access_log.c if one.name not in ("resident_id", "seq")]
    mutations = []
    for left, right in ((0, 6), (0, 1), (113, 119), (119, 120), (250, 256), (255, 256), (293, 299)):
        one, other = entries[left], entries[right]
        for columns in (everything_else, ["leaf"], ["previous_hash", "hash"], ["leaf", "hash"]):
            name = f"exchange {columns} of {left} and {right}"
            mutations.append(Mutation(name, exchange(one, other, columns), entry(one, other)))
    check(log, mutations)
