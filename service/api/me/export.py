"""Taking everything along: one file with all that is kept of me, in a form that others read.

The decision and its entry in the access log come before the first byte. From then on the answer is
a stream of pieces, each read when the one before has left, so it takes the same room for ten
records as for a hundred thousand. Whatever goes wrong on the way cuts it short: a file that is not
whole is no valid JSON, and no zip.
"""

from collections.abc import AsyncIterator, Callable
from math import ceil
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import Connection
from starlette.concurrency import iterate_in_threadpool

from consent.vocabulary import Action, Purpose
from service.api import gate as looks
from service.api.body import StrictRoute
from service.api.deps import Lang, Now, RequestId, Resident
from service.api.gate import Look
from service.api.me import exported
from service.api.me.exported import Exporting
from service.api.me.portable import PersonalExport, columns
from service.api.problems import alarm
from service.api.rooms import HouseDep
from service.api.schema import instant_text
from service.exports.bundle import Bundle
from service.exports.document import Document
from service.exports.form import Form, Head, Piece
from service.exports.sheets import Sheets
from service.grants import gate, standing
from service.kit.clock import CITY_ZONE
from service.kit.errors import IntegrityBroken, RateLimited

router = APIRouter(prefix="/v1/me", tags=["me"], route_class=StrictRoute)

FORMS: dict[str, Callable[[], Form]] = {
    "json": Document,
    "fhir": Bundle,
    "csv": lambda: Sheets(columns()),
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": PersonalExport,
        "content": {
            "application/fhir+json": {"schema": {"type": "object", "additionalProperties": True}},
            "application/zip": {"schema": {}},  # Bytes have no type.
        },
    }
}


@router.get("/export", responses=ANSWERS)
async def export_me(
    request: Request,
    caller: Resident,
    house: HouseDep,
    now: Now,
    request_id: RequestId,
    language: Lang,
    form: Annotated[Literal["json", "fhir", "csv"], Query(alias="format")] = "json",
) -> Response:
    """Everything that is kept of me as one file; needs a sign-in from the last five minutes.

    `json` in the shapes of this contract, `csv` a zip of tables for spreadsheets, `fhir` an R4
    Bundle without my name. What is added meanwhile may be in it or not. A file that breaks off is
    not whole: ask again.
    """
    if wait := request.app.state.limits.wait("export", caller.id, now.timestamp()):
        raise RateLimited(ceil(wait))
    me = Exporting(caller, caller.id, house, now, request_id)
    await _admitted(me)
    made = FORMS[form]()
    day = now.astimezone(CITY_ZONE).date()
    return StreamingResponse(
        _alarming(request, _stream(me, made, exported.pieces(me, language))),
        media_type=made.media_type,
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="export-{day}.{made.suffix}"',
        },
    )


async def _admitted(me: Exporting) -> None:
    """Decide, and keep the one entry that tells of it; the refusal otherwise."""
    house, caller = me.house, me.caller
    ask = Look(
        caller, me.subject, me.request_id, me.now, action=Action.EXPORT, purpose=Purpose.SELF_CARE
    )

    def decide(conn: Connection) -> None:
        decision = gate.admit(
            conn,
            house.vault,
            actor=caller.actor,
            subject=ask.subject,
            purpose=ask.purpose,
            action=ask.action,
            classes=ask.classes,
            now=ask.now,
            stepped_up=caller.stepped_up(ask.now),
        )
        if decision.permit is None:
            raise standing.refusal(
                conn, house.vault, decision, actor=caller.actor, subject=ask.subject
            )
        # How much there is, nobody knows yet; the number lies in the clear, so it tells nothing.
        looks.log_look(conn, house, ask, decision, row_count=1)

    await house.db.awrite(decide, key=me.subject.bytes)


async def _stream(me: Exporting, form: Form, pieces: AsyncIterator[Piece]) -> AsyncIterator[bytes]:
    """What a form makes of the pieces; spelled beside the event loop."""
    try:
        yield form.begin(Head(str(me.subject), instant_text(me.now)))
        async for piece in pieces:
            async for some in iterate_in_threadpool(form.piece(piece)):
                if some:
                    yield some
        yield form.end()
    finally:
        form.drop()


async def _alarming(request: Request, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The stream. An altered row ends it, and the operator is told as with any other answer."""
    try:
        async for some in stream:
            yield some
    except IntegrityBroken as broken:
        alarm(request, broken)
        raise
