"""Whoever writes to the database behind the service's back: no single change goes unnoticed.

A log of 300 entries with checkpoints is changed in every way of a systematic list, one at a time,
and proven again: each column of each table at the edges and in the middle with several kinds of
values, every deletion, exchange, truncation and insertion, and logs rewritten with all hashes.
Each must be found and named, none may be missed; before and after the log must be proven intact.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Integer,
    LargeBinary,
    Table,
    Text,
    delete,
    insert,
    select,
    type_coerce,
    update,
)
from sqlalchemy.exc import DBAPIError

from service.audit import checkpoint as checkpoints
from service.audit import heads, store, tree, verification
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
from service.kit.db import Database, Instant, UuidBytes
from tests.audit_room import KEY, KEYS, NOW, checkpoint, fill, make_tables, proven
from tests.databases import fresh_postgres

SUBJECTS = [uuid5(UUID(int=0), str(number)) for number in range(6)]
COUNT, MARKS = 300, (120, 280)
# The first and the last of all, the first of another chain, both sides of a checkpoint, the last
# entry under one, the edge of a tile, and behind every checkpoint.
PLACES = (0, 1, 119, 120, 150, 255, 256, 279, 280, 299)
DAILY = {"sqlite": (0, 120, 255, 299), "postgresql": (150,)}
Names = Callable[[Breach], bool]


class Mutation(NamedTuple):
    """One change of the database, and which breaches name it rightly."""

    name: str
    apply: Callable[[Connection], object]
    names: Names
    copies: Sequence[str] = ()


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[Database]:
    if kind == "sqlite":
        opened = Database(f"sqlite:///{folder / 'kangma.db'}")
        yield opened
        opened.close()
        return
    with fresh_postgres() as url:
        opened = Database(url)
        yield opened
        opened.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Database]:
    with _database(request.param, tmp_path_factory.mktemp("log")) as opened:
        make_tables(opened)
        done = 0
        for mark in (*MARKS, COUNT):
            fill(opened, SUBJECTS, mark - done, start=done)
            done = mark
            if mark in MARKS:
                checkpoint(opened)
        assert proven(opened) is None
        yield opened


def attacked(log: Database, mutation: Mutation) -> tuple[bool, Breach | None]:
    """Whether the database took the change, and what a proof finds; all of it is undone."""
    writing = log.engine.execution_options(kangma_writes=True)
    with writing.connect() as conn, conn.begin() as transaction:
        try:
            mutation.apply(conn)
            return True, verification.verify(conn, KEYS, mutation.copies)
        except DBAPIError:
            return False, None
        finally:
            transaction.rollback()


def check(log: Database, mutations: Sequence[Mutation], *, refused: int = 0) -> None:
    assert mutations
    missed, misnamed, taken = [], [], 0
    for one in mutations:
        took, breach = attacked(log, one)
        taken += took
        if took and breach is None:
            missed.append(one.name)
        elif took and breach is not None and not one.names(breach):
            misnamed.append((one.name, breach))
    assert (missed, misnamed) == ([], [])
    # A database that refuses everything would prove nothing.
    assert taken >= len(mutations) - refused
    assert proven(log) is None


def everything(log: Database) -> list[Logged]:
    return log.read(lambda conn: [store.logged_of(row) for row in store.every_row(conn)])


def by_leaf(log: Database) -> list[Logged]:
    return sorted(everything(log), key=lambda one: one.link.leaf)


def entry(*ones: Logged) -> Names:
    """Names one of these entries: by chain and number, or by its place or a span around it."""

    def named(breach: Breach) -> bool:
        for one in ones:
            if breach.subject is not None:
                if (breach.subject, breach.seq) == (one.entry.subject, one.link.seq):
                    return True
            elif breach.leaf is not None:
                last = breach.leaf if breach.until is None else breach.until
                if breach.leaf <= one.link.leaf <= last:
                    return True
        return False

    return named


def at(one: Logged) -> Any:
    return (access_log.c.resident_id == one.entry.subject) & (access_log.c.seq == one.link.seq)


# -- single cells --------------------------------------------------------------------------------


def values_for(column: Any, old: Any, other: Any) -> list[Any]:
    """Several kinds of wrong values: another entry's, an empty one, nonsense, a small step."""
    found: list[Any] = [other]
    if column.nullable:
        found.append(None)
    kind = type(column.type)
    if kind in (BigInteger, Integer, Instant):
        found += [old + 1, old - 1, 0, old + 100_000]
        if kind is not Integer:
            found.append(2**62)
    elif kind is Boolean:
        found += [not old]
    elif kind is Text:
        found += ["", "nonsense", (old or "x") + " ", (old or "x").upper()]
    else:
        assert kind in (LargeBinary, UuidBytes)
        octets = bytes(old or bytes(16))
        found += [b"", octets[:-1] + bytes([octets[-1] ^ 1]), octets + b"\0", octets[::-1]]
    return [value for value in found if value != old]


def raw(column: Any, value: Any) -> Any:
    """The value past the column's type, as somebody with a database shell writes it."""
    kind = {UuidBytes: LargeBinary, Instant: BigInteger}.get(type(column.type))
    return value if kind is None else type_coerce(value, kind())


def cells(log: Database, table: Table, where: Any, other: Any, names: Names) -> list[Mutation]:
    """Every cell of one row, changed to every kind of value."""
    columns = [store._raw(column) for column in table.c]

    def row_at(condition: Any) -> Any:
        return log.read(lambda conn: conn.execute(select(*columns).where(condition)).one())

    old, foreign = row_at(where), row_at(other)
    return [
        Mutation(
            f"{table.name}.{column.name} = {value!r}",
            lambda conn, column=column, value=value: conn.execute(
                update(table).where(where).values({column: raw(column, value)})
            ),
            names,
        )
        for column in table.c
        for value in values_for(column, getattr(old, column.name), getattr(foreign, column.name))
    ]


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
                            for column, value in store._row(forged).items()
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


# -- truncations ---------------------------------------------------------------------------------


def cut(log: Database, gone: Sequence[Logged], *, thorough: bool) -> Callable[[Connection], object]:
    """Entries taken out; a thorough attacker sets the heads of their chains back as well."""
    lost = {(one.entry.subject, one.link.seq) for one in gone}
    left = [one for one in everything(log) if (one.entry.subject, one.link.seq) not in lost]

    def apply(conn: Connection) -> None:
        for one in gone:
            conn.execute(delete(access_log).where(at(one)))
        if thorough:
            _set_heads(conn, left)

    return apply


def _set_heads(conn: Connection, left: Sequence[Logged]) -> None:
    conn.execute(delete(access_heads))
    ends: dict[UUID, Logged] = {}
    for one in left:
        ends[one.entry.subject] = one
    for subject, one in ends.items():
        row = {"resident_id": subject, "seq": one.link.seq, "hash": one.link.hash}
        conn.execute(insert(access_heads).values(row))


def _set_tree(conn: Connection, left: Sequence[Logged]) -> None:
    """Nodes and state as they would be over these entries."""
    ordered = sorted(left, key=lambda one: one.link.leaf)
    edge, nodes = tree.grow(tree.Edge(), (tree.leaf_hash(one.link.hash) for one in ordered))
    conn.execute(delete(access_nodes))
    for node in nodes:
        conn.execute(insert(access_nodes).values(node._asdict()))
    conn.execute(update(access_tree).values(size=edge.size, edge=b"".join(edge.nodes)))


@pytest.mark.parametrize("thorough", [False, True])
def test_truncated_chains_are_named(log: Database, thorough: bool) -> None:
    """The tail of a chain, its middle, the whole of it, and the tail of the whole log."""
    mutations = []
    for subject in SUBJECTS if log.dialect == "sqlite" else SUBJECTS[:2]:
        mine = [one for one in everything(log) if one.entry.subject == subject]
        for name, gone in (
            ("last", mine[-1:]),
            ("tail", mine[-9:]),
            ("all but one", mine[1:]),
            ("whole", mine),
            ("middle", mine[10:20]),
        ):
            mutations.append(
                Mutation(f"{name} of {subject}", cut(log, gone, thorough=thorough), entry(*gone))
            )
    tail = by_leaf(log)[250:]
    mutations.append(Mutation("tail of the log", cut(log, tail, thorough=thorough), entry(*tail)))
    check(log, mutations)


# -- rewritten logs ------------------------------------------------------------------------------


def rewritten(
    log: Database, place: int | None, size: int = COUNT
) -> Callable[[Connection], list[Logged]]:
    """The log with one entry changed and all hashes, heads, nodes and the state made to fit."""
    entries = by_leaf(log)[:size]

    def apply(conn: Connection) -> list[Logged]:
        reached: dict[UUID, Head] = {}
        fresh = []
        for leaf, one in enumerate(entries):
            said = one.entry if leaf != place else _denied(one)
            placed = link(said, reached.get(said.subject, Head()), leaf)
            reached[said.subject] = Head(placed.seq, placed.hash)
            fresh.append(Logged(said, placed))
        for one in fresh if place is not None else ():
            cells_ = {
                name: raw(access_log.c[name], value) for name, value in store._row(one).items()
            }
            conn.execute(update(access_log).where(at(one)).values(cells_))
        conn.execute(delete(access_log).where(access_log.c.leaf >= size))
        _set_heads(conn, sorted(fresh, key=lambda one: one.link.seq))
        _set_tree(conn, fresh)
        return fresh

    return apply


def _denied(one: Logged) -> Any:
    return replace(one.entry, actor_name="somebody else", row_count=0)


@pytest.mark.parametrize("place", [0, 119, 120, 279])
def test_a_fork_is_found_by_the_checkpoint_over_it(log: Database, place: int) -> None:
    check(
        log,
        [Mutation(f"fork at {place}", rewritten(log, place), entry(by_leaf(log)[place]))],
    )


@pytest.mark.parametrize("size", [0, 119, 121, 256, 279])
def test_a_log_cut_with_all_that_tells_of_it_is_found_by_the_checkpoint(
    log: Database, size: int
) -> None:
    gone = by_leaf(log)[size:]
    check(log, [Mutation(f"cut to {size}", rewritten(log, None, size), entry(*gone))])


def test_a_fork_with_new_checkpoints_is_found_by_a_copy_kept_elsewhere(log: Database) -> None:
    """The attacker holds the signing key itself: only what others kept tells."""
    copies = log.read(lambda conn: [one.text for one in store.every_checkpoint(conn)])

    def forge(conn: Connection, place: int | None, size: int) -> None:
        fresh = rewritten(log, place, size)(conn)
        conn.execute(delete(access_checkpoints))
        conn.execute(delete(access_buckets))
        conn.execute(update(access_tree).values(checkpoints=0))
        chains: dict[UUID, Head] = {}
        for one in fresh:
            chains[one.entry.subject] = Head(one.link.seq, one.link.hash)
        roots = heads.buckets(sorted(chains.items(), key=lambda chain: chain[0].bytes))
        edge, _ = tree.grow(tree.Edge(), (tree.leaf_hash(one.link.hash) for one in fresh))
        made = checkpoints.Checkpoint(
            1, size, edge.root(), heads.root(roots), checkpoints.FIRST, NOW.replace(microsecond=0)
        )
        text = checkpoints.sign(made, kid="audit-1", key=KEY, issuer="https://kangma.test")
        store.add_checkpoint(conn, store.Signed(1, size, made.at, text), roots)

    entries = by_leaf(log)
    for place, size in ((0, COUNT), (119, COUNT), (150, 200), (None, 119)):
        wrong = [*entries[size:], *([] if place is None else [entries[place]])]
        honest_looking = Mutation(
            "fork", lambda conn, p=place, s=size: forge(conn, p, s), lambda breach: True
        )
        # Without a copy it looks honest: that is what copies are for.
        assert attacked(log, honest_looking) == (True, None)
        check(log, [honest_looking._replace(names=entry(*wrong), copies=copies)])
    # A copy of before the change proves nothing about it.
    late = Mutation("fork", lambda conn: forge(conn, 200, COUNT), lambda breach: True, copies[:1])
    assert attacked(log, late) == (True, None)


def test_a_checkpoint_of_somebody_elses_key_is_not_believed(log: Database) -> None:
    made = checkpoints.Checkpoint(1, 0, tree.EMPTY, heads.Heads().root(), checkpoints.FIRST, NOW)
    for kid, key in (("audit-1", Ed25519PrivateKey.generate()), ("audit-9", KEY)):
        text = checkpoints.sign(made, kid=kid, key=key, issuer="https://kangma.test")
        breach = proven(log, [text])
        assert breach is not None
        assert "not genuine" in breach.why
    good = checkpoints.sign(made, kid="audit-1", key=KEY, issuer="https://kangma.test")
    assert proven(log, [good]) is None
    for place in range(0, len(good), 29):
        spoilt = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
        with suppress(AssertionError):
            assert proven(log, [spoilt]) is None, place
            # The last character of a signature has bits that mean nothing.
            assert place == len(good) - 1
