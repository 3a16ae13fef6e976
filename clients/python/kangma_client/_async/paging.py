"""Lists of any length, one page at a time and only as far as they are read."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from kangma_client._async.transport import AsyncTransport
from kangma_client._call import Call


async def each(transport: AsyncTransport, call: Call) -> AsyncIterator[dict[str, Any]]:
    """Every item of a keyset-paged list; the next page is fetched when it is needed."""
    while True:
        page = await transport.send(call)
        for item in page["items"]:
            yield item
        if page.get("next") is None:
            return
        call = replace(call, params={**call.params, "cursor": page["next"]})
