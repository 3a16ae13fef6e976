"""A resident's own operations."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, BinaryIO

from kangma_client._async.paging import each
from kangma_client._async.transport import AsyncTransport
from kangma_client._call import Call, operation
from kangma_client._shapes import with_ids


class AsyncMe:
    """Everything under `/v1/me`. Values are plain JSON in the shapes of openapi.yaml.

    `child(id)` answers the same methods on the record of a child whose guardian one is.
    """

    _file = ""

    def __init__(self, transport: AsyncTransport, path: str = "/v1/me") -> None:
        self._transport = transport
        self._path = path

    @operation("get_me")
    async def profile(self) -> Any:
        return await self._transport.send(Call("GET", self._path))

    @operation("amend_me")
    async def amend(self, **changes: Any) -> Any:
        return await self._transport.send(Call("PATCH", self._path, json=changes))

    @operation("erase_me")
    async def erase(self) -> Any:
        """Destroy the keys of everything; returns the signed erasure receipt."""
        return await self._transport.send(Call("DELETE", self._path + self._file, repeatable=False))

    @operation("erase_class")
    async def erase_class(self, data_class: str) -> Any:
        """Destroy the keys of one class of data; returns the signed erasure receipt."""
        call = Call("DELETE", f"{self._path}/data-classes/{data_class}", repeatable=False)
        return await self._transport.send(call)

    @operation("log_records")
    async def log(self, records: Sequence[dict[str, Any]]) -> Any:
        """Log up to 1,000 records. Missing ids are made here, so a retry never logs twice."""
        body = {"records": with_ids(records)}
        return await self._transport.send(Call("POST", f"{self._path}/records", json=body))

    @operation("list_records")
    def records(
        self,
        *,
        measure: str | None = None,
        kind: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        page_size: int = 200,
    ) -> AsyncIterator[dict[str, Any]]:
        """Records, newest first."""
        params = {"measure": measure, "kind": kind, "from": from_, "to": to, "limit": page_size}
        return each(self._transport, Call("GET", f"{self._path}/records", params=params))

    @operation("get_record")
    async def record(self, record_id: str) -> Any:
        return await self._transport.send(Call("GET", f"{self._path}/records/{record_id}"))

    @operation("replace_record")
    async def replace_record(self, record_id: str, record: dict[str, Any], *, etag: str) -> Any:
        call = Call(
            "PUT", f"{self._path}/records/{record_id}", json=record, headers={"if-match": etag}
        )
        return await self._transport.send(call)

    @operation("delete_record")
    async def delete_record(self, record_id: str, *, etag: str) -> Any:
        call = Call("DELETE", f"{self._path}/records/{record_id}", headers={"if-match": etag})
        return await self._transport.send(call)

    @operation("append_series")
    async def append_series(self, series: Sequence[dict[str, Any]]) -> Any:
        """Merge samples into their days: `[{measure, day, source, t: [...], v: [...]}]`."""
        return await self._transport.send(
            Call("POST", f"{self._path}/series", json={"series": list(series)})
        )

    @operation("read_series")
    async def series(
        self,
        measure: str,
        *,
        from_: str | None = None,
        to: str | None = None,
        resolution: str = "raw",
    ) -> Any:
        """Samples as columns `{t, v}`, or `{t, min, max, mean, n}` for coarser resolutions."""
        params = {"from": from_, "to": to, "resolution": resolution}
        return await self._transport.send(
            Call("GET", f"{self._path}/series/{measure}", params=params)
        )

    @operation("get_prompt")
    async def prompt(self) -> Any:
        """The five-level prompt with its reasons and the way back to green."""
        return await self._transport.send(Call("GET", f"{self._path}/prompt"))

    @operation("list_prompts")
    def prompts(
        self, *, from_: str | None = None, to: str | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        params = {"from": from_, "to": to}
        return each(self._transport, Call("GET", f"{self._path}/prompts", params=params))

    @operation("what_if")
    async def what_if(self, values: dict[str, Any]) -> Any:
        """The prompt as it would be with other values; nothing is stored."""
        return await self._transport.send(
            Call("POST", f"{self._path}/prompt/what-if", json={"values": values})
        )

    @operation("get_explanation")
    async def explanation(self, explanation_id: str) -> Any:
        """Why the level changed then; the ids stand in the prompt and in its history."""
        path = f"{self._path}/explanations/{explanation_id}"
        return await self._transport.send(Call("GET", path))

    @operation("get_automation")
    async def automation(self) -> Any:
        """Whether levels are assessed by rule."""
        return await self._transport.send(Call("GET", f"{self._path}/prompt/automation"))

    @operation("set_automation")
    async def set_automation(self, on: bool) -> Any:
        """Switch automated levels off, or on again; everything else goes on working."""
        path = f"{self._path}/prompt/automation"
        return await self._transport.send(Call("PUT", path, json={"on": on}))

    @operation("file_appeal")
    async def appeal(
        self,
        reason: str,
        *,
        explanation: str | None = None,
        record: str | None = None,
        for_doctor: bool,
    ) -> Any:
        """Object to a change of level or to a record; exactly one of the two is named."""
        about = {"record": record} if explanation is None else {"explanation": explanation}
        body = {"about": about, "reason": reason, "for_doctor": for_doctor}
        return await self._transport.send(
            Call("POST", f"{self._path}/appeals", json=body, repeatable=False)
        )

    @operation("list_appeals")
    def appeals(self, *, page_size: int = 50) -> AsyncIterator[dict[str, Any]]:
        """My appeals, newest first."""
        return each(
            self._transport, Call("GET", f"{self._path}/appeals", params={"limit": page_size})
        )

    @operation("get_appeal")
    async def get_appeal(self, appeal_id: str) -> Any:
        return await self._transport.send(Call("GET", f"{self._path}/appeals/{appeal_id}"))

    @operation("withdraw_appeal")
    async def withdraw_appeal(self, appeal_id: str) -> Any:
        """Take an appeal back before it is answered."""
        return await self._transport.send(Call("DELETE", f"{self._path}/appeals/{appeal_id}"))

    @operation("get_plan")
    async def plan(self) -> Any:
        """What is due, fitness tests by edition, follow-ups, goals and what to do, with sources."""
        return await self._transport.send(Call("GET", f"{self._path}/plan"))

    @operation("get_code")
    async def code(self) -> Any:
        return await self._transport.send(Call("GET", f"{self._path}/code"))

    @operation("list_grants")
    def grants(self) -> AsyncIterator[dict[str, Any]]:
        return each(self._transport, Call("GET", f"{self._path}/grants"))

    @operation("give_grant")
    async def give(self, grant: dict[str, Any]) -> Any:
        return await self._transport.send(
            Call("POST", f"{self._path}/grants", json=grant, repeatable=False)
        )

    @operation("get_grant")
    async def grant(self, grant_id: str) -> Any:
        return await self._transport.send(Call("GET", f"{self._path}/grants/{grant_id}"))

    @operation("change_grant")
    async def change(self, grant_id: str, grant: dict[str, Any]) -> Any:
        """Replace the terms of a grant; who it is for stays."""
        return await self._transport.send(
            Call("PUT", f"{self._path}/grants/{grant_id}", json=grant)
        )

    @operation("renew_grant")
    async def renew(self, grant_id: str) -> Any:
        """Agree again to the same terms, when what they are for has changed."""
        return await self._transport.send(Call("POST", f"{self._path}/grants/{grant_id}/renew"))

    @operation("withdraw_grant")
    async def withdraw(self, grant_id: str) -> Any:
        """End a grant; it works on the next request of anybody."""
        return await self._transport.send(Call("DELETE", f"{self._path}/grants/{grant_id}"))

    @operation("get_grant_receipt")
    async def receipt(self, grant_id: str) -> Any:
        return await self._transport.send(Call("GET", f"{self._path}/grants/{grant_id}/receipt"))

    @operation("simulate_grants")
    async def simulate(self, question: dict[str, Any] | None = None) -> Any:
        """Who could see what, now or with one more grant."""
        return await self._transport.send(
            Call("POST", f"{self._path}/grants/simulate", json=question or {})
        )

    @operation("replay_grants")
    async def replay(self, at: str) -> Any:
        """Who could see what at a moment in the past (RFC 3339)."""
        return await self._transport.send(
            Call("GET", f"{self._path}/grants/replay", params={"at": at})
        )

    @operation("get_deny_all")
    async def deny_all(self) -> Any:
        return await self._transport.send(Call("GET", f"{self._path}/deny-all"))

    @operation("set_deny_all")
    async def set_deny_all(self, on: bool) -> Any:
        """Refuse everybody else at once; one's own functions go on working."""
        return await self._transport.send(Call("PUT", f"{self._path}/deny-all", json={"on": on}))

    @operation("get_emergency")
    async def emergency(self) -> Any:
        """Whether a doctor may look in an emergency, and who is looking now."""
        return await self._transport.send(Call("GET", f"{self._path}/emergency"))

    @operation("set_emergency")
    async def set_emergency(self, allowed: bool) -> Any:
        """Allow or refuse emergency access; refusing ends what is open at once."""
        return await self._transport.send(
            Call("PUT", f"{self._path}/emergency", json={"allowed": allowed})
        )

    @operation("stop_emergency")
    async def stop_emergency(self, session_id: str) -> Any:
        return await self._transport.send(Call("DELETE", f"{self._path}/emergency/{session_id}"))

    @operation("list_my_notices")
    def notices(self) -> AsyncIterator[dict[str, Any]]:
        """What I was told, newest first."""
        return each(self._transport, Call("GET", f"{self._path}/notices"))

    @operation("mark_notice_read")
    async def mark_notice_read(self, notice_id: str) -> Any:
        return await self._transport.send(Call("POST", f"{self._path}/notices/{notice_id}/read"))

    @operation("list_requests")
    def requests(self) -> AsyncIterator[dict[str, Any]]:
        """What doctors asked me for, newest first."""
        return each(self._transport, Call("GET", f"{self._path}/requests"))

    @operation("accept_request")
    async def accept_request(self, request_id: str, separate_consent: Sequence[str] = ()) -> Any:
        """Give what was asked for; sensitive classes are agreed to one by one."""
        path = f"{self._path}/requests/{request_id}/accept"
        body = {"separate_consent": list(separate_consent)}
        return await self._transport.send(Call("POST", path, json=body, repeatable=False))

    @operation("refuse_request")
    async def refuse_request(self, request_id: str) -> Any:
        """Say no; the doctor cannot ask again for ninety days."""
        return await self._transport.send(
            Call("POST", f"{self._path}/requests/{request_id}/refuse")
        )

    @operation("list_access_log")
    def access_log(self, *, page_size: int = 100) -> AsyncIterator[dict[str, Any]]:
        """Who looked, newest first."""
        return each(
            self._transport, Call("GET", f"{self._path}/access-log", params={"limit": page_size})
        )

    @operation("export_access_log")
    async def export_access_log(self) -> Any:
        """All of it, signed; `StepUpRequired` when the last sign-in is older than 5 minutes."""
        return await self._transport.send(Call("GET", f"{self._path}/access-log/export"))

    @operation("export_me")
    async def export(self, file: BinaryIO, *, format: str = "json") -> None:
        """Write everything that is kept of me to `file`: `json`, `csv` (a zip) or `fhir`.

        `StepUpRequired` when the last sign-in is older than 5 minutes. After any exception what is
        in `file` is not whole.
        """
        call = Call("GET", f"{self._path}/export", params={"format": format})
        async with self._transport.stream(call) as pieces:
            async for piece in pieces:
                file.write(piece)

    @operation("list_doctors")
    def doctors(self, *, region: str | None = None) -> AsyncIterator[dict[str, Any]]:
        return each(self._transport, Call("GET", "/v1/me/doctors", params={"region": region}))

    @operation("sign_contract")
    async def sign(self, doctor_id: str, package: str, data_classes: Sequence[str]) -> Any:
        """Sign with a family doctor and grant the named classes in the same step."""
        body = {"doctor_id": doctor_id, "package": package, "data_classes": list(data_classes)}
        return await self._transport.send(
            Call("POST", f"{self._path}/contract", json=body, repeatable=False)
        )

    @operation("get_contract")
    async def contract(self) -> Any:
        return await self._transport.send(Call("GET", f"{self._path}/contract"))

    @operation("end_contract")
    async def end_contract(self) -> Any:
        return await self._transport.send(Call("DELETE", f"{self._path}/contract"))

    @operation("get_contributions")
    async def contributions(self) -> Any:
        """In which published numbers I am counted, and what privacy that can cost."""
        return await self._transport.send(Call("GET", f"{self._path}/contributions"))

    @operation("list_guardians")
    def guardians(self) -> AsyncIterator[dict[str, Any]]:
        """Who acts or acted for this person."""
        return each(self._transport, Call("GET", f"{self._path}/guardians"))

    @operation("list_children")
    def children(self) -> AsyncIterator[dict[str, Any]]:
        """The children one is guardian of."""
        return each(self._transport, Call("GET", "/v1/me/children"))

    @operation("begin_child")
    async def begin_child(
        self,
        *,
        name: str,
        birth_date: str,
        sex: str,
        region: str,
        zone: str = "Asia/Shanghai",
    ) -> Any:
        """Begin a file for a child under 14 and become its guardian; returns `resident_id`."""
        body = {
            "name": name,
            "birth_date": birth_date,
            "sex": sex,
            "region": region,
            "zone": zone,
        }
        return await self._transport.send(
            Call("POST", "/v1/me/children", json=body, repeatable=False)
        )

    @operation("join_child")
    async def join_child(self, code: str) -> Any:
        """Become a guardian by the code that another guardian made."""
        call = Call("POST", "/v1/me/children/join", json={"code": code}, repeatable=False)
        return await self._transport.send(call)

    def child(self, child_id: str) -> "AsyncChild":
        """The record of one's child, with the methods of one's own and those of a guardian."""
        return AsyncChild(self._transport, f"/v1/me/children/{child_id}")


class AsyncChild(AsyncMe):
    """A child's record, for a guardian of it. Every look is in the child's access log."""

    _file = "/file"

    @operation("invite_guardian")
    async def invite_guardian(self) -> Any:
        """A one-time code for another adult to join as a guardian: `{code, expires_at}`."""
        return await self._transport.send(Call("POST", f"{self._path}/guardians", repeatable=False))

    @operation("hand_over_child")
    async def hand_over(self) -> Any:
        """A one-time code by which the young person takes over from the 14th birthday on."""
        return await self._transport.send(Call("POST", f"{self._path}/handover", repeatable=False))

    @operation("leave_child")
    async def leave(self) -> Any:
        """End one's own guardianship, while there is another guardian."""
        return await self._transport.send(Call("DELETE", self._path, repeatable=False))
