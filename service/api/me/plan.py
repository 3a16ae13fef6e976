"""A plan: exercise, what is due, follow-ups, goals and messages, each with its source."""

from datetime import date
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action
from service.api import records as shapes
from service.api.body import StrictRoute
from service.api.me.own import Mine
from service.api.schema import Bilingual
from service.api.standards import ItemResult
from service.plans import actions as plans

router = APIRouter(tags=["me"], route_class=StrictRoute)

Grade = Literal["A", "B", "C", "P"]
Value = float | str


class Sourced(BaseModel):
    """Where a line comes from; grade A to C, or P for a product rule. The caveat goes with it."""

    source: str
    grade: Grade
    caveat: Bilingual


class BoundsOut(BaseModel):
    low: int
    high: int


class ReasonOut(BaseModel):
    id: str
    text: Bilingual


class ExerciseOut(Sourced):
    """What I may do in a week (`goal`) and a session, or why my doctor decides (`refer`)."""

    status: Literal["prescribed", "refer"]
    ceiling: Literal["none", "moderate", "vigorous"]
    reasons: list[ReasonOut]
    goal: dict[str, Any]
    session: dict[str, BoundsOut] = Field(description="Days a week, minutes, percent, sets.")
    more: dict[str, dict[str, Any]]
    target_heart_rate: BoundsOut | None = Field(description="Beats a minute.")
    instead: Bilingual | None = Field(description="What to go by where no heart rate may be given.")
    cautions: list[Bilingual]
    rules: list[str]


class DueLine(Sourced):
    """Something that is due; it is an invitation and moves no level."""

    item: str
    kind: Literal["visit", "check", "screening", "questionnaire"]
    text: Bilingual
    due: date
    until: date | None = Field(description="The last day, where there is a window.")
    overdue: bool
    last: date | None
    model: str | None = Field(description="Can be computed at /v1/models/{id}.")
    questionnaire: str | None = Field(description="Can be answered: /v1/questionnaires/{id}.")


class ControlOut(BaseModel):
    class_: Literal["satisfied", "unsatisfied", "adverse_reaction", "complication"] = Field(
        alias="class"
    )
    label: Bilingual


class ReferralOut(BaseModel):
    reason: Literal["urgent", "complication", "adverse_reaction", "twice_unsatisfied"]
    text: Bilingual


class ClinicalTargetOut(Sourced):
    """What a guideline aims at, beside the norm: each measure below its number."""

    below: dict[str, float]


class FollowUpLine(Sourced):
    """How a followed disease stands by the national norm. `basis` says whose readings speak."""

    condition: Literal["hypertension", "diabetes"]
    text: Bilingual
    control: ControlOut | None
    basis: Literal["visit", "home"] | None
    last: date | None
    due: date
    overdue: bool
    referral: ReferralOut | None
    norm: dict[str, float] = Field(description="Limits of control: each measure below its number.")
    target: ClinicalTargetOut
    visits_this_year: int
    visits_a_year: int


class GrowthFinding(BaseModel):
    """One indicator of WHO; not plausible means: measure again, nothing is judged."""

    indicator: str
    z: float
    plausible: bool
    category: str | None
    label: Bilingual | None


class SchoolAgeJudgement(BaseModel):
    """The Chinese cut-offs from 6 to 18 years."""

    category: str
    label: Bilingual
    bmi: float
    stunted: bool | None


class GrowthLine(Sourced):
    """How a child grows, by the measurements of `day`."""

    day: date
    findings: list[GrowthFinding]
    school_age: SchoolAgeJudgement | None


class FitnessLine(Sourced):
    """The results of one day under one edition of a national standard, computed when it is read.

    Students are scored by the `school_grade` recorded in the school year of the test (1 September
    to 31 August), never by one guessed from their age or moved up from another year: without it
    `missing` says so from 7 to 17 years. An adult's results are scored under every edition that
    holds on the day; of a student from 20 years only where the adults' tests are complete.
    """

    day: date
    standard_id: str
    edition: str
    version: str
    provisional: bool = Field(description="The edition was not compared with its printed text.")
    school_grade: str | None = Field(description="The column a student was scored by.")
    measure: Literal["student_standard_score", "npfs_grade"]
    state: Literal["complete", "incomplete"]
    missing: list[str] = Field(description="Items, or grade where the school grade is not known.")
    items: dict[str, ItemResult]
    standard: float | None = Field(description="Weighted score before the bonus.")
    bonus: int | None
    total: float | None
    level: Literal["excellent", "good", "pass", "fail"] | None
    level_name: Bilingual | None


class MeasuredOut(BaseModel):
    measure: str
    value: float
    unit: str | None
    day: date


class YouthLine(Sourced):
    """What counts from 7 to 17 years: the newest values of the last year, and the bound if any."""

    item: Literal["daily_hour", "sight", "teeth"]
    text: Bilingual
    values: list[MeasuredOut]
    at_least: float | None
    at_most: float | None
    met: bool | None = Field(description="Null where nothing is recorded or no bound was found.")


class ColourOut(BaseModel):
    colour: Literal["green", "yellow", "orange", "red", "purple"]
    label: Bilingual
    entered: date


class PregnancyOut(Sourced):
    """The colours of the pregnancy's risk as a doctor entered them; never computed."""

    colours: list[ColourOut]


class PointOut(BaseModel):
    value: Value
    day: date


class GoalLine(Sourced):
    """A goal and how far I am. `authority` says who wants it; `path` is a suggestion."""

    measure: str
    name: Bilingual
    unit: str | None
    goal: str | None = Field(description="The code of the goal record, where there is one.")
    record_id: str | None
    direction: Literal["at_most", "below", "at_least", "keep", "become"]
    target: Value
    since: date | None
    baseline: PointOut | None
    latest: PointOut | None
    percent: int | None = Field(description="0 to 100; 100 exactly when the goal is met.")
    met: bool | None
    authority: Literal["resident", "practitioner", "norm", "guideline", "path"]


class MessageLine(Sourced):
    id: str
    text: Bilingual


class PlanOut(BaseModel):
    """`day` is today in my own zone."""

    day: date
    life_stage: Literal["child", "youth", "adult", "older", "pregnant"]
    exercise: ExerciseOut
    due: list[DueLine] = Field(description="What is advised now, and the visits ahead.")
    later: list[DueLine] = Field(
        description="What was done and comes again: nothing of it is advised before its day."
    )
    growth: GrowthLine | None = Field(description="Below 18 years, where there is no level.")
    fitness: list[FitnessLine] = Field(description="Fitness tests of the last year, newest first.")
    youth: list[YouthLine] = Field(description="From 7 to 17 years.")
    pregnancy: PregnancyOut | None
    follow_ups: list[FollowUpLine]
    goals: list[GoalLine]
    messages: list[MessageLine]


@router.get("/v1/me/plan", responses={200: {"model": PlanOut}})
async def get_plan(me: Mine) -> Response:
    """How to exercise, what is due, how follow-ups and goals stand, and what to do.

    A goal is a record of the kind `goal` (POST /v1/me/records) whose values are its targets.
    """
    house = me.house

    def job(connection: Connection, permit: Permit) -> dict[str, Any]:
        return plans.plan(connection, house.vault, permit, regions=house.regions, now=me.now)

    return shapes.answer(await me.read(Action.READ, job))
