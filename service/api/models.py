"""Stateless calculators, open to everybody: what they are, and what they say about given inputs.

Nothing is stored, logged or tied to a person. Inputs go in the body, never into the address.
"""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from service.api.body import Shape, StrictRoute
from service.api.schema import Bilingual, JsonObject, Page
from service.domain.risk.models import MODELS, InputsRejected, Model, described, evaluate
from service.kit.errors import Fault, Invalid, NotFound

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=StrictRoute)


class ModelSummary(BaseModel):
    id: str
    version: str
    name: Bilingual
    kind: str = Field(description="equation, points, cut-offs, rules or product.")
    grade: str = Field(description="A, B, C, or P for a product definition.")
    citation: str
    caveat: Bilingual
    unit: str | None


class ModelAnswer(ModelSummary):
    """The whole model: what may be given, every number it computes with, and its traps."""

    population: Bilingual
    inputs: JsonObject
    parameters: JsonObject
    categories: list[JsonObject]
    traps: list[Bilingual]
    silent_outside: bool = Field(
        description="True where no number is given outside the `derived` range of an input."
    )


class Question(Shape):
    inputs: dict[str, Any] = Field(description="Named as in the model's `inputs`.")


class Evaluation(BaseModel):
    value: Any = Field(description="A number, a text, or an object where there are several.")
    unit: str | None
    category: str | None
    terms: JsonObject = Field(description="What each term contributed.")
    valid: bool = Field(description="False outside the population the model was made for.")
    outside: list[str] = Field(description="Inputs outside the range the model was made for.")
    notes: list[Bilingual] = Field(description="What to know of this answer; the caveat is last.")
    grade: str = Field(description="A, B, C, or P for a product definition.")
    source: str


@router.get("")
async def list_models() -> Page[ModelSummary]:
    """Every calculator of the service."""
    items = [ModelSummary.model_validate(model.summary()) for model in MODELS.values()]
    return Page(items=items, next=None)


@router.get("/{model_id}")
async def get_model(model_id: str) -> ModelAnswer:
    """One calculator with its inputs, parameters, categories and traps."""
    return ModelAnswer.model_validate(described(_known(model_id)))


@router.post("/{model_id}/evaluate")
def evaluate_model(model_id: str, question: Question) -> Evaluation:
    """Run one calculator on inputs. Stores nothing."""
    _known(model_id)
    try:
        answer = evaluate(model_id, question.inputs)
    except InputsRejected as refusal:
        faults = [Fault(*fault) for fault in refusal.faults]
        raise Invalid(faults) from None
    return Evaluation.model_validate(answer)


def _known(model_id: str) -> Model:
    model = MODELS.get(model_id)
    if model is None:
        raise NotFound
    return model
