# Written by clients/python/generate_sync.py from _async; do not edit.
"""A family doctor's operations on the residents who signed with them."""

from collections.abc import Iterator, Sequence
from typing import Any

from kangma_client._sync.paging import each
from kangma_client._sync.transport import Transport
from kangma_client._call import Call, operation
from kangma_client._shapes import with_ids


class Doctor:
    """Everything under `/v1/doctor`. Every look is in the resident's access log."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @operation("list_panel")
    def panel(
        self,
        *,
        level: int | None = None,
        due: bool | None = None,
        q: str | None = None,
        sort: str = "risk",
        page_size: int = 50,
    ) -> Iterator[dict[str, Any]]:
        """Signed residents, riskiest first."""
        params = {"level": level, "due": due, "q": q, "sort": sort, "limit": page_size}
        return each(self._transport, Call("GET", "/v1/doctor/panel", params=params))

    @operation("list_panel_indicators")
    def indicators(self, *, year: int | None = None) -> Any:
        """Norm and control rate of the own panel, with the patients behind each number."""
        return self._transport.send(
            Call("GET", "/v1/doctor/indicators", params={"year": year})
        )

    @operation("get_patient")
    def patient(self, patient_id: str) -> Any:
        """Profile, prompt and what is withheld, with the reason."""
        return self._transport.send(Call("GET", f"/v1/doctor/patients/{patient_id}"))

    @operation("list_patient_records")
    def records(
        self,
        patient_id: str,
        *,
        measure: str | None = None,
        kind: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        page_size: int = 200,
    ) -> Iterator[dict[str, Any]]:
        params = {"measure": measure, "kind": kind, "from": from_, "to": to, "limit": page_size}
        path = f"/v1/doctor/patients/{patient_id}/records"
        return each(self._transport, Call("GET", path, params=params))

    @operation("log_patient_records")
    def log(self, patient_id: str, records: Sequence[dict[str, Any]]) -> Any:
        path = f"/v1/doctor/patients/{patient_id}/records"
        return self._transport.send(Call("POST", path, json={"records": with_ids(records)}))

    @operation("read_patient_series")
    def series(
        self,
        patient_id: str,
        measure: str,
        *,
        from_: str | None = None,
        to: str | None = None,
        resolution: str = "day",
    ) -> Any:
        params = {"from": from_, "to": to, "resolution": resolution}
        path = f"/v1/doctor/patients/{patient_id}/series/{measure}"
        return self._transport.send(Call("GET", path, params=params))

    @operation("resolve_code")
    def resolve(self, token: str) -> Any:
        """Who showed this code; never their level."""
        return self._transport.send(
            Call("POST", "/v1/doctor/codes/resolve", json={"token": token}, repeatable=False)
        )

    @operation("ask_patient")
    def ask(
        self, patient_id: str, data_classes: Sequence[str], actions: Sequence[str] | None = None
    ) -> Any:
        """Ask for a grant; `Refused` with rule `cool-down` for ninety days after a no."""
        path = f"/v1/doctor/patients/{patient_id}/requests"
        body = {"data_classes": list(data_classes), "actions": actions and list(actions)}
        return self._transport.send(Call("POST", path, json=body))

    @operation("list_patient_appeals")
    def appeals(self, *, page_size: int = 50) -> Iterator[dict[str, Any]]:
        """Appeals that signed residents let me read and that wait for my answer, oldest first."""
        return each(self._transport, Call("GET", "/v1/doctor/appeals", params={"limit": page_size}))

    @operation("answer_appeal")
    def answer_appeal(
        self, patient_id: str, appeal_id: str, outcome: str, reason: str
    ) -> Any:
        """Answer with `upheld` or `rejected` and a reason that the resident is shown."""
        path = f"/v1/doctor/patients/{patient_id}/appeals/{appeal_id}/answer"
        body = {"outcome": outcome, "reason": reason}
        return self._transport.send(Call("POST", path, json=body, repeatable=False))

    @operation("open_emergency")
    def open_emergency(self, patient_id: str, reason: str) -> Any:
        """Look without a grant for four hours; the patient is told at once, and it is reviewed."""
        path = f"/v1/doctor/patients/{patient_id}/emergency"
        return self._transport.send(
            Call("POST", path, json={"reason": reason}, repeatable=False)
        )

    @operation("close_emergency")
    def close_emergency(self, patient_id: str) -> Any:
        path = f"/v1/doctor/patients/{patient_id}/emergency"
        return self._transport.send(Call("DELETE", path))
