"""What everybody may ask: vocabulary, calculators, verification, status."""

from collections.abc import AsyncIterator
from typing import Any

from kangma_client._async.paging import each
from kangma_client._async.transport import AsyncTransport
from kangma_client._call import Call, operation


def _open(method: str, path: str, **rest: Any) -> Call:
    return Call(method, path, signed_in=False, **rest)


class AsyncCatalogue:
    """Public operations; none needs a sign-in."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    @operation("list_measures")
    def measures(self) -> AsyncIterator[dict[str, Any]]:
        return each(self._transport, _open("GET", "/v1/measures"))

    @operation("get_measure")
    async def measure(self, code: str) -> Any:
        return await self._transport.send(_open("GET", f"/v1/measures/{code}"))

    @operation("list_data_classes")
    def data_classes(self) -> AsyncIterator[dict[str, Any]]:
        return each(self._transport, _open("GET", "/v1/data-classes"))

    @operation("list_purposes")
    def purposes(self) -> AsyncIterator[dict[str, Any]]:
        return each(self._transport, _open("GET", "/v1/purposes"))

    @operation("list_notices")
    def notices(self) -> AsyncIterator[dict[str, Any]]:
        """Every version of what residents read before they agree."""
        return each(self._transport, _open("GET", "/v1/notices"))

    @operation("list_regions")
    def regions(
        self, *, parent: str | None = None, level: str | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        params = {"parent": parent, "level": level}
        return each(self._transport, _open("GET", "/v1/regions", params=params))

    @operation("list_questionnaires")
    def questionnaires(self) -> AsyncIterator[dict[str, Any]]:
        return each(self._transport, _open("GET", "/v1/questionnaires"))

    @operation("get_questionnaire")
    async def questionnaire(self, name: str) -> Any:
        return await self._transport.send(_open("GET", f"/v1/questionnaires/{name}"))

    @operation("score_questionnaire")
    async def score_questionnaire(
        self,
        name: str,
        answers: dict[str, int],
        *,
        sex: str | None = None,
        total: int | None = None,
    ) -> Any:
        """What answers say; read `safety` first. Nothing is stored."""
        body: dict[str, Any] = {"answers": answers, "sex": sex, "total": total}
        return await self._transport.send(
            _open("POST", f"/v1/questionnaires/{name}/score", json=body)
        )

    @operation("list_standards")
    def standards(self) -> AsyncIterator[dict[str, Any]]:
        return each(self._transport, _open("GET", "/v1/standards"))

    @operation("get_standard")
    async def standard(self, name: str) -> Any:
        return await self._transport.send(_open("GET", f"/v1/standards/{name}"))

    @operation("score_standard")
    async def score_standard(
        self,
        name: str,
        sex: str,
        results: dict[str, float],
        *,
        age: int | None = None,
        grade: str | None = None,
    ) -> Any:
        """Score fitness results: adults by `age`, students by `grade`. Nothing is stored."""
        body: dict[str, Any] = {"sex": sex, "results": results, "age": age, "grade": grade}
        return await self._transport.send(_open("POST", f"/v1/standards/{name}/score", json=body))

    @operation("assess_growth")
    async def growth(self, **measured: Any) -> Any:
        """Z-scores of a child: `sex`, `age_days` or `age_months`, `height`, `weight`, `head`."""
        return await self._transport.send(_open("POST", "/v1/growth", json=measured))

    @operation("list_models")
    def models(self) -> AsyncIterator[dict[str, Any]]:
        return each(self._transport, _open("GET", "/v1/models"))

    @operation("get_model")
    async def model(self, name: str) -> Any:
        return await self._transport.send(_open("GET", f"/v1/models/{name}"))

    @operation("evaluate_model")
    async def evaluate(self, name: str, inputs: dict[str, Any]) -> Any:
        """Run one model on inputs; nothing is stored."""
        call = _open("POST", f"/v1/models/{name}/evaluate", json={"inputs": inputs})
        return await self._transport.send(call)

    @operation("verify_code")
    async def verify(self, token: str) -> Any:
        """Whether a health code is genuine; says nothing about the person."""
        return await self._transport.send(
            _open("POST", "/v1/verify", json={"token": token}, repeatable=False)
        )

    @operation("get_checkpoint")
    async def checkpoint(self, *, since: int | None = None) -> Any:
        """What the whole access log is now, signed; with `since`, proof that it only grew."""
        path = "/v1/audit/checkpoint"
        return await self._transport.send(_open("GET", path, params={"since": since}))

    @operation("get_jwks")
    async def jwks(self) -> Any:
        return await self._transport.send(_open("GET", "/.well-known/jwks.json"))

    @operation("get_authorization_server")
    async def authorization_server(self) -> Any:
        path = "/.well-known/oauth-authorization-server"
        return await self._transport.send(_open("GET", path))

    @operation("get_health")
    async def health(self) -> Any:
        return await self._transport.send(_open("GET", "/healthz"))

    @operation("get_readiness")
    async def readiness(self) -> Any:
        return await self._transport.send(_open("GET", "/readyz"))

    @operation("get_version")
    async def version(self) -> Any:
        return await self._transport.send(_open("GET", "/version"))
