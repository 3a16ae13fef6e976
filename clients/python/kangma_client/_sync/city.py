# Written by clients/python/generate_sync.py from _async; do not edit.
"""What the city may do: read published releases."""

from collections.abc import Iterator
from typing import Any

from kangma_client._sync.paging import each
from kangma_client._sync.transport import Transport
from kangma_client._call import Call, operation


class City:
    """Everything under `/v1/city`: counts with intervals, never a person."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @operation("list_releases")
    def releases(self) -> Iterator[dict[str, Any]]:
        return each(self._transport, Call("GET", "/v1/city/releases"))

    @operation("get_release")
    def release(self, release_id: str) -> Any:
        """The manifest."""
        return self._transport.send(Call("GET", f"/v1/city/releases/{release_id}"))

    @operation("get_release_signature")
    def signature(self, release_id: str) -> Any:
        path = f"/v1/city/releases/{release_id}/signature"
        return self._transport.send(Call("GET", path))

    @operation("get_release_table")
    def table(self, release_id: str, *, format: str = "csv") -> Any:
        """Text (`csv`), rows (`json`), or the bytes of a file in any other form.

        These are `parquet`, `dhis2`, `measurereport` and `sdmx`.
        """
        call = Call("GET", f"/v1/city/releases/{release_id}/table", params={"format": format})
        if format in ("csv", "json"):
            return self._transport.send(call)
        return (self._transport.respond(call)).content

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
    ) -> Iterator[dict[str, Any]]:
        params = {"metric": metric, "level": level, "region": region, "sex": sex, "age": age}
        path = f"/v1/city/releases/{release_id}/cells"
        return each(self._transport, Call("GET", path, params=params))

    @operation("get_release_map")
    def map(self, release_id: str, *, metric: str, level: str | None = None) -> Any:
        """GeoJSON of the areas of a level (districts without one) with the metric's shares."""
        path = f"/v1/city/releases/{release_id}/map"
        params = {"metric": metric, "level": level}
        return self._transport.send(Call("GET", path, params=params))

    @operation("list_indicators")
    def indicators(self) -> Iterator[dict[str, Any]]:
        return each(self._transport, Call("GET", "/v1/city/indicators"))

    @operation("get_specification")
    def specification(self) -> Any:
        return self._transport.send(Call("GET", "/v1/city/specification"))

    @operation("get_budget")
    def budget(self) -> Any:
        return self._transport.send(Call("GET", "/v1/city/budget"))

    @operation("list_imported_series")
    def imported_series(self) -> Iterator[dict[str, Any]]:
        return each(self._transport, Call("GET", "/v1/city/imported-series"))

    @operation("list_nodes")
    def nodes(self) -> Iterator[dict[str, Any]]:
        """Publishers whose releases are here; `own` is the service itself."""
        return each(self._transport, Call("GET", "/v1/city/nodes"))

    @operation("get_node_release")
    def node_release(self, node: str, release_id: str) -> Any:
        """The manifest."""
        path = f"/v1/city/nodes/{node}/releases/{release_id}"
        return self._transport.send(Call("GET", path))

    @operation("get_node_release_signature")
    def node_signature(self, node: str, release_id: str) -> Any:
        path = f"/v1/city/nodes/{node}/releases/{release_id}/signature"
        return self._transport.send(Call("GET", path))

    @operation("get_node_release_table")
    def node_table(self, node: str, release_id: str, *, format: str = "csv") -> Any:
        """As `table`."""
        path = f"/v1/city/nodes/{node}/releases/{release_id}/table"
        call = Call("GET", path, params={"format": format})
        if format in ("csv", "json"):
            return self._transport.send(call)
        return (self._transport.respond(call)).content

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
    ) -> Iterator[dict[str, Any]]:
        params = {"metric": metric, "level": level, "region": region, "sex": sex, "age": age}
        path = f"/v1/city/nodes/{node}/releases/{release_id}/cells"
        return each(self._transport, Call("GET", path, params=params))

    @operation("get_merged_release")
    def merged(self, release_id: str) -> Any:
        """Published cells of all nodes added; `missing` names nodes without the release."""
        return self._transport.send(Call("GET", f"/v1/city/merged/{release_id}"))
