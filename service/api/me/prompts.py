"""A resident's prompt: what it says now, what it said before, what it would say if."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action, Text
from service.api import records as shapes
from service.api.body import Number, Shape, StrictRoute
from service.api.me.own import Mine
from service.api.schema import Bilingual
from service.appeals import actions as appeals
from service.appeals.body import Appeal
from service.domain.vocabulary.measures import MEASURES
from service.domain.vocabulary.values import misfit
from service.house import House
from service.kit.errors import Fault, Invalid
from service.prompts import actions as prompts
from service.prompts import history
from service.prompts.head import Colour
from service.prompts.history import Moment

router = APIRouter(tags=["me"], route_class=StrictRoute)


class FactorOut(BaseModel):
    """One factor with its index (0 worst, 100 best) and the level it carries."""

    factor: str
    index: float | None
    level: int | None
    inputs: dict[str, float | str | bool | None]
    as_of: str | None
    why: Bilingual
    source: str


class ModelOut(BaseModel):
    """What one published model says."""

    model: str
    value: Any
    unit: str | None
    category: str | None
    terms: dict[str, Any] | None = None
    valid: bool
    outside: list[str] = Field(description="Inputs outside the range the model was made for.")
    source: str
    grade: str = Field(description="A to D, or P for a product rule: see docs/risk-models.md.")
    notes: list[Bilingual] = Field(
        description="Why it does not hold for this person, and the caveat of a grade below B."
    )


class ActionOut(BaseModel):
    id: str
    text: Bilingual
    citation: str


class LeverOut(BaseModel):
    measure: str
    from_: float | str | None = Field(alias="from")
    to: float | str


class StepOut(BaseModel):
    """Applying `changes` through what-if gives `to_level` or better."""

    to_level: int
    changes: list[LeverOut]


class PendingOut(BaseModel):
    """The level would be this from that instant on, if assessments stay as they are."""

    level: int
    colour: Colour
    from_: str = Field(alias="from")
    text: Bilingual


class ReviewOut(BaseModel):
    """The doctor agreed with an appeal: this level is not to be relied on. `answer` says why."""

    appeal_id: UUID
    text: Bilingual
    answer: str
    name: str
    clinic: str
    at: str


class PromptOut(BaseModel):
    """`level` is null while there is not enough data (`missing` says what would carry one) and
    while automated levels are switched off (`automation` false).

    It rises at once and falls when two assessments at least 14 days apart agree; `pending` says
    when. Factors, causes and `path` are of today's readings.
    """

    level: int | None
    colour: Colour | None
    automation: bool
    explanation: UUID | None = Field(description="Why the level is this: see explanations.")
    pending: PendingOut | None
    review: ReviewOut | None
    provisional: bool = Field(description="What would settle the level is in `missing`.")
    reason: Bilingual | None = Field(description="Why there is no level, or none yet settled.")
    assessed_at: str
    life_stage: str
    index: float | None
    rule_pack: str
    caveat: Bilingual | None = Field(description="Of the level itself, a product rule (grade P).")
    factors: list[FactorOut]
    models: list[ModelOut]
    causes: list[str]
    actions: list[ActionOut]
    path: list[StepOut]
    path_note: Bilingual | None = Field(
        description="That the path is a model estimate, or that the next colour is out of reach."
    )
    missing: list[str]
    urgent: Any


class MomentOut(BaseModel):
    """From `at` on, level and index were these."""

    at: str
    level: int | None
    colour: Colour | None
    index: float | None
    explanation: UUID | None = Field(description="Set where the level changed.")


class HistoryOut(BaseModel):
    items: list[MomentOut]
    next: None


class WhatIf(Shape):
    """Measure codes with values in their own units, as if measured now."""

    values: dict[str, Number | str] = Field(min_length=1, max_length=64)


NOT_HERE = Text("没有这个指标。", "There is no such measure.")
UNFIT = Text("该指标不能取这个值。", "This measure cannot have this value.")


@router.get("/v1/me/prompt", responses={200: {"model": PromptOut}})
async def get_prompt(me: Mine) -> Response:
    """My level, why, and the smallest change that lowers it."""
    house, now = me.house, me.now

    def stored(connection: Connection, permit: Permit) -> bytes | None:
        found = prompts.current(connection, house.vault, permit, now=now)
        return None if found is None else _reviewed(connection, house, permit, found)

    def renewed(connection: Connection, permit: Permit) -> bytes:
        found = prompts.renew(connection, house.vault, permit, regions=house.regions, now=now)
        return _reviewed(connection, house, permit, found)

    found = await me.read(Action.READ, stored)
    if found is None:
        found = await me.write(Action.DERIVE, renewed)
    return shapes.answer(found)


@router.get("/v1/me/prompts", responses={200: {"model": HistoryOut}})
async def list_prompts(
    me: Mine,
    since: Annotated[date | None, Query(alias="from")] = None,
    until: Annotated[date | None, Query(alias="to")] = None,
) -> Response:
    """How level and index went, newest first: one item a change."""

    def job(connection: Connection, permit: Permit) -> list[Moment]:
        return history.between(connection, me.house.vault, permit, since=since, until=until)

    found = await me.read(Action.READ, job)
    items = [
        {
            "at": one.at,
            "level": one.level,
            "colour": one.colour,
            "index": one.index,
            "explanation": None if one.explanation is None else str(one.explanation),
        }
        for one in reversed(found)
    ]
    return shapes.answer({"items": items, "next": None})


@router.post("/v1/me/prompt/what-if", responses={200: {"model": PromptOut}})
async def what_if(wish: WhatIf, me: Mine) -> Response:
    """The prompt if these values were measured now. Nothing is stored."""
    values = _checked(wish.values)

    house = me.house

    def job(connection: Connection, permit: Permit) -> bytes:
        return prompts.what_if(
            connection, house.vault, permit, values, regions=house.regions, now=me.now
        )

    return shapes.answer(await me.read(Action.DERIVE, job))


RELY = Text(
    "医生已采纳您的异议：此级别正在人工复核，请勿作为依据。",
    "A doctor agreed with your appeal: this level is under human review and not to be relied on.",
)


def review_of(appeal: Appeal | None) -> ReviewOut | None:
    """What an appeal that was upheld says beside the level it is about."""
    if appeal is None or appeal.answer is None:
        return None
    return ReviewOut(
        appeal_id=appeal.id,
        text=Bilingual.of(RELY),
        answer=appeal.answer.reason,
        name=appeal.answer.name,
        clinic=appeal.answer.clinic,
        at=appeal.answer.at.isoformat(),
    )


def _reviewed(connection: Connection, house: House, permit: Permit, found: bytes) -> bytes:
    """The prompt with what a doctor said of the level it shows. The stored one never has it: a
    doctor who answers may not touch the owner's prompt."""
    for explanation, appeal in appeals.reviews(connection, house.vault, permit).items():
        if f'"explanation":"{explanation}"'.encode() in found:
            review = review_of(appeal)
            assert review is not None
            return found.replace(NO_REVIEW, NO_REVIEW[:-4] + review.model_dump_json().encode(), 1)
    return found


NO_REVIEW = b'"review":null'
"""No text of a prompt can hold these bytes: inside one the quotes are escaped."""


def _checked(values: Mapping[str, float | str]) -> Mapping[str, float | str]:
    """Values that could stand in a record, or every fault; a path may name computed measures."""
    faults = []
    for code, value in values.items():
        measure = MEASURES.get(code)
        if measure is None:
            faults.append(Fault("/values", "unknown-measure", NOT_HERE))
        elif (wrong := misfit(measure, value)) is not None:
            faults.append(Fault(f"/values/{code}", wrong, UNFIT))
        elif not isinstance(value, str) and not measure.plausible.holds(value):
            faults.append(Fault(f"/values/{code}", "out-of-range", UNFIT))
    if faults:
        raise Invalid(faults)
    return values
