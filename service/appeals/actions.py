"""Objecting to a level or a record, and answering it (PIPL 24 and 50).

The doctor whom the resident signed with answers, and only where the resident lets them read the
appeal. An operator sees how many are overdue and nothing of any (ADR 0016).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from consent.decision import Decision, Permit
from consent.request import Actor
from consent.vocabulary import Action, ActorKind, DataClass, Purpose, Text
from service.appeals import body, store
from service.appeals.body import About, Answer, Appeal, Kind, Outcome
from service.contracts import store as contracts
from service.domain.vocabulary.measures import MEASURES
from service.grants import gate
from service.identity import store as identity
from service.keys.vault import Vault
from service.kit import caps
from service.kit.clock import city_day
from service.kit.errors import Conflict, Fault, Invalid, NotFound
from service.kit.ids import new_id
from service.notices import actions as notices
from service.notices import words
from service.prompts import history
from service.records import actions as records
from service.residents import actions as residents
from service.residents.store import stand

READS = frozenset({DataClass.PROFILE})
"""What a permit must name to open an appeal."""
ALREADY_OPEN = Text(
    "您对此已提出异议，正等待答复。", "You have already objected to this and wait for an answer."
)
CLOSED = Text("这项异议已结束。", "This appeal has been closed.")
NOTHING_THERE = Text("没有这个说明或记录。", "There is no such explanation or record.")


class Seen(NamedTuple):
    """An open appeal as the doctor sees it, and the decision under which it was opened."""

    appeal: Appeal
    name: str
    decision: Decision


class Standing(NamedTuple):
    """How many appeals wait, how many are overdue, and how many of those nobody may read."""

    open: int
    overdue: int
    overdue_unread: int


def file(
    conn: Connection,
    vault: Vault,
    permit: Permit,
    *,
    kind: Kind,
    about: UUID,
    reason: str,
    for_doctor: bool,
    now: datetime,
) -> Appeal:
    """Object to a change of level or to a record. `Conflict` while an appeal about it is open, and
    where there are too many."""
    # Two who object at once find each other's, and an erasure finds this one.
    stand(conn, permit)
    thing = _thing(conn, vault, permit, kind, about)
    before = every(conn, vault, permit)
    caps.require("appeals", sum(one.state == "open" for one in before))
    caps.require("appeals-kept", len(before))
    for other in before:
        if other.state == "open" and other.about[:2] == thing[:2]:
            raise Conflict(ALREADY_OPEN, code="appeal-open")
    appeal = Appeal(new_id(), permit.subject, thing, reason, for_doctor, now)
    store.add(conn, body.sealed(vault, permit, appeal))
    return appeal


def every(conn: Connection, vault: Vault, permit: Permit, *, hold: bool = False) -> list[Appeal]:
    """All appeals of the permit's subject, newest first; with `hold` as they stay to the commit."""
    rows = store.of_resident(conn, permit, hold=hold)
    found = [body.opened(vault, permit, row) for row in rows]
    return sorted(found, key=lambda one: (one.opened_at, one.id), reverse=True)


def one(
    conn: Connection, vault: Vault, permit: Permit, appeal: UUID, *, hold: bool = False
) -> Appeal:
    row = store.one(conn, permit, appeal, hold=hold)
    if row is None:
        raise NotFound
    return body.opened(vault, permit, row)


def withdraw(
    conn: Connection, vault: Vault, permit: Permit, appeal: UUID, *, now: datetime
) -> Appeal:
    """Take an appeal back. Twice is as good as once; an answered one stays (`Conflict`)."""
    found = one(conn, vault, permit, appeal, hold=True)
    if found.state == "withdrawn":
        return found
    if found.answer is not None:
        raise Conflict(CLOSED, code="already-answered")
    after = replace(found, withdrawn_at=now, version=found.version + 1)
    store.replace(conn, body.sealed(vault, permit, after))
    return after


def waiting_for(conn: Connection, vault: Vault, *, practitioner: UUID, now: datetime) -> list[Seen]:
    """The open appeals that this doctor may read and answer, the most urgent first."""
    gate.panel_actor(conn, practitioner)
    found: list[Seen] = []
    for resident in store.residents_of(conn, practitioner):
        decision = gate.admit(
            conn,
            vault,
            actor=Actor(ActorKind.PRACTITIONER, str(practitioner)),
            subject=resident,
            purpose=Purpose.CARE,
            action=Action.READ,
            classes=READS,
            now=now,
            lasting=True,
        )
        permit = decision.permit
        if permit is None:
            continue
        name = residents.profile(conn, vault, permit).name
        # Judged by what is in the clear, and compared with what is sealed when it is opened: an
        # appeal without leave is not opened under a doctor's permit.
        found += [
            Seen(body.opened(vault, permit, row), name, decision)
            for row in store.of_resident(conn, permit)
            if row.open and row.for_doctor
        ]
    return sorted(found, key=lambda seen: (seen.appeal.opened_at, seen.appeal.id))


def answer(
    conn: Connection,
    vault: Vault,
    permit: Permit,
    appeal: UUID,
    *,
    practitioner: UUID,
    outcome: Outcome,
    reason: str,
    now: datetime,
) -> Appeal:
    """Answer an appeal that its resident lets the signed doctor read, and tell them.

    `NotFound` for anybody else's, and in an emergency: answering is for who signed.
    """
    gate.panel_actor(conn, practitioner)
    row = store.one(conn, permit, appeal, hold=True)
    signed = contracts.in_force(conn, permit.subject, practitioner)
    if row is None or not row.for_doctor or not signed:
        raise NotFound
    found = body.opened(vault, permit, row)
    if found.state != "open":
        raise Conflict(CLOSED, code="already-answered")
    known = identity.practitioner(conn, practitioner)
    name, clinic = (known.name, known.clinic) if known else ("", "")
    told = Answer(outcome, reason, practitioner, name, clinic, now)
    after = replace(found, answer=told, version=found.version + 1)
    store.replace(conn, body.sealed(vault, permit, after))
    notices.tell(
        conn,
        vault,
        permit.subject,
        kind=words.APPEAL_ANSWERED,
        about=appeal,
        facts={"name": name, "clinic": clinic},
        now=now,
    )
    return after


def forget_class(conn: Connection, vault: Vault, permit: Permit, data_class: DataClass) -> None:
    """Remove what appeals say about a class that is about to be erased.

    One about a record of the class goes. One about a level that anything of the class took part in
    loses its words, the resident's and the doctor's; that there was one, and its state, stay. Of a
    record or a level that is gone already nobody knows the class, so the words go as well.
    """
    # Held: who withdraws or answers one takes its row alone, and their word is not written over.
    for appeal in every(conn, vault, permit, hold=True):
        if appeal.about.kind == "record":
            if _tells_of(conn, vault, permit, appeal, data_class):
                store.drop(conn, permit, appeal.id)
        elif _rests_on(conn, vault, permit, appeal, data_class):
            store.replace(conn, body.sealed(vault, permit, _wordless(appeal)))


def _tells_of(
    conn: Connection, vault: Vault, permit: Permit, appeal: Appeal, data_class: DataClass
) -> bool:
    try:
        record, _ = records.get(conn, vault, permit, appeal.about.id)
    except NotFound:
        return True
    return any(MEASURES[name].data_class is data_class for name in record.values)


def _rests_on(
    conn: Connection, vault: Vault, permit: Permit, appeal: Appeal, data_class: DataClass
) -> bool:
    try:
        _, story = history.explained(conn, vault, permit, appeal.about.id)
    except NotFound:
        return True
    return story.without(data_class).erased


def _wordless(appeal: Appeal) -> Appeal:
    answer = None if appeal.answer is None else appeal.answer._replace(reason="")
    return replace(appeal, reason="", answer=answer, version=appeal.version + 1)


def reviews(conn: Connection, vault: Vault, permit: Permit) -> Mapping[UUID, Appeal]:
    """Explanations of levels that a doctor found not to be relied on, with the newest appeal."""
    found: dict[UUID, Appeal] = {}
    for row in store.closed_of(conn, permit):
        appeal = body.opened(vault, permit, row)
        upheld = appeal.answer is not None and appeal.answer.outcome == "upheld"
        if upheld and appeal.about.kind == "explanation":
            found[appeal.about.id] = appeal
    return found


def standing(conn: Connection, vault: Vault, *, now: datetime) -> Standing:
    """Counts over all residents, for the operator. No appeal is opened for it."""
    rows = store.waiting(conn)
    today = city_day(now)
    late = [row for row in rows if vault.shift_day(row.resident_id, today) > row.due]
    return Standing(len(rows), len(late), sum(not row.read for row in late))


def forget(conn: Connection, resident: UUID) -> None:
    """Remove the appeals of somebody whose file is closed."""
    store.forget(conn, resident)


def _thing(conn: Connection, vault: Vault, permit: Permit, kind: Kind, about: UUID) -> About:
    try:
        if kind == "record":
            records.get(conn, vault, permit, about)
            return About(kind, about)
        moment, story = history.explained(conn, vault, permit, about)
        return About(kind, about, moment.level, story.before, moment.at)
    except NotFound:
        raise Invalid([Fault(f"/about/{kind}", "unknown", NOTHING_THERE)]) from None
