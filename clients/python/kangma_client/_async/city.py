"""What the city may do: read published releases."""

from collections.abc import AsyncIterator
from typing import Any

from kangma_client._async.paging import each
from kangma_client._async.transport import AsyncTransport
from kangma_client._call import Call, operation


class AsyncCity:
    """Everything under `/v1/city`: counts with intervals, never a person."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    @operation("list_releases")
    def releases(self) -> AsyncIterator[dict[str, Any]]:
        return each(self._transport, Call("GET", "/v1/city/releases"))

    @operation("get_release")
    async def release(self, release_id: str) -> Any:
        """The manifest."""
        return await self._transport.send(Call("GET", f"/v1/city/releases/{release_id}"))

    @operation("get_release_signature")
    async def signature(self, release_id: str) -> Any:
        path = f"/v1/city/releases/{release_id}/signature"
        return await self._transport.send(Call("GET", path))

    @operation("get_release_table")
    async def table(self, release_id: str, *, format: str = "csv") -> Any:
        """Text (`csv`), rows (`json`), or the bytes of a file in any other form.

        These are `parquet`, `dhis2`, `measurereport` and `sdmx`.
        """
        call = Call("GET", f"/v1/city/releases/{release_id}/table", params={"format": format})
        if format in ("csv", "json"):
            return await self._transport.send(call)
        return (await self._transport.respond(call)).content

    @operation("list_release_cells")
    def cells(
        self,
        release_id: str,
        *,
        metric: str | None = None,
        level: str | None = None,
        region: str | None = None,
        sex: str | None = None,
        age: str | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        params = {"metric": metric, "level": level, "region": region, "sex": sex, "age": age}
        path = f"/v1/city/releases/{release_id}/cells"
        return each(self._transport, Call("GET", path, params=params))

    @operation("get_release_map")
    async def map(self, release_id: str, *, metric: str, level: str | None = None) -> Any:
        """GeoJSON of the areas of a level (districts without one) with the metric's shares."""
        path = f"/v1/city/releases/{release_id}/map"
        params = {"metric": metric, "level": level}
        return await self._transport.send(Call("GET", path, params=params))

    @operation("list_indicators")
    def indicators(self) -> AsyncIterator[dict[str, Any]]:
        return each(self._transport, Call("GET", "/v1/city/indicators"))

    @operation("get_specification")
    async def specification(self) -> Any:
        return await self._transport.send(Call("GET", "/v1/city/specification"))

    @operation("get_budget")
    async def budget(self) -> Any:
        return await self._transport.send(Call("GET", "/v1/city/budget"))

    @operation("list_imported_series")
    def imported_series(self) -> AsyncIterator[dict[str, Any]]:
        return each(self._transport, Call("GET", "/v1/city/imported-series"))

    @operation("list_nodes")
    def nodes(self) -> AsyncIterator[dict[str, Any]]:
        """Publishers whose releases are here; `own` is the service itself."""
        return each(self._transport, Call("GET", "/v1/city/nodes"))

    @operation("get_node_release")
    async def node_release(self, node: str, release_id: str) -> Any:
        """The manifest."""
        path = f"/v1/city/nodes/{node}/releases/{release_id}"
        return await self._transport.send(Call("GET", path))

    @operation("get_node_release_signature")
    async def node_signature(self, node: str, release_id: str) -> Any:
        path = f"/v1/city/nodes/{node}/releases/{release_id}/signature"
        return await self._transport.send(Call("GET", path))

    @operation("get_node_release_table")
    async def node_table(self, node: str, release_id: str, *, format: str = "csv") -> Any:
        """As `table`."""
        path = f"/v1/city/nodes/{node}/releases/{release_id}/table"
        call = Call("GET", path, params={"format": format})
        if format in ("csv", "json"):
            return await self._transport.send(call)
        return (await self._transport.respond(call)).content

    @operation("list_node_release_cells")
    def node_cells(
        self,
        node: str,
        release_id: str,
        *,
        metric: str | None = None,
        level: str | None = None,
        region: str | None = None,
        sex: str | None = None,
        age: str | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        params = {"metric": metric, "level": level, "region": region, "sex": sex, "age": age}
        path = f"/v1/city/nodes/{node}/releases/{release_id}/cells"
        return each(self._transport, Call("GET", path, params=params))

    @operation("get_merged_release")
    async def merged(self, release_id: str) -> Any:
        """Published cells of all nodes added; `missing` names nodes without the release."""
        return await self._transport.send(Call("GET", f"/v1/city/merged/{release_id}"))
