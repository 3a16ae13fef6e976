# Written by clients/python/generate_sync.py from _async; do not edit.
"""Lists of any length, one page at a time and only as far as they are read."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from kangma_client._sync.transport import Transport
from kangma_client._call import Call


def each(transport: Transport, call: Call) -> Iterator[dict[str, Any]]:
    """Every item of a keyset-paged list; the next page is fetched when it is needed."""
    while True:
        page = transport.send(call)
        for item in page["items"]:
            yield item
        if page.get("next") is None:
            return
        call = replace(call, params={**call.params, "cursor": page["next"]})
