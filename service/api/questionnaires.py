"""Questionnaires, open to everybody: wording, licence and bands, and what given answers say.

Nothing is stored, logged or tied to a person. Answers go in the body, never into the address.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from consent.vocabulary import DataClass, Text
from service.api.body import Shape, StrictRoute, Whole
from service.api.catalogue import FRESHNESS, Bounds
from service.api.schema import Bilingual, JsonObject, Page
from service.domain.questionnaires import scoring
from service.domain.questionnaires.instruments import INSTRUMENTS, Instrument, Item
from service.domain.vocabulary.faults import Faults, place
from service.kit.errors import Invalid, NotFound

router = APIRouter(prefix="/v1/questionnaires", tags=["questionnaires"], route_class=StrictRoute)

Name = Annotated[str, InPath(min_length=1, max_length=64)]
Sex = Literal["female", "male"]


class AnswerOut(BaseModel):
    value: int
    label: Bilingual


class ItemOut(BaseModel):
    """A question: one of `options`, or a whole number of `unit` within `bounds`."""

    id: str
    text: Bilingual
    loinc: str | None
    options: list[AnswerOut] | None
    unit: str | None
    bounds: Bounds | None
    scored: bool


class BandOut(BaseModel):
    low: int
    high: int
    sex: Literal["female", "male"] | None
    label: Bilingual


class QuestionnaireOut(BaseModel):
    """A questionnaire; `items_withheld` says why one has no items."""

    id: str
    version: str
    title: Bilingual
    data_class: DataClass
    total: str | None = Field(description="The measure of its score.")
    complete: bool = Field(description="Every item must be answered.")
    stem: Bilingual | None
    items: list[ItemOut]
    items_withheld: Bilingual | None
    bands: list[BandOut]
    scoring: str
    safety: Bilingual | None = Field(description="Said at once when one answer asks for it.")
    licence: str
    wording: str
    grade: Literal["A", "B", "C", "P"] = Field(
        description="A two sources, B one and a half, C one or from memory, P a product definition."
    )
    caveat: Bilingual
    method: JsonObject = Field(description="How answers become a score.")
    short_of: str | None = Field(description="The longer questionnaire it is the beginning of.")


class Answers(Shape):
    answers: dict[str, Whole] = Field(
        default_factory=dict, description="Item to the value of an answer.", max_length=100
    )
    sex: Sex | None = Field(None, description="Where the bands depend on it.")
    total: Whole | None = Field(
        None, description="The total, for a questionnaire whose items are not shown."
    )


class CrisisOut(BaseModel):
    """Whom to call, whatever the total."""

    text: Bilingual
    numbers: list[str]


class QuestionnaireScore(BaseModel):
    """What the answers say. Without a `total` the state says why there is none."""

    questionnaire: str
    version: str
    state: Literal["complete", "incomplete", "excluded"]
    total: float | None
    category: str | None
    label: Bilingual | None
    parts: JsonObject = Field(description="Scores of each scale, with its verdict.")
    missing: list[str] = Field(description="Items without which there is no total.")
    safety: CrisisOut | None
    notes: list[Bilingual]
    grade: Literal["A", "B", "C", "P"]
    licence: str


@router.get("")
async def list_questionnaires(response: Response) -> Page[QuestionnaireOut]:
    """All questionnaires with wording, answers and bands."""
    response.headers["cache-control"] = FRESHNESS
    return Page(items=QUESTIONNAIRE_LIST, next=None)


@router.get("/{id}")
async def get_questionnaire(id: Name, response: Response) -> QuestionnaireOut:
    """One questionnaire."""
    instrument = _known(id)
    response.headers["cache-control"] = FRESHNESS
    return _questionnaire(instrument)


@router.post("/{id}/score")
def score_questionnaire(id: Name, question: Answers) -> QuestionnaireScore:
    """Score answers. Stores nothing; what must be said at once is in the same answer."""
    instrument = _known(id)
    faults = _faults(instrument, question)
    if faults:
        raise Invalid(list(faults))
    found = scoring.score(instrument, question.answers, sex=question.sex, total=question.total)
    return _scored(found)


def _known(name: str) -> Instrument:
    instrument = INSTRUMENTS.get(name)
    if instrument is None:
        raise NotFound
    return instrument


def _faults(instrument: Instrument, question: Answers) -> Faults:
    faults = Faults()
    for item, answer in question.answers.items():
        if item not in instrument.items:
            faults.add(place("/answers", item), "unknown-item")
        elif not instrument.items[item].accepts(answer):
            faults.add(f"/answers/{item}", "bad-answer")
    if question.total is not None:
        bounds = instrument.method.get("range")
        if bounds is None:
            faults.add("/total", "not-asked")
        elif not bounds[0] <= question.total <= bounds[1]:
            faults.add("/total", "out-of-range")
    return faults


def _scored(found: scoring.Result) -> QuestionnaireScore:
    instrument = found.instrument
    return QuestionnaireScore(
        questionnaire=instrument.id,
        version=instrument.version,
        state=found.state,
        total=found.total,
        category=found.category,
        label=_maybe(found.label),
        parts=dict(found.parts),
        missing=list(found.missing),
        safety=_crisis(instrument, found.crisis),
        notes=[Bilingual.of(note) for note in (*found.notes, instrument.caveat)],
        grade=instrument.grade,
        licence=instrument.licence,
    )


def _crisis(instrument: Instrument, text: Text | None) -> CrisisOut | None:
    if text is None or instrument.safety is None:
        return None
    return CrisisOut(text=Bilingual.of(text), numbers=list(instrument.safety.numbers))


def _questionnaire(instrument: Instrument) -> QuestionnaireOut:
    return QuestionnaireOut(
        id=instrument.id,
        version=instrument.version,
        title=Bilingual.of(instrument.title),
        data_class=instrument.data_class,
        total=instrument.total,
        complete=instrument.complete,
        stem=_maybe(instrument.stem),
        items=[_item(item) for item in instrument.items.values()],
        items_withheld=_maybe(instrument.items_withheld),
        bands=[
            BandOut(low=band.low, high=band.high, sex=band.sex, label=Bilingual.of(band.label))
            for band in instrument.bands
        ],
        scoring=instrument.scoring,
        safety=None if instrument.safety is None else Bilingual.of(instrument.safety.text),
        licence=instrument.licence,
        wording=instrument.wording,
        grade=instrument.grade,
        caveat=Bilingual.of(instrument.caveat),
        method=dict(instrument.method),
        short_of=instrument.short_of,
    )


def _item(item: Item) -> ItemOut:
    options = item.options
    return ItemOut(
        id=item.id,
        text=Bilingual.of(item.text),
        loinc=item.loinc,
        options=None
        if options is None
        else [AnswerOut(value=o.value, label=Bilingual.of(o.label)) for o in options],
        unit=item.unit,
        bounds=None if options is not None else Bounds(min=item.low, max=item.high),
        scored=item.scored,
    )


def _maybe(text: Text | None) -> Bilingual | None:
    return None if text is None else Bilingual.of(text)


QUESTIONNAIRE_LIST = [_questionnaire(instrument) for instrument in INSTRUMENTS.values()]
