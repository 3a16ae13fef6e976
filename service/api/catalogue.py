"""The public words of the service: measures, classes of data, purposes, regions.

Everything here is the same for everybody and holds nothing about anybody.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Protocol, TypeVar

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from consent.vocabulary import CLASSES, PURPOSES, DataClass
from service.api.body import StrictRoute
from service.api.schema import Bilingual, Limit, Page
from service.domain.regions import Level, Region, RegionTree
from service.domain.vocabulary.measures import MEASURES, Measure
from service.kit.errors import NotFound
from service.kit.paging import BadCursor

router = APIRouter(prefix="/v1", tags=["catalogue"], route_class=StrictRoute)

FRESHNESS = "public, max-age=3600"
"""Vocabulary changes with a release of the service only."""
WHOLE = 1000
"""One page holds every list of the catalogue save that of a large city's regions."""

Name = Annotated[str, InPath(min_length=1, max_length=64)]
After = Annotated[str | None, Query(min_length=1, max_length=64)]


class Bounds(BaseModel):
    """Closed bounds; null leaves a side open."""

    min: float | None
    max: float | None


class UnitOut(BaseModel):
    """stored = sent * factor + offset."""

    unit: str
    factor: float
    offset: float


class OptionOut(BaseModel):
    code: str
    name: Bilingual


class MeasureOut(BaseModel):
    """Something that can be measured, counted, scored or chosen."""

    code: str
    name: Bilingual
    category: str
    data_class: DataClass
    grade: int
    kind: str
    unit: str | None = Field(description="UCUM; null for coded measures.")
    decimals: int
    alternative_units: list[UnitOut]
    plausible: Bounds | None = Field(description="Outside is rejected.")
    usual: Bounds | None = Field(description="Outside, ask whether it is right.")
    options: list[OptionOut] | None
    sex: Literal["female", "male"] | None
    age: Bounds = Field(description="Completed years at which it applies.")
    loinc: str | None
    storage: Literal["record", "series"]
    computed: bool = Field(description="True when it is never typed by hand.")
    tier: Literal["core", "extended"]
    note: str


class DataClassOut(BaseModel):
    """A class of data: what it tells about a person, from grade 1 to 5."""

    code: DataClass
    name: Bilingual
    grade: int
    separate_consent: bool = Field(description="Agreed to one by one (PIPL article 29).")


class PurposeOut(BaseModel):
    code: str
    name: Bilingual


class RegionOut(BaseModel):
    """A division of the city."""

    code: str
    name: Bilingual
    level: Level
    parent: str | None
    north: bool
    urban: bool
    population: int


class Coded(Protocol):
    @property
    def code(self) -> str: ...


Entry = TypeVar("Entry", bound=Coded)


@router.get("/measures")
async def list_measures(
    response: Response, limit: Limit = WHOLE, cursor: After = None
) -> Page[MeasureOut]:
    """All measures, in the order of the vocabulary."""
    response.headers["cache-control"] = FRESHNESS
    return _page(MEASURE_LIST, limit, cursor)


@router.get("/measures/{code}")
async def get_measure(code: Name, response: Response) -> MeasureOut:
    """One measure: unit, accepted units, plausible range, options."""
    if code not in MEASURES:
        raise NotFound
    response.headers["cache-control"] = FRESHNESS
    return _measure(MEASURES[code])


@router.get("/data-classes")
async def list_data_classes(response: Response) -> Page[DataClassOut]:
    """The classes into which every value falls, and how sensitive each is."""
    response.headers["cache-control"] = FRESHNESS
    return Page(items=DATA_CLASS_LIST, next=None)


@router.get("/purposes")
async def list_purposes(response: Response) -> Page[PurposeOut]:
    """What data may be used for; a grant names purposes of this list."""
    response.headers["cache-control"] = FRESHNESS
    return Page(items=PURPOSE_LIST, next=None)


@router.get("/regions")
async def list_regions(
    request: Request,
    parent: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
    level: Level | None = None,
    limit: Limit = WHOLE,
    cursor: After = None,
) -> Page[RegionOut]:
    """The divisions of the city, all or those of one level or directly below one division."""
    regions: RegionTree = request.app.state.regions
    chosen = [
        region
        for region in regions
        if (parent is None or region.parent == parent) and (level is None or region.level == level)
    ]
    page = _page(chosen, limit, cursor)
    return Page(items=[_region(region) for region in page.items], next=page.next)


def _page(entries: Sequence[Entry], limit: int, cursor: str | None) -> Page[Any]:
    """The entries behind the one whose code is the cursor. Public lists need no signed cursor."""
    first = 0
    if cursor is not None:
        codes = [entry.code for entry in entries]
        if cursor not in codes:
            raise BadCursor
        first = codes.index(cursor) + 1
    items = list(entries[first : first + limit])
    more = first + limit < len(entries)
    return Page(items=items, next=items[-1].code if more else None)


def _measure(measure: Measure) -> MeasureOut:
    options = measure.options
    return MeasureOut(
        code=measure.code,
        name=Bilingual.of(measure.name),
        category=measure.category,
        data_class=measure.data_class,
        grade=measure.data_class.grade,
        kind=measure.kind,
        unit=measure.unit,
        decimals=measure.decimals,
        alternative_units=[
            UnitOut(unit=unit, factor=rule.factor, offset=rule.offset)
            for unit, rule in measure.conversions.items()
        ],
        plausible=None if measure.coded else _bounds(measure.plausible),
        usual=None if measure.coded else _bounds(measure.usual),
        options=None
        if options is None
        else [OptionOut(code=code, name=Bilingual.of(name)) for code, name in options.items()],
        sex=measure.sex,
        age=_bounds(measure.ages),
        loinc=measure.loinc,
        storage=measure.storage,
        computed=measure.only_derived,
        tier=measure.tier,
        note=measure.note,
    )


def _bounds(limits: tuple[float | None, float | None]) -> Bounds:
    return Bounds(min=limits[0], max=limits[1])


def _region(region: Region) -> RegionOut:
    return RegionOut(
        code=region.code,
        name=Bilingual.of(region.name),
        level=region.level,
        parent=region.parent,
        north=region.north,
        urban=region.urban,
        population=region.population,
    )


MEASURE_LIST = [_measure(measure) for measure in MEASURES.values()]
DATA_CLASS_LIST = [
    DataClassOut(
        code=data_class,
        name=Bilingual.of(traits.name),
        grade=traits.grade,
        separate_consent=traits.separate_consent,
    )
    for data_class, traits in CLASSES.items()
]
PURPOSE_LIST = [
    PurposeOut(code=purpose, name=Bilingual.of(name)) for purpose, name in PURPOSES.items()
]
