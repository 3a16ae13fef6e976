"""National fitness standards, open to everybody: their tables, and the score of given results.

Nothing is stored, logged or tied to a person. Results go in the body, never into the address.
"""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from service.api.body import Flag, Number, Shape, StrictRoute, Whole
from service.api.catalogue import FRESHNESS
from service.api.schema import Bilingual, JsonObject, Page
from service.domain.fitness import catalogue
from service.domain.fitness.explain import number, shown
from service.domain.fitness.standard import Item, Score, Standard
from service.kit.errors import Invalid, NotFound

router = APIRouter(prefix="/v1/standards", tags=["standards"], route_class=StrictRoute)

Name = Annotated[str, InPath(min_length=1, max_length=64)]
Grade = Literal["A", "B", "C"]
HEADING = frozenset(
    {"id", "version", "edition", "valid_from", "status", "grade", "title", "issuer", "citation"}
    | {"population", "caveats", "items"}
)
"""Members of the file that have a place of their own in the answer."""


class StandardSummary(BaseModel):
    id: str
    version: str = Field(description="Edition of the data; kept with every score.")
    edition: str
    valid_from: str
    status: Literal["official", "provisional"]
    grade: Grade = Field(description="A two sources, B partly two, C one.")
    title: Bilingual
    issuer: str
    citation: str
    population: Bilingual
    caveats: list[Bilingual]


class TestItem(BaseModel):
    """One test; `measure` by sex is what its results are recorded under."""

    id: str
    name: Bilingual
    unit: str
    direction: Literal["higher", "lower"]
    precision: int
    measure: dict[str, str]
    grade: Grade


class StandardAnswer(StandardSummary):
    """The whole standard with every number of its tables."""

    items: list[TestItem]
    table: JsonObject


class Performance(Shape):
    sex: Literal["female", "male"]
    age: Whole | None = Field(None, description="Completed years on the day, for adults.")
    grade: str | None = Field(None, max_length=8, description="1 to 12, u12 or u34, for students.")
    exempt: Flag = Field(False, description="Excused from the test: no score, and no zero.")
    results: dict[str, Number] = Field(
        description="Named as in the standard's `items`, in its units; bmi, or height and weight.",
        max_length=50,
    )


class NextStep(BaseModel):
    points: int
    result: float


class ItemResult(BaseModel):
    result: float
    points: int
    label: Bilingual | None
    grade: Grade
    provisional: Bilingual | None = Field(description="Why this cell may yet change.")
    next: NextStep | None
    explanation: Bilingual | None


class StandardScore(BaseModel):
    """A score and the edition it was made under. Points are whole; totals have two decimals."""

    standard_id: str
    edition: str
    version: str
    status: Literal["official", "provisional"]
    state: Literal["complete", "incomplete", "exempt"]
    item_scores: dict[str, int]
    items: dict[str, ItemResult]
    missing: list[str]
    standard: float | None = Field(description="Weighted score before the bonus.")
    bonus: int | None
    total: float | None
    level: Literal["excellent", "good", "pass", "fail"] | None
    level_name: Bilingual | None
    notes: list[Bilingual]
    source: str


@router.get("")
async def list_standards(response: Response) -> Page[StandardSummary]:
    """Every standard and edition that results can be scored under."""
    response.headers["cache-control"] = FRESHNESS
    items = [StandardSummary(**_heading(one)) for one in catalogue.STANDARDS.values()]
    return Page(items=items, next=None)


@router.get("/{standard_id}")
async def get_standard(standard_id: Name, response: Response) -> StandardAnswer:
    """One standard with its tables, and what is uncertain about them."""
    standard = _known(standard_id)
    response.headers["cache-control"] = FRESHNESS
    table = {key: value for key, value in standard.table.items() if key not in HEADING}
    return StandardAnswer(
        **_heading(standard),
        items=[_item(item) for item in standard.items.values()],
        table=json.loads(json.dumps(table, default=float)),
    )


@router.post("/{standard_id}/score")
def score_standard(standard_id: Name, question: Performance) -> StandardScore:
    """Score results under one edition. Stores nothing."""
    _known(standard_id)
    found = catalogue.score(
        standard_id,
        question.sex,
        question.results,
        age=question.age,
        grade=question.grade,
        exempt=question.exempt,
    )
    if isinstance(found, list):
        raise Invalid(found)
    return _scored(found)


def _known(standard_id: str) -> Standard:
    standard = catalogue.STANDARDS.get(standard_id)
    if standard is None:
        raise NotFound
    return standard


def _heading(standard: Standard) -> dict[str, Any]:
    return {
        "id": standard.id,
        "version": standard.version,
        "edition": standard.edition,
        "valid_from": standard.valid_from,
        "status": standard.status,
        "grade": standard.grade,
        "title": Bilingual.of(standard.title),
        "issuer": standard.issuer,
        "citation": standard.citation,
        "population": Bilingual.of(standard.population),
        "caveats": [Bilingual.of(caveat) for caveat in standard.caveats],
    }


def _item(item: Item) -> TestItem:
    return TestItem(
        id=item.id,
        name=Bilingual.of(item.name),
        unit=item.unit,
        direction="higher" if item.higher else "lower",
        precision=item.precision,
        measure=dict(item.measure),
        grade=item.grade,
    )


def _scored(found: Score) -> StandardScore:
    standard, level = found.source, found.level
    return StandardScore(
        standard_id=standard.id,
        edition=standard.edition,
        version=standard.version,
        status=standard.status,
        state=found.state,
        item_scores={name: one.points for name, one in found.items.items()},
        items={
            name: ItemResult.model_validate(shown(standard, name, one))
            for name, one in found.items.items()
        },
        missing=list(found.missing),
        standard=number(found.standard),
        bonus=found.bonus,
        total=number(found.total),
        level=None if level is None else level.code,
        level_name=None if level is None else Bilingual.of(level.name),
        notes=[Bilingual.of(note) for note in found.notes],
        source=standard.citation,
    )
