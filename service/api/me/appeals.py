"""Objecting to a level or a record of mine, and what came of it."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints, model_validator
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action
from service.api.body import Flag, Shape, StrictRoute
from service.api.me.own import Mine
from service.api.schema import CursorText, Limit, Moment, may_refuse
from service.appeals import actions
from service.appeals.body import DAYS, Appeal

router = APIRouter(prefix="/v1/me", tags=["me"], route_class=StrictRoute)

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
"""A reason in somebody's own words."""


class Thing(Shape):
    """Exactly one of them: a change of level by the id of its explanation, or a record."""

    explanation: UUID | None = None
    record: UUID | None = None

    @model_validator(mode="after")
    def _one(self) -> "Thing":
        if (self.explanation is None) == (self.record is None):
            raise ValueError("exactly one of explanation and record")
        return self


class AppealBody(Shape):
    """`for_doctor` true: the doctor I signed with may read this appeal and answers it, as long as
    the grant lets them see my profile. False: nobody reads it, so nobody can answer."""

    about: Thing
    reason: Sentence
    for_doctor: Flag


class AboutOut(BaseModel):
    """What the appeal is about. Levels and the moment are those of the change objected to."""

    kind: Literal["explanation", "record"]
    id: UUID
    from_level: int | None
    to_level: int | None
    at: str | None


class AppealAnswer(BaseModel):
    outcome: Literal["upheld", "rejected"]
    reason: str
    name: str
    clinic: str
    at: Moment


class AppealOut(BaseModel):
    """`deadline` is the end of the last day for an answer; `overdue` that it passed without one.

    An upheld appeal to a level marks the prompt as not to be relied on while that level stands;
    one to a record leaves the correcting to its owner, who alone replaces or deletes records.
    `reason` and the answer's are empty once a class is erased that the level rested on.
    """

    id: UUID
    about: AboutOut
    reason: str
    for_doctor: bool
    state: Literal["open", "answered", "withdrawn"]
    opened_at: Moment
    deadline: Moment = Field(description=f"{DAYS} days after the day it was opened.")
    overdue: bool
    answer: AppealAnswer | None
    withdrawn_at: Moment | None


class AppealPage(BaseModel):
    items: list[AppealOut]
    next: str | None


@router.post("/appeals", status_code=201, responses=may_refuse(409))
async def file_appeal(body: AppealBody, me: Mine) -> AppealOut:
    """Object to a change of level or to a record. The answer is due within fifteen days."""
    about = body.about
    kind: Literal["explanation", "record"] = "record" if about.record else "explanation"
    thing = about.record or about.explanation
    assert thing is not None

    def job(conn: Connection, permit: Permit) -> AppealOut:
        filed = actions.file(
            conn,
            me.house.vault,
            permit,
            kind=kind,
            about=thing,
            reason=body.reason,
            for_doctor=body.for_doctor,
            now=me.now,
        )
        return _out(filed, me)

    return await me.write(Action.WRITE, job)


@router.get("/appeals")
async def list_appeals(me: Mine, limit: Limit = 50, cursor: CursorText = None) -> AppealPage:
    """My appeals, newest first."""
    house = me.house

    def read(conn: Connection, permit: Permit) -> list[AppealOut]:
        return [_out(one, me) for one in actions.every(conn, house.vault, permit)]

    found = await me.read(Action.READ, read)
    scope = ("appeals", str(me.subject))
    shown, next_ = house.cursors.page(scope, found, lambda one: one.id, cursor=cursor, limit=limit)
    return AppealPage(items=shown, next=next_)


@router.get("/appeals/{appeal_id}", responses=may_refuse(404))
async def get_appeal(appeal_id: UUID, me: Mine) -> AppealOut:
    """One appeal: its state, its deadline, and the answer."""

    def read(conn: Connection, permit: Permit) -> AppealOut:
        return _out(actions.one(conn, me.house.vault, permit, appeal_id), me)

    return await me.read(Action.READ, read)


@router.delete("/appeals/{appeal_id}", responses=may_refuse(404, 409))
async def withdraw_appeal(appeal_id: UUID, me: Mine) -> AppealOut:
    """Take an appeal back before it is answered. Twice is as good as once."""

    def job(conn: Connection, permit: Permit) -> AppealOut:
        return _out(actions.withdraw(conn, me.house.vault, permit, appeal_id, now=me.now), me)

    return await me.write(Action.WRITE, job)


def about_out(appeal: Appeal) -> AboutOut:
    about = appeal.about
    return AboutOut(
        kind=about.kind,
        id=about.id,
        from_level=about.before,
        to_level=about.level,
        at=about.at,
    )


def _out(appeal: Appeal, me: Mine) -> AppealOut:
    answer = appeal.answer
    return AppealOut(
        id=appeal.id,
        about=about_out(appeal),
        reason=appeal.reason,
        for_doctor=appeal.for_doctor,
        state=appeal.state,
        opened_at=appeal.opened_at,
        deadline=appeal.deadline,
        overdue=appeal.overdue(me.now),
        answer=None
        if answer is None
        else AppealAnswer(
            outcome=answer.outcome,
            reason=answer.reason,
            name=answer.name,
            clinic=answer.clinic,
            at=answer.at,
        ),
        withdrawn_at=appeal.withdrawn_at,
    )
