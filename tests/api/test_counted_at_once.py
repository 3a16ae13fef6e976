"""The job that renews contributions beside erasures and beside another run of its own.

Rows of several residents are taken in one order, so that nobody waits for somebody who waits for
them; and what another run added meanwhile is not taken out.
"""

from collections.abc import Iterator
from uuid import UUID

import pytest

from service.api.me import children
from service.contributions import actions as contributions
from service.counted import grounds
from service.guardians import actions as guardians
from service.house import House
from service.jobs.contribute import Outcome, contribute
from service.kit.ids import new_id
from service.kit.settings import Settings
from tests.api.test_contributions_api import STATISTICS, agree, kept
from tests.conftest import MovingClock
from tests.family_room import Child, begin, ok
from tests.house_room import Person, Town, town
from tests.meanwhile import Meanwhile


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def family(
    here: Town, monkeypatch: pytest.MonkeyPatch, *, child_first: bool
) -> tuple[Child, Person]:
    """A child of two guardians, whose row comes before or after the second one's, and that one."""
    edge = bytes(8) if child_first else b"\xff" * 8
    monkeypatch.setattr(children, "new_id", lambda: UUID(bytes=edge + new_id().bytes[8:]))
    second = here.resident("zhao")
    return begin(here, here.resident("lin")).joined_by(second), second


@pytest.mark.parametrize("child_first", [True, False])
def test_a_guardian_who_is_erased_and_the_job_wait_for_each_other_in_one_order(
    here: Town,
    elsewhere: House,
    clock: MovingClock,
    monkeypatch: pytest.MonkeyPatch,
    child_first: bool,
) -> None:
    """The erasure has looked whose guardian somebody is; the job comes before it takes a child."""
    child, guardian = family(here, monkeypatch, child_first=child_first)
    agree(here, guardian)
    ok(child.ask("POST", "/grants", STATISTICS), 201)
    job = Meanwhile(here.beneath, lambda: contribute(elsewhere, now=clock()))
    monkeypatch.setattr(guardians, "of_guardian", job.before(guardians.of_guardian))
    gone = here.doors.delete("/v1/me", headers=guardian.headers)
    assert gone.status_code == 200, gone.text
    assert job.result() == Outcome(1, 0)
    assert len(kept(here)) == 1


def test_two_runs_at_once_make_each_contribution_once(
    here: Town, elsewhere: House, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for login in ("lin", "zhao"):
        agree(here, here.resident(login))
    other = Meanwhile(here.beneath, lambda: contribute(elsewhere, now=clock()))
    monkeypatch.setattr(grounds, "keep", other.before(grounds.keep))
    assert contribute(here.house, now=clock()) == Outcome(2, 0)
    assert other.result() == Outcome(2, 0)
    assert len(kept(here)) == 2


def test_a_run_that_ends_late_leaves_those_who_joined_meanwhile(
    here: Town, elsewhere: House, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree(here, here.resident("lin"))
    zhao = here.resident("zhao")

    def joined() -> Outcome:
        agree(here, zhao)
        return contribute(here.house, now=clock())

    other = Meanwhile(here.beneath, joined)
    late = other.before(contributions.remove_all_but)
    monkeypatch.setattr(contributions, "remove_all_but", late)
    assert contribute(elsewhere, now=clock()) == Outcome(1, 0)
    assert other.result() == Outcome(2, 0)
    assert len(kept(here)) == 2
