"""The texts residents agree to, every version: what a grant or a receipt names by its hash."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from service.api.body import StrictRoute
from service.api.catalogue import FRESHNESS
from service.api.schema import Bilingual, Moment, Page
from service.grants.notices import NoticeText, editions

router = APIRouter(prefix="/v1", tags=["catalogue"], route_class=StrictRoute)


class NoticeOut(BaseModel):
    """One version of a text that is read before agreeing."""

    id: str
    version: str
    text: Bilingual
    sha256: Bilingual = Field(description="Of the UTF-8 bytes of each text, in lower-case hex.")
    current: bool = Field(description="A grant given today names this version.")
    material: bool = Field(
        description="Consent under an older version does not cover this one: from `effective` on"
        " such a grant opens nothing until it is renewed."
    )
    effective: Moment | None


@router.get("/notices")
async def list_notices(response: Response) -> Page[NoticeOut]:
    """Every version of what residents read before they agree, oldest first."""
    response.headers["cache-control"] = FRESHNESS
    items = [_out(one, current=one is known[-1]) for known in editions().values() for one in known]
    return Page(items=items, next=None)


def _out(notice: NoticeText, *, current: bool) -> NoticeOut:
    return NoticeOut(
        id=notice.id,
        version=notice.version,
        text=Bilingual.of(notice.text),
        sha256=Bilingual(zh=notice.sha256("zh"), en=notice.sha256("en")),
        current=current,
        material=notice.material,
        effective=notice.effective,
    )
