"""A log cut short, or written anew with all its hashes, is found by what others have kept."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import (
    Connection,
    delete,
    insert,
    update,
)

from service.audit import additions, heads, store, tree
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
from service.kit.db import Database
from tests.attacked_log_room import (
    COUNT,
    SUBJECTS,
    Mutation,
    at,
    attacked,
    by_leaf,
    check,
    entry,
    everything,
    filled_log,
    raw,
)
from tests.audit_room import KEY, NOW, proven


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Database]:
    with filled_log(request.param, tmp_path_factory.mktemp("log")) as opened:
        yield opened


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
                name: raw(access_log.c[name], value)
                for name, value in additions.row_of(one).items()
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
        additions.add_checkpoint(conn, store.Signed(1, size, made.at, text), roots)

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
