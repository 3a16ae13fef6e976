"""Under which addresses a request may say it was sent: what proofs of possession name as `htu`.

In production only the public address counts. Whoever could choose the Host header could otherwise
use a proof that its owner made for another place.
"""

from contextlib import suppress

from fastapi import Request

from service.identity.proofs import normal_address
from service.kit.settings import Settings


def addresses(request: Request, path: str | None = None) -> frozenset[str]:
    """The accepted addresses of this request, or of another `path` of this service."""
    settings: Settings = request.app.state.settings
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    place = path if path is not None else raw.partition(b"?")[0].decode("ascii", "replace")
    found = {normal_address(settings.address + place)}
    if settings.profile != "production":
        # A host that cannot be read is the address of nothing.
        with suppress(ValueError):
            host = request.headers.get("host", "")
            found.add(normal_address(f"{request.scope['scheme']}://{host}{place}"))
    return frozenset(found)
