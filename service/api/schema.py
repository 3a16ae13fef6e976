"""Shapes that several audiences share in their answers."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, Field

from consent.vocabulary import Text

Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=1000)]
"""How many items of a list at most."""
CursorText = Annotated[str | None, Query(max_length=512)]
"""Where the list goes on: the `next` of the page before, opaque and signed."""
Moment = AwareDatetime
"""An instant with an offset (RFC 3339)."""


class Bilingual(BaseModel):
    """One sentence or name in both languages."""

    zh: str
    en: str

    @classmethod
    def of(cls, text: Text) -> "Bilingual":
        return cls(zh=text.zh, en=text.en)


class Page(BaseModel, Generic[Item]):
    """A part of a list; `next` is null on the last one."""

    items: list[Item]
    next: str | None


class FaultOut(BaseModel):
    """One thing wrong with one place of the request."""

    pointer: str = Field(description="RFC 6901 pointer into the body, or `/query/<name>`.")
    code: str
    detail: str


class Problem(BaseModel):
    """RFC 9457 problem document. It never repeats what was sent."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None = None
    rule: str | None = Field(None, description="The consent rule that refused.")
    advice: str | None = Field(None, description="What can be done about that refusal.")
    error: str | None = Field(None, description="OAuth 2 error code, at the token door only.")
    errors: list[FaultOut] | None = None
    safety: Bilingual | None = Field(
        None, description="What the person must be told at once, though this was refused."
    )


JsonObject = dict[str, Any]
Responses = dict[int | str, dict[str, Any]]


def may_refuse(*statuses: int) -> Responses:
    """Faults of an operation beyond those its parameters, body and lock bring with them."""
    return {status: {} for status in statuses}


def instant_text(instant: datetime) -> str:
    """RFC 3339 in UTC with `Z`."""
    return instant.isoformat().replace("+00:00", "Z")
