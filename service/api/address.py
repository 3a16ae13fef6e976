"""From where a request comes, behind proxies that the operator named and no others."""

from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from math import ceil

from fastapi import Request

from service.kit.errors import RateLimited
from service.kit.settings import Settings

Address = IPv4Address | IPv6Address
SOMEWHERE = "somewhere"
"""A caller without an address, such as one on a socket file: all such share one bucket."""


def address_of(request: Request) -> str:
    """The caller's address; of IPv6 the /64 network, because one customer has all of it.

    `X-Forwarded-For` is read from the right, for as long as the address that spoke is a trusted
    proxy's: what a caller writes into it further left is never believed.
    """
    settings: Settings = request.app.state.settings
    found = _parsed(request.client.host if request.client else "")
    trusted = settings.trusted_networks
    said = [part for one in request.headers.getlist("x-forwarded-for") for part in one.split(",")]
    while said and found is not None and any(found in network for network in trusted):
        before = _parsed(said.pop().strip())
        if before is None:
            break
        found = before
    if found is None:
        return SOMEWHERE
    if isinstance(found, IPv6Address):
        return str(ip_network((found, 64), strict=False))
    return str(found)


def _parsed(text: str) -> Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def limited(name: str) -> Callable[[Request], Awaitable[None]]:
    """A dependency that lets an address come only so often (`service.kit.limits`)."""

    async def check(request: Request) -> None:
        state = request.app.state
        wait = state.limits.wait(name, address_of(request), state.clock().timestamp())
        if wait:
            raise RateLimited(ceil(wait))

    return check
