"""Keyrings without a person go after an hour, and never one whose person came or may still come."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from service.jobs import orphans
from service.keys import pending
from service.keys.tables import keyrings, pending_keyrings, ring_keys, tombstones
from service.kit.ids import new_id
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.family_room import begin, ok
from tests.house_room import Town, town

SECOND = timedelta(seconds=1)


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def rings(here: Town) -> set[UUID]:
    """Who has keys; both halves of a keyring stand or go together."""
    with here.house.keystore.reading() as conn:
        found = set(conn.scalars(select(keyrings.c.resident_id)))
        assert set(conn.scalars(select(ring_keys.c.resident_id))) == found
    return found


def waiting(here: Town) -> int:
    with here.house.keystore.reading() as conn:
        return len(conn.execute(select(pending_keyrings)).all())


def test_a_refused_sign_up_leaves_no_keyring_for_longer_than_an_hour(
    here: Town, clock: MovingClock
) -> None:
    lin = here.resident("lin")
    child = begin(here, lin)
    for _ in range(3):
        assert here.register("lin").status_code == 201
    assert len(rings(here)) == 5
    clock.advance(pending.GRACE - SECOND)
    assert orphans.sweep(here.house) == 0
    assert len(rings(here)) == 5
    clock.advance(SECOND)
    assert orphans.sweep(here.house) == 3
    assert rings(here) == {UUID(lin.id), UUID(child.id)}
    # Nobody was erased, so nothing is left to be remembered, and nothing is looked at again.
    with here.house.keystore.reading() as conn:
        assert conn.execute(select(tombstones)).all() == []
    assert waiting(here) == 0
    assert orphans.sweep(here.house) == 0
    ok(here.doors.get("/v1/me", headers=here.sign_in("lin").headers))


def test_whoever_was_erased_meanwhile_keeps_the_tombstone(here: Town, clock: MovingClock) -> None:
    lin = here.resident("lin")
    ok(here.doors.delete("/v1/me", headers=lin.headers))
    clock.advance(pending.GRACE)
    assert orphans.sweep(here.house) == 0
    assert waiting(here) == 0
    with here.house.keystore.reading() as conn:
        assert list(conn.scalars(select(tombstones.c.resident_id))) == [UUID(lin.id)]


def test_a_file_that_took_too_long_is_not_begun(
    here: Town, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or its keyring might be taken from under it between the last look and the commit."""
    vault = type(here.house.vault)
    create = vault.create

    def slow(self: object, resident: UUID) -> None:
        create(self, resident)  # type: ignore[arg-type]
        clock.advance(pending.IN_TIME + SECOND)

    monkeypatch.setattr(vault, "create", slow)
    assert here.register("lin").status_code == 503
    monkeypatch.undo()
    assert here.token(grant_type="password", username="lin", password="x" * 8).status_code == 401
    clock.advance(pending.GRACE)
    assert orphans.sweep(here.house) == 1
    assert rings(here) == set()


def test_of_two_sweeps_at_once_each_keyring_goes_once_and_a_newer_one_stays(
    here: Town, clock: MovingClock
) -> None:
    lost, other = new_id(), new_id()
    here.house.vault.create_many([lost, other])
    clock.advance(pending.GRACE)
    (first, second) = (pending.due(here.house.keystore, clock(), limit=9) for _ in range(2))
    assert set(first) == set(second) == {lost, other}
    pending.settle(here.house.keystore, kept=[other], orphans=[lost])
    # The second process was slower and thinks that neither has a person.
    pending.settle(here.house.keystore, kept=[], orphans=second)
    assert rings(here) == {other}
