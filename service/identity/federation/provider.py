"""The city's identity provider, as far as it is believed (OpenID Connect, code flow with PKCE).

One issuer is configured and nothing else is asked: its description must name itself and give
addresses of its own scheme, redirects are not followed, answers are bounded, and every wait ends.
"""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from service.kit.errors import Unavailable
from service.kit.settings import Settings

TIMEOUT = 5.0
REMEMBERED = 600.0
"""Seconds for which the provider's description and keys are remembered."""
ASKED_AGAIN = 10.0
"""Seconds between two looks for a key that is not among the remembered ones."""
SIZE_LIMIT = 256 * 1024
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Provider:
    """Asks the provider; every answer is JSON or `Unavailable`."""

    def __init__(
        self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.issuer = settings.oidc_issuer or ""
        self.client_id = settings.oidc_client_id or ""
        self.redirect_uri = settings.oidc_redirect_uri or f"{settings.address}/signed-in"
        self._secret_file = settings.oidc_client_secret_file
        self._transport = transport
        self._description: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, dict[str, Any]] | None = None
        self._lock = asyncio.Lock()

    @property
    def is_configured(self) -> bool:
        return bool(self.issuer and self.client_id)

    async def entrance(self, parameters: Mapping[str, str]) -> str:
        """Where to send somebody's browser."""
        door = (await self._described())["authorization_endpoint"]
        asked = {"response_type": "code", "client_id": self.client_id, "scope": "openid"}
        query = urlencode({**asked, "redirect_uri": self.redirect_uri, **parameters})
        return f"{door}{'&' if urlsplit(door).query else '?'}{query}"

    async def redeemed(self, code: str, verifier: str) -> str | None:
        """The identity token for a code; None when the provider does not take it."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "client_id": self.client_id,
            "code_verifier": verifier,
        }
        secret = _secret(self._secret_file)
        auth = httpx.BasicAuth(self.client_id, secret) if secret else None
        door = (await self._described())["token_endpoint"]
        status, answer = await self._asked("POST", door, data=form, auth=auth)
        token = answer.get("id_token")
        return token if status == 200 and isinstance(token, str) else None

    async def key(self, kid: str) -> dict[str, Any] | None:
        """A key of the provider by its name; a new one is looked for, but not all the time."""
        async with self._lock:
            age = ASKED_AGAIN if self._keys and kid not in self._keys[1] else REMEMBERED
            if self._keys is None or self._keys[0] + age < time.monotonic():
                door = (await self._described())["jwks_uri"]
                status, answer = await self._asked("GET", door)
                listed = answer.get("keys")
                if status != 200 or not isinstance(listed, list):
                    raise Unavailable
                named = {one["kid"]: one for one in listed if isinstance(one.get("kid"), str)}
                self._keys = (time.monotonic(), named)
            return self._keys[1].get(kid)

    async def _described(self) -> dict[str, Any]:
        if self._description is None or self._description[0] + REMEMBERED < time.monotonic():
            where = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
            status, found = await self._asked("GET", where)
            scheme = urlsplit(self.issuer).scheme
            sound = found.get("issuer") == self.issuer and all(
                isinstance(found.get(name), str) and urlsplit(found[name]).scheme == scheme
                for name in ENDPOINTS
            )
            if status != 200 or not sound:
                raise Unavailable
            self._description = (time.monotonic(), found)
        return self._description[1]

    async def _asked(self, method: str, url: str, **options: Any) -> tuple[int, dict[str, Any]]:
        async with httpx.AsyncClient(timeout=TIMEOUT, transport=self._transport) as client:
            try:
                async with client.stream(method, url, **options) as response:
                    body = b""
                    async for piece in response.aiter_bytes():
                        body += piece
                        if len(body) > SIZE_LIMIT:
                            raise Unavailable
                answer = httpx.Response(response.status_code, content=body).json()
            except (httpx.HTTPError, ValueError):
                # What it said may hold a code or a name, so nothing of it is passed on.
                raise Unavailable from None
        if not isinstance(answer, dict):
            raise Unavailable
        return response.status_code, answer


def _secret(file: Path | None) -> str | None:
    return file.read_text("utf-8").strip() if file is not None else None
