"""A guardian's code while guardianship ends, from two processes: no code outlives it.

Each test stops one act right after it looked who is a guardian, and lets the other process go on.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy import Connection

from consent.life import minor_until
from service.guardians import actions as guardians
from service.guardians import codes, store
from service.guardians.actions import Code, Guardianship
from service.keys.vault import Vault
from service.kit import guard
from service.kit.db import Database
from service.kit.errors import Invalid, NotFound, ServiceError
from tests.consent_room import Clinic
from tests.slices.test_guardians import BORN, ZONE, begin, join

PATIENCE = 0.5
"""Seconds the act that was stopped waits for the other one, which may be waiting for it."""
BIRTHDAY = minor_until(BORN, ZONE)
T = TypeVar("T")
Act = Callable[[Connection], object]


@pytest.fixture
def here(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(database, keystore_url, tmp_path)
    yield clinic
    clinic.keystore.close()


@pytest.fixture
def other(database: Database) -> Iterator[Database]:
    """The data store as another process has it."""
    opened = Database(database.engine.url.render_as_string(hide_password=False))
    yield opened
    opened.close()


class Family:
    """A child of two guardians, and what the tests let happen to it."""

    def __init__(self, here: Clinic) -> None:
        self.here = here
        self.mother, self.father = here.resident(), here.resident()
        self.child = begin(here, self.mother)
        join(here, self.child, self.mother, self.father)

    def invite(self, conn: Connection) -> Code:
        return guardians.invite(conn, self.here.vault, self.child, self.mother, now=self.here.now)

    def hand_over(self, conn: Connection) -> Code:
        return guardians.hand_over(
            conn, self.here.vault, self.child, self.mother, now=self.here.now
        )

    def leave(self, conn: Connection) -> None:
        guardians.leave(conn, self.here.vault, self.child, self.mother, now=self.here.now)

    def part(self, conn: Connection) -> None:
        guardians.part(conn, self.here.vault, self.here.system, self.mother, now=self.here.now)

    def claim(self, code: Code) -> Callable[[Connection], UUID]:
        return lambda conn: guardians.claimed(conn, self.here.vault, code.code, now=self.here.now)

    def open_codes(self) -> int:
        def count(conn: Connection) -> int:
            guard.ask(conn, self.child)
            return len(store.codes_of(conn, self.child))

        return self.here.read(count)

    def all_of_them(self) -> list[Guardianship]:
        def read(conn: Connection) -> list[Guardianship]:
            guard.ask(conn, self.child)
            return guardians.of_child(conn, self.here.vault, self.child)

        return self.here.read(read)


@pytest.fixture
def family(here: Clinic) -> Family:
    return Family(here)


@pytest.fixture
def overtake(
    here: Clinic, other: Database, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Act, Act], tuple[bool, bool]]:
    """Let the second act begin when the first has looked, and tell which of them were kept."""

    def race(first: Act, second: Act) -> tuple[bool, bool]:
        looked, over = Event(), Event()
        plain = guardians.of_child

        def stopping(conn: Connection, vault: Vault, child: UUID) -> list[Guardianship]:
            found = plain(conn, vault, child)
            if not looked.is_set():
                looked.set()
                over.wait(PATIENCE)
            return found

        monkeypatch.setattr(guardians, "of_child", stopping)
        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(here.database.write, first)
            assert looked.wait(60)
            two = pool.submit(other.write, second)
            two.add_done_callback(lambda _: over.set())
            kept = was_kept(one), was_kept(two)
        monkeypatch.setattr(guardians, "of_child", plain)
        return kept

    return race


def was_kept(done: "Future[T]") -> bool:
    """Whether an act was committed; what fails otherwise than by a refusal fails the test."""
    try:
        done.result(timeout=60)
    except ServiceError:
        return False
    return True


def test_a_file_that_is_taken_over_while_a_guardian_makes_a_code_is_taken_over_once(
    here: Clinic, family: Family, overtake: Callable[[Act, Act], tuple[bool, bool]]
) -> None:
    here.now = BIRTHDAY
    shown = here.write(family.hand_over)
    made: list[Code] = []
    # The new code ends the one that is being shown, whose bearer waits and comes too late.
    raced = overtake(lambda conn: made.append(family.hand_over(conn)), family.claim(shown))
    assert raced == (True, False)
    assert family.open_codes() == 1
    assert here.write(family.claim(made[0])) == family.child
    assert family.open_codes() == 0
    assert {one.why for one in family.all_of_them()} == {"handed-over"}


def test_no_code_is_made_for_a_file_that_is_just_being_taken_over(
    here: Clinic, family: Family, overtake: Callable[[Act, Act], tuple[bool, bool]]
) -> None:
    here.now = BIRTHDAY
    shown = here.write(family.hand_over)
    assert overtake(family.claim(shown), family.hand_over) == (True, False)
    assert family.open_codes() == 0


def test_of_two_who_show_the_same_code_one_takes_over(
    here: Clinic, family: Family, overtake: Callable[[Act, Act], tuple[bool, bool]]
) -> None:
    here.now = BIRTHDAY
    shown = here.write(family.hand_over)
    assert overtake(family.claim(shown), family.claim(shown)) == (True, False)


@pytest.mark.parametrize("kind", ["invite", "hand_over"])
def test_a_guardian_who_leaves_while_they_make_a_code_leaves_none(
    family: Family, overtake: Callable[[Act, Act], tuple[bool, bool]], kind: str
) -> None:
    make: Act = getattr(family, kind)
    assert overtake(make, family.leave) == (True, True)
    assert family.open_codes() == 0


@pytest.mark.parametrize("kind", ["invite", "hand_over"])
def test_a_guardian_who_is_just_leaving_makes_no_code(
    family: Family, overtake: Callable[[Act, Act], tuple[bool, bool]], kind: str
) -> None:
    make: Act = getattr(family, kind)
    assert overtake(family.leave, make) == (True, False)
    assert family.open_codes() == 0


def test_a_guardian_who_is_erased_while_the_file_is_taken_over_changes_nothing_of_that(
    here: Clinic, family: Family, overtake: Callable[[Act, Act], tuple[bool, bool]]
) -> None:
    here.now = BIRTHDAY
    shown = here.write(family.hand_over)
    assert overtake(family.claim(shown), family.part) == (True, True)
    assert {one.why for one in family.all_of_them()} == {"handed-over"}


def test_a_guardian_twice_gone_at_once_is_gone_once(
    family: Family, overtake: Callable[[Act, Act], tuple[bool, bool]]
) -> None:
    assert overtake(family.leave, family.leave) == (True, False)
    versions = {one.guardian: one.version for one in family.all_of_them()}
    assert versions == {family.mother: 2, family.father: 1}


def test_a_code_that_outlived_a_takeover_opens_nothing(here: Clinic, family: Family) -> None:
    """However it came to be there: put back from a backup, or made by a release before."""
    here.now = BIRTHDAY
    here.write(family.claim(here.write(family.hand_over)))

    def left_over(conn: Connection) -> Code:
        guard.ask(conn, family.child)
        return codes.issue(conn, here.vault, family.child, family.mother, "hand-over", here.now)

    with pytest.raises(NotFound):
        here.write(family.hand_over)
    with pytest.raises(Invalid) as refused:
        here.write(family.claim(here.write(left_over)))
    assert [fault.code for fault in refused.value.faults] == ["unknown-code"]


def test_a_code_of_one_who_left_before_the_birthday_opens_nothing_however_late(
    here: Clinic, family: Family
) -> None:
    here.now = BIRTHDAY - timedelta(days=7)
    here.write(family.leave)

    def left_over(conn: Connection) -> Code:
        guard.ask(conn, family.child)
        return codes.issue(conn, here.vault, family.child, family.mother, "hand-over", here.now)

    code = here.write(left_over)
    here.now = BIRTHDAY
    with pytest.raises(Invalid):
        here.write(family.claim(code))


def test_the_code_of_a_guardian_who_was_erased_after_the_birthday_is_good_once(
    here: Clinic, family: Family
) -> None:
    """Nobody may be left who could make another: the young person would never get their file."""
    here.write(family.leave)
    family.mother = family.father
    here.now = BIRTHDAY
    code = here.write(family.hand_over)
    here.write(family.part)
    assert all(one.ended_at for one in family.all_of_them())
    assert here.write(family.claim(code)) == family.child
    with pytest.raises(Invalid):
        here.write(family.claim(code))
