"""A child's growth against WHO's tables and the Chinese cut-offs. Nothing is stored or logged."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from service.api.body import Number, Shape, StrictRoute, Whole
from service.api.schema import Bilingual
from service.domain.growth import assess as who
from service.domain.growth import school_age
from service.domain.growth.assess import Child
from service.domain.growth.school_age import Judgement
from service.domain.vocabulary.faults import Faults
from service.domain.vocabulary.measures import MEASURES
from service.kit.errors import Invalid

router = APIRouter(prefix="/v1/growth", tags=["standards"], route_class=StrictRoute)

LAST_MONTH = 228
LAST_DAY = 6939
MEASURED = {"height": "body_height", "weight": "body_weight", "head": "head_circumference"}


class Measured(Shape):
    """A child, and what was measured. Exactly one of the two ages."""

    sex: Literal["female", "male"]
    age_days: Whole | None = None
    age_months: Number | None = Field(None, description="With decimals, from 0 to 228.")
    height: Number | None = Field(None, description="cm, lying below 731 days.")
    weight: Number | None = Field(None, description="kg")
    head: Number | None = Field(None, description="Head circumference, cm, below 60 months.")
    position: Literal["lying", "standing"] | None = Field(
        None, description="How the height was taken; 0.7 cm apart. None: as the age asks for."
    )


class FindingOut(BaseModel):
    """A z-score. Where it is not plausible, measure again: there is no category."""

    indicator: str
    z: float
    plausible: bool
    category: str | None
    label: Bilingual | None


class SchoolAgeOut(BaseModel):
    """WS/T 586-2018 and WS/T 456-2014, from 6.0 to 18.0 years."""

    category: str
    label: Bilingual
    bmi: float
    stunted: bool | None = Field(description="Null where the source has no row.")
    edition: str
    source: str


class GrowthAnswer(BaseModel):
    findings: list[FindingOut]
    school_age: SchoolAgeOut | None
    version: str
    grade: Literal["A", "B", "C"]
    notes: list[Bilingual]
    source: str


@router.post("")
def assess_growth(measured: Measured) -> GrowthAnswer:
    """Z-scores of WHO and, at school age, the Chinese judgement. Stores nothing."""
    faults = _faults(measured)
    if faults:
        raise Invalid(list(faults))
    child = Child(**measured.model_dump())
    findings, judged = who.assess(child), who.at_school_age(child)
    return GrowthAnswer(
        findings=[_finding(one) for one in findings],
        school_age=None if judged is None else _school_age(judged),
        version=who.VERSION,
        grade=who.GRADE,
        notes=[Bilingual.of(note) for note in who.notes(child, findings, judged)],
        source=who.SOURCE,
    )


def _faults(measured: Measured) -> Faults:
    faults = Faults()
    days, months = measured.age_days, measured.age_months
    if (days is None) == (months is None):
        faults.add("/age_days", "required" if days is None else "not-asked")
    elif days is not None and not 0 <= days <= LAST_DAY:
        faults.add("/age_days", "out-of-range")
    elif months is not None and not 0 <= months <= LAST_MONTH:
        faults.add("/age_months", "out-of-range")
    values = {name: getattr(measured, name) for name in MEASURED}
    for name, value in values.items():
        if value is not None and not MEASURES[MEASURED[name]].plausible.holds(value):
            faults.add(f"/{name}", "out-of-range")
    if all(value is None for value in values.values()):
        faults.add("", "no-values")
    return faults


def _finding(one: who.Finding) -> FindingOut:
    label = None if one.category is None else Bilingual.of(who.NAMES[one.category])
    return FindingOut(
        indicator=one.indicator,
        z=one.z,
        plausible=one.plausible,
        category=one.category,
        label=label,
    )


def _school_age(found: Judgement) -> SchoolAgeOut:
    return SchoolAgeOut(
        category=found.category,
        label=Bilingual.of(school_age.NAMES[found.category]),
        bmi=found.bmi,
        stunted=found.stunted,
        edition=school_age.document()["edition"],
        source=school_age.document()["citation"],
    )
