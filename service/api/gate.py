"""Looks by somebody else: decide, read, write the entry, commit, and only then answer.

All of it is one job of the database. The entry of a look and the answer stand or fall together: an
entry that cannot be kept takes the answer with it, and a refusal is told after its own entry is
durable. Nothing opened here leaves before the commit.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection

from consent.decision import SPEND_USE, Decision, Permit
from consent.request import AccessRequest
from consent.vocabulary import ALL_CLASSES, Action, DataClass, Purpose
from service.api.schema import Bilingual
from service.audit import actions as audit
from service.audit.entry import Entry
from service.grants import gate, looks, standing, uses
from service.grants.askers import Asker
from service.grants.looks import Looker
from service.grants.uses import UseTaken
from service.guardians import actions as guardians
from service.house import House
from service.identity import store as identity
from service.identity.caller import Bearer, Caller
from service.kit.errors import ServiceError, Unauthenticated
from service.kit.savepoint import savepoint
from service.tallies import actions as tallies

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Look:
    """What somebody asks of another resident, and the request it came with."""

    caller: Caller
    subject: UUID
    request_id: str
    now: datetime
    action: Action = Action.READ
    purpose: Purpose = Purpose.CARE
    classes: frozenset[DataClass] = ALL_CLASSES
    changes: bool = True
    """Whether what is run under the permit may write: then it is undone when it fails."""
    unasked: bool = False
    """Whether the look is still to ask if the caller's token was revoked."""

    @classmethod
    def by(
        cls,
        bearer: Bearer,
        subject: UUID,
        request_id: str,
        now: datetime,
        classes: frozenset[DataClass] = ALL_CLASSES,
    ) -> "Look":
        """A look that writes nothing, by somebody whose token may have been revoked."""
        caller = bearer.unasked
        return cls(caller, subject, request_id, now, classes=classes, changes=False, unasked=True)


@dataclass(frozen=True, slots=True)
class Opened(Generic[Answer]):
    """An answer, and how many rows of the resident's it shows."""

    answer: Answer
    row_count: int


class WithheldOut(BaseModel):
    """A class that was asked for and stays closed, and why."""

    data_class: str
    reason: Bilingual
    rule: str


async def look(
    house: House, ask: Look, open_: Callable[[Connection, Decision, Permit], Opened[Answer]]
) -> Answer:
    """Run `open_` under a permit and answer; raise the refusal otherwise, after logging either."""

    def job(conn: Connection) -> Answer | ServiceError:
        if ask.unasked and house.revocations.within(conn, ask.caller):
            return Unauthenticated()
        while True:
            ask_, decision, asker = _decided(conn, house, ask)
            try:
                return _answered(conn, house, ask_, decision, asker, open_)
            except UseTaken:
                house.vault.openings.keep_back(decision.permit)
                # Somebody else took the last use meanwhile: decide again on what is left.
                continue

    def ahead(conn: Connection) -> None:
        gate.ask_ahead(conn, house.vault, ask.caller.actor, ask.subject)
        if ask.unasked:
            house.revocations.ahead(conn)

    return _told(await house.db.awrite(job, key=ask.subject.bytes, ahead=ahead))


def _decided(conn: Connection, house: House, ask: Look) -> tuple[Look, Decision, Asker | None]:
    """The decision, the look under the purpose for which it was decided, and who asked."""
    request = AccessRequest(ask.caller.actor, ask.subject, ask.purpose, ask.action, ask.classes)
    fresh = ask.caller.stepped_up(ask.now)
    decided, decision, asker = gate.admit_look(
        conn, house.vault, request, now=ask.now, stepped_up=fresh
    )
    if decided.purpose is not ask.purpose:
        ask = replace(ask, purpose=decided.purpose)
    return ask, decision, asker


def _answered(
    conn: Connection,
    house: House,
    ask: Look,
    decision: Decision,
    asker: Asker | None,
    open_: Callable[[Connection, Decision, Permit], Opened[Answer]],
) -> Answer | ServiceError:
    if decision.permit is None:
        refusal = standing.refusal(
            conn, house.vault, decision, actor=ask.caller.actor, subject=ask.subject
        )
        if standing.is_active(conn, ask.subject):
            _log(conn, house, [_entry(conn, house, ask, decision, 0, asker)])
        return refusal
    failed: ServiceError | None = None
    try:
        # What a failing action wrote is undone, the use it took too; that it was tried stays in
        # the log.
        with _undone(conn, ask, decision):
            opened = open_(conn, decision, decision.permit)
            uses.spend(conn, house.vault, decision, subject=ask.subject, now=ask.now)
    except ServiceError as error:
        failed = error
    rows = 0 if failed is not None else opened.row_count
    _log(conn, house, [_entry(conn, house, ask, decision, rows, asker)])
    return failed if failed is not None else opened.answer


def _undone(conn: Connection, ask: Look, decision: Decision) -> AbstractContextManager[None]:
    """What undoes a look that fails; nothing where there is nothing to undo, which is cheaper."""
    writes = ask.changes or SPEND_USE in decision.obligations
    return savepoint(conn) if writes else nullcontext()


def log_panel(
    conn: Connection,
    house: House,
    *,
    caller: Caller,
    seen: Sequence[tuple[UUID, Decision]],
    request_id: str,
    now: datetime,
) -> None:
    """One entry for each resident whose row a panel shows, or leaves out by level or due work.

    Both are alike, `row_count` too, which lies in the clear: it must not tell who is at a level.
    They are added in the order of ids, whatever order the panel is read in: entries are numbered
    in the clear, and by risk a stolen log would rank everybody.
    """
    looker = _practitioner(conn, caller)
    _log(
        conn,
        house,
        [
            looks.entry(
                house.vault,
                decision,
                looker=looker,
                subject=resident,
                purpose=Purpose.CARE,
                action=Action.READ,
                asked=decision.classes,
                request_id=request_id,
                now=now,
                row_count=1,
            )
            for resident, decision in sorted(seen, key=lambda one: one[0])
        ],
    )


def log_look(
    conn: Connection, house: House, ask: Look, decision: Decision, *, row_count: int
) -> None:
    """The entry of a look that was decided elsewhere, such as of a scanned code."""
    _log(conn, house, [_entry(conn, house, ask, decision, row_count)])


def withheld(decision: Decision) -> list[WithheldOut]:
    """The classes a decision keeps closed, in the order of the vocabulary, with their reasons."""
    return [
        _withheld(data_class, decision.withheld[data_class])
        for data_class in DataClass
        if data_class in decision.withheld
    ]


def withheld_documents(decision: Decision) -> list[dict[str, Any]]:
    """As `withheld`, ready to be spelled; nobody changes them."""
    return [
        _withheld_document(data_class, decision.withheld[data_class])
        for data_class in DataClass
        if data_class in decision.withheld
    ]


# Classes and rules are closed lists, so these are few.


@lru_cache(maxsize=1024)
def _withheld(data_class: DataClass, rule: str) -> WithheldOut:
    reason = Bilingual.of(gate.sentence(rule))
    return WithheldOut(data_class=data_class.value, reason=reason, rule=rule)


@lru_cache(maxsize=1024)
def _withheld_document(data_class: DataClass, rule: str) -> dict[str, Any]:
    return _withheld(data_class, rule).model_dump()


def _log(conn: Connection, house: House, entries: Sequence[Entry]) -> None:
    """Keep entries, and with them how much the vault has opened by now."""
    audit.append(conn, entries)
    tallies.note(conn, house.vault.openings, house.system)


def _entry(
    conn: Connection,
    house: House,
    ask: Look,
    decision: Decision,
    row_count: int,
    asker: Asker | None = None,
) -> Entry:
    return looks.entry(
        house.vault,
        decision,
        looker=_looker(conn, house, ask.caller, ask.subject, asker),
        subject=ask.subject,
        purpose=ask.purpose,
        action=ask.action,
        asked=ask.classes,
        request_id=ask.request_id,
        now=ask.now,
        row_count=row_count,
    )


def _looker(
    conn: Connection, house: House, caller: Caller, subject: UUID, asker: Asker | None
) -> Looker:
    if caller.id == subject:
        return Looker(caller.actor)
    if caller.kind == "resident":
        # Neither id nor name: the clear columns of the log must not show whose family this is.
        known_as = guardians.pseudonym(house.vault, subject, caller.id)
        return Looker(replace(caller.actor, id=known_as))
    if asker is not None:
        return Looker(caller.actor, asker.name, asker.clinic)
    return _practitioner(conn, caller)


def _practitioner(conn: Connection, caller: Caller) -> Looker:
    known = identity.practitioner(conn, caller.id)
    if known is None:
        return Looker(caller.actor)
    return Looker(caller.actor, known.name, known.clinic)


def _told(outcome: Answer | ServiceError) -> Answer:
    if isinstance(outcome, ServiceError):
        raise outcome
    return outcome
