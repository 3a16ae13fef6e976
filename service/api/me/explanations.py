"""Why the level changed, as it was known when it changed, and switching automated levels off."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action, Text
from service.api.body import Flag, Shape, StrictRoute
from service.api.me.own import Mine, Own
from service.api.me.prompts import ActionOut, ReviewOut, review_of
from service.api.schema import Bilingual, Moment, may_refuse
from service.appeals import actions as appeals
from service.appeals.body import DAYS
from service.domain.risk.advice import MESSAGES
from service.domain.risk.advice import REASONS as SENTENCES
from service.domain.risk.grounds import Ground, sentence
from service.domain.vocabulary.measures import MEASURES
from service.panel import actions as panel
from service.prompts import actions as prompts
from service.prompts import history
from service.prompts.head import COLOURS, Colour
from service.prompts.story import Story
from service.residents import actions as residents

router = APIRouter(prefix="/v1/me", tags=["me"], route_class=StrictRoute)

OBJECT = Text(
    f"认为不对，可提出异议（POST /v1/me/appeals，注明本说明的编号和理由），{DAYS}天内应得到答复；"
    "也可随时关闭自动评级（PUT /v1/me/prompt/automation），其他功能照常使用。",
    "If you think this is wrong, object (POST /v1/me/appeals with the id of this explanation and"
    f" your reason); an answer is due within {DAYS} days. You can also switch automated levels off"
    " (PUT /v1/me/prompt/automation) and go on using everything else.",
)
OFF = SENTENCES["switched_off"]
ON = Text(
    "级别由规则自动评定，只供您自己参考。您可以随时关闭，其他功能照常使用；"
    "关闭后不再评定和保存级别，危急值仍会告诉您该怎么做。",
    "Levels are assessed by rule and are for you alone. You can switch them off at any time and use"
    " everything else; no level is assessed or stored then, and an alarming reading is still"
    " answered with what to do now.",
)


class GroundOut(BaseModel):
    """One reading of that time. `name` is a measure, or `kind:code` of a diagnosis and the like."""

    name: str
    value: float | str
    unit: str | None
    at: Moment


class JudgedItem(BaseModel):
    """One judged item and the level it carried; the worst of them made the level."""

    item: str
    level: int


class ExplanationOut(BaseModel):
    """A change of level, told from what was stored at the time; nothing is computed anew.

    `whole` false: readings that were no cause were let go for want of room, or with the class they
    belonged to when it was erased (`erased`).
    """

    id: UUID
    at: str
    from_level: int | None
    from_colour: Colour | None
    to_level: int | None
    to_colour: Colour | None
    cause: Literal["assessed", "no_data", "switched_off"]
    rule_pack: str
    sentence: Bilingual
    causes: list[str]
    items: list[JudgedItem]
    readings: list[GroundOut]
    actions: list[ActionOut] = Field(description="What to do, as it was advised at the time.")
    whole: bool
    erased: bool
    object: Bilingual = Field(description="How to object.")
    review: ReviewOut | None


class AutomationChoice(Shape):
    """`on` false: no level is assessed or stored."""

    on: Flag


class AutomationOut(BaseModel):
    on: bool
    text: Bilingual


@router.get("/explanations/{explanation_id}", responses=may_refuse(404))
async def get_explanation(explanation_id: UUID, me: Mine) -> ExplanationOut:
    """Why the level changed then: causes, items, readings, what to do, how to object."""
    vault = me.house.vault

    def read(conn: Connection, permit: Permit) -> ExplanationOut:
        moment, story = history.explained(conn, vault, permit, explanation_id)
        review = review_of(appeals.reviews(conn, vault, permit).get(explanation_id))
        return _out(moment, story, review)

    return await me.read(Action.READ, read)


async def every_explanation(me: Own) -> list[ExplanationOut]:
    """Why each level was what it was, oldest first."""
    vault = me.house.vault

    def read(conn: Connection, permit: Permit) -> list[ExplanationOut]:
        reviews = appeals.reviews(conn, vault, permit)
        return [
            _out(moment, story, review_of(reviews.get(story.id)))
            for moment, story in history.stories(conn, vault, permit)
        ]

    return await me.read(Action.READ, read)


@router.get("/prompt/automation")
async def get_automation(me: Mine) -> AutomationOut:
    """Whether levels are assessed for me."""

    def read(conn: Connection, permit: Permit) -> AutomationOut:
        return _automation(residents.profile(conn, me.house.vault, permit).automation)

    return await me.read(Action.READ, read)


@router.put("/prompt/automation")
async def set_automation(choice: AutomationChoice, me: Mine) -> AutomationOut:
    """Switch automated levels off, or on again, which assesses at once. All else goes on."""
    house = me.house

    def switch(conn: Connection, permit: Permit) -> AutomationOut:
        prompts.switch(conn, house.vault, permit, on=choice.on, regions=house.regions, now=me.now)
        panel.refresh(conn, house.vault, resident=me.subject, regions=house.regions, now=me.now)
        return _automation(choice.on)

    return await me.write(Action.WRITE, switch)


def _automation(on: bool) -> AutomationOut:
    return AutomationOut(on=on, text=Bilingual.of(ON if on else OFF))


def _out(moment: history.Moment, story: Story, review: ReviewOut | None) -> ExplanationOut:
    grounds = story.grounds
    before, level = story.before, moment.level
    return ExplanationOut(
        id=story.id,
        at=moment.at,
        from_level=before,
        from_colour=_colour(before),
        to_level=level,
        to_colour=_colour(level),
        cause=story.cause,
        rule_pack=grounds.rule_pack,
        sentence=Bilingual.of(sentence(before, level, grounds.causes, story.cause)),
        causes=list(grounds.causes),
        items=[JudgedItem(item=item, level=n) for item, n in (grounds.items or {}).items()],
        readings=[_ground(one) for one in grounds.readings],
        actions=[
            ActionOut(
                id=message["id"],
                text=Bilingual(zh=message["zh"], en=message["en"]),
                citation=message["citation"],
            )
            for id_ in grounds.actions
            for message in MESSAGES
            if message["id"] == id_
        ],
        whole=story.whole,
        erased=story.erased,
        object=Bilingual.of(OBJECT),
        review=review,
    )


def _colour(level: int | None) -> Colour | None:
    return None if level is None else COLOURS[level]


def _ground(ground: Ground) -> GroundOut:
    measure = MEASURES.get(ground.name)
    return GroundOut(
        name=ground.name,
        value=ground.value,
        unit=None if measure is None else measure.unit,
        at=ground.at,
    )
