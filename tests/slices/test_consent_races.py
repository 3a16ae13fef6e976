"""What a resident withdrew while somebody else was about to write: two processes, one data store.

One process stops right before it takes the resident's row; the other withdraws and commits. What
the first one had read by then is old, and must not be written back.
"""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection

from consent.request import Actor
from consent.vocabulary import ActorKind, DataClass
from service.appeals import actions as objections
from service.appeals import body as words
from service.appeals import store as appeals
from service.appeals.body import About, Appeal
from service.grants import actions, notices, preview, uses
from service.grants.body import Kept
from service.kit.db import Database
from service.kit.errors import Conflict, NotFound, Refused
from service.kit.ids import new_id
from service.requests import actions as requests
from service.requests import store as questions
from service.residents import store as residents
from tests.consent_room import Clinic, care_offer

SOON = datetime(2026, 11, 20, 2, tzinfo=UTC)
Meanwhile = Callable[[Callable[[], object]], None]


@pytest.fixture
def here(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    if database.dialect == "sqlite":
        pytest.skip("SQLite has one writer at a time: nothing is committed meanwhile")
    clinic = Clinic(database, keystore_url, tmp_path)
    yield clinic
    clinic.keystore.close()


@pytest.fixture
def there(here: Clinic, database_url: str, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    """Another process on the same stores."""
    clinic = Clinic(Database(database_url), keystore_url, tmp_path)
    yield clinic
    clinic.database.close()
    clinic.keystore.close()


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Have something done by another process right before the next one takes a resident's row."""

    def have(act: Callable[[], object]) -> None:
        bump = residents.bump_consent

        def late(*given: Any) -> int:
            monkeypatch.setattr(residents, "bump_consent", bump)
            act()
            return bump(*given)

        monkeypatch.setattr(residents, "bump_consent", late)

    return have


@pytest.fixture
def renewing(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Publish a notice under which every grant for care is to be renewed soon."""

    def publish() -> None:
        known = dict(notices.editions())
        added = known["care"][-1]._replace(version="next", material=True, effective=SOON)
        known["care"] = (*known["care"], added)
        monkeypatch.setattr(notices, "editions", lambda: known)

    return publish


def given(here: Clinic, **more: Any) -> tuple[UUID, UUID, UUID]:
    """A resident, a doctor they signed with, and the one grant of theirs that is left."""
    lin, zhou = here.resident(), here.doctor_named()
    signed = here.sign(lin, zhou, ["body"])
    assert signed.grant is not None
    here.withdraw(lin, signed.grant.grant.id)
    return lin, zhou, here.give(lin, care_offer(zhou, "body", "profile", **more)).grant.id


def whats(kept: Kept) -> list[str]:
    return [event.what for event in kept.events]


def test_a_withdrawal_is_not_undone_by_a_change(
    here: Clinic, there: Clinic, meanwhile: Meanwhile
) -> None:
    lin, zhou, grant = given(here)
    assert here.asked(zhou, lin).allow
    meanwhile(lambda: there.withdraw(lin, grant))
    with pytest.raises(Conflict) as told:
        here.act(
            lin, actions.change, grant, offer=care_offer(zhou, "body", "profile"), now=here.now
        )
    assert told.value.code == "already-withdrawn"
    assert here.act(lin, actions.get, grant).withdrawn
    assert not here.asked(zhou, lin).allow


def test_a_withdrawal_is_not_undone_by_a_renewal(
    here: Clinic, there: Clinic, meanwhile: Meanwhile, renewing: Callable[[], None]
) -> None:
    lin, zhou, grant = given(here)
    renewing()
    meanwhile(lambda: there.withdraw(lin, grant))
    with pytest.raises(Conflict) as told:
        here.act(lin, actions.renew, grant, now=here.now, stepped_up=True)
    assert told.value.code == "already-withdrawn"
    assert here.act(lin, actions.get, grant).withdrawn
    assert not here.asked(zhou, lin).allow


def test_two_withdrawals_are_one(here: Clinic, there: Clinic, meanwhile: Meanwhile) -> None:
    lin, _, grant = given(here)
    here.now += timedelta(minutes=1)
    meanwhile(lambda: there.withdraw(lin, grant))
    kept = here.withdraw(lin, grant)
    assert kept.grant.withdrawn_at == there.now
    assert (kept.grant.version, whats(kept)) == (2, ["given", "withdrawn"])


def test_terms_that_closed_a_class_are_not_opened_anew_by_a_renewal(
    here: Clinic, there: Clinic, meanwhile: Meanwhile, renewing: Callable[[], None]
) -> None:
    """The other process narrowed the grant; agreeing again is to the terms there are by then."""
    lin, zhou, grant = given(here)
    renewing()
    narrow = care_offer(zhou, "profile")
    meanwhile(lambda: there.act(lin, actions.change, grant, offer=narrow, now=there.now))
    kept = here.act(lin, actions.renew, grant, now=here.now, stepped_up=True)
    assert kept.grant.data_classes == {DataClass.PROFILE}
    assert here.asked(zhou, lin).classes == {DataClass.PROFILE}


def test_a_use_that_was_taken_is_not_given_back_by_a_renewal(
    here: Clinic, there: Clinic, meanwhile: Meanwhile, renewing: Callable[[], None]
) -> None:
    """Who takes a use holds the grant and not the resident's row."""
    lin, zhou, grant = given(here, uses=1)

    def look() -> None:
        def job(conn: Connection) -> None:
            decision = there.decided(conn, zhou, lin)
            assert decision.permit is not None
            uses.spend(conn, there.vault, decision, subject=lin, now=there.now)

        there.write(job)

    meanwhile(look)
    renewing()
    kept = here.act(lin, actions.renew, grant, now=here.now, stepped_up=True)
    assert kept.grant.uses_left == 0
    assert here.asked(zhou, lin).rule == "no-uses-left"


def test_a_contract_that_was_ended_meanwhile_is_not_ended_twice(
    here: Clinic, there: Clinic, meanwhile: Meanwhile
) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    here.sign(lin, zhou, ["body"])
    meanwhile(lambda: there.end(lin))
    with pytest.raises(NotFound):
        here.end(lin)
    assert not here.asked(zhou, lin).allow
    (kept,) = here.act(lin, actions.every)
    assert whats(kept) == ["given", "withdrawn"]


def test_an_appeal_that_is_withdrawn_while_a_class_is_erased_stays_withdrawn(
    here: Clinic, there: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words of an appeal are about to go; its owner takes it back just then."""
    lin = here.resident()
    # Of an explanation that is gone nobody knows the class, so the words of the appeal go.
    about = About("explanation", new_id(), 4, 2, here.now.isoformat())
    appeal = Appeal(new_id(), lin, about, "not mine", True, here.now)
    here.write(
        lambda conn: appeals.add(conn, words.sealed(here.vault, here.own(conn, lin), appeal))
    )
    wordless = objections._wordless
    withdrawing = threading.Thread(
        target=lambda: there.act(lin, objections.withdraw, appeal.id, now=there.now)
    )

    def late(found: Appeal) -> Appeal:
        withdrawing.start()
        # Either it is done by then, or it waits for the row until this process has committed.
        withdrawing.join(timeout=1)
        return wordless(found)

    monkeypatch.setattr(objections, "_wordless", late)
    here.write(
        lambda conn: objections.forget_class(conn, here.vault, here.own(conn, lin), DataClass.BODY)
    )
    withdrawing.join()
    (after,) = here.act(lin, objections.every)
    assert (after.state, after.reason) == ("withdrawn", "")


def test_who_withdraws_while_a_doctor_asks_is_not_asked(
    here: Clinic, there: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin, zhou, grant = given(here)
    # The grant before this one was withdrawn as well, and that rest is over.
    here.now += requests.REST
    there.now = here.now
    add = questions.add

    def late(conn: Connection, row: questions.RequestRow) -> bool:
        monkeypatch.setattr(questions, "add", add)
        there.withdraw(lin, grant)
        return add(conn, row)

    def ask(conn: Connection) -> requests.Request:
        return requests.ask(
            conn,
            here.vault,
            actor=Actor(ActorKind.PRACTITIONER, str(zhou)),
            subject=lin,
            data_classes=["lifestyle"],
            actions=None,
            now=here.now,
        )

    monkeypatch.setattr(questions, "add", late)
    with pytest.raises(Refused) as told:
        here.write(ask)
    assert told.value.rule == requests.RULE
    assert here.act(lin, requests.every) == []


def test_the_past_tells_of_a_withdrawal_that_waited_for_a_later_change(
    here: Clinic, there: Clinic, meanwhile: Meanwhile
) -> None:
    """What is done last counts, though it was asked for first, or by a slower clock."""
    lin, zhou, grant = given(here)
    there.now += timedelta(seconds=1)
    narrow = care_offer(zhou, "profile")
    meanwhile(lambda: there.act(lin, actions.change, grant, offer=narrow, now=there.now))
    here.withdraw(lin, grant)
    assert not here.asked(zhou, lin).allow
    later = there.now + timedelta(days=1)
    past = here.act(lin, preview.policy_at, at=later)
    (told,) = [one for one in past.grants if one.id == grant]
    assert told.withdrawn_at == here.now


def test_the_past_tells_of_a_refusal_of_all_that_waited_for_a_later_consent(
    here: Clinic, there: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin = here.resident()
    there.now += timedelta(seconds=1)
    shut = residents.set_deny_all

    def late(*given: Any) -> int:
        monkeypatch.setattr(residents, "set_deny_all", shut)
        there.act(lin, actions.shut_out, on=False, now=there.now)
        return shut(*given)

    monkeypatch.setattr(residents, "set_deny_all", late)
    here.act(lin, actions.shut_out, on=True, now=here.now)
    later = there.now + timedelta(days=1)
    assert here.act(lin, preview.policy_now).deny_all
    assert here.act(lin, preview.policy_at, at=later).deny_all
