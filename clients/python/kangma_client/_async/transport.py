"""Sending calls: the token, its renewal, retries, problems."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from kangma_client._call import Call
from kangma_client._keys import MachineKey
from kangma_client._problems import Problem, TransportError, Unauthenticated, problem_of
from kangma_client._retry import RETRIED_STATUS, RetryPolicy, retry_after_seconds

TOKEN_PATH = "/v1/auth/token"  # noqa: S105 - an address, not a secret
RENEW_BEFORE = 30.0
"""Seconds before its end at which an access token is renewed."""


class AsyncTransport:
    """One connection pool and one signed-in caller."""

    def __init__(self, http: httpx.AsyncClient, retries: RetryPolicy, language: str) -> None:
        self.http = http
        self.retries = retries
        self.language = language
        self._lock = asyncio.Lock()
        self._access: str | None = None
        self._refresh: str | None = None
        self._client: tuple[str, str | MachineKey] | None = None
        self._expires = 0.0
        self.device_token: str | None = None

    async def sign_in(self, username: str, password: str) -> None:
        """Resident or practitioner, by password; the refresh token renews the session."""
        form = {"grant_type": "password", "username": username, "password": password}
        if self.device_token is not None:
            form["device_token"] = self.device_token
        self._keep(await self._token(form))

    async def sign_in_client(self, client_id: str, credential: str | MachineKey) -> None:
        """A machine client, by its key or its secret."""
        self._client = (client_id, credential)
        self._keep(await self._token(self._client_form()))

    async def enter(self, path: str, body: dict[str, Any]) -> None:
        """Resident or practitioner, by whatever proof a door asks for as JSON."""
        call = Call("POST", path, json=body, signed_in=False, repeatable=False)
        self._client, self._refresh = None, None
        self._keep(await self.send(call))

    async def step_up(self, path: str, body: dict[str, Any]) -> None:
        """The same session with a fresh proof."""
        self._keep(await self.send(Call("POST", path, json=body, repeatable=False)))

    async def sign_out(self) -> None:
        """Revoke the session at the service and forget it here."""
        token = self._refresh or self._access
        if token is not None:
            call = Call("POST", "/v1/auth/revoke", form={"token": token}, signed_in=False)
            await self.send(call)
        self._access = self._refresh = self._client = None

    async def send(self, call: Call) -> Any:
        """The JSON of the answer (text for other types, None for 204), or an exception."""
        return _content(await self.respond(call))

    async def respond(self, call: Call, *, stream: bool = False) -> httpx.Response:
        """The answer itself, for its headers; still raises a `Problem` from 400 on.

        With `stream` its body is still to be read, and the answer to be closed.
        """
        attempt, renewed = 0, False
        while True:
            token = await self._current() if call.signed_in else None
            failure: Exception
            try:
                response = await self.http.send(self._request(call, token), stream=stream)
            except httpx.TransportError as error:
                failure, after, retry = TransportError(type(error).__name__), None, call.repeatable
            else:
                if response.status_code < 400:
                    return response
                await response.aread()
                after = retry_after_seconds(response.headers.get("retry-after"))
                failure = _problem(response, after)
                if isinstance(failure, Unauthenticated) and token is not None and not renewed:
                    renewed = True
                    if await self._renew(token):
                        continue
                retry = response.status_code in RETRIED_STATUS and (
                    call.repeatable or response.status_code == 429
                )
            wait = self.retries.wait(attempt, after) if retry else None
            if wait is None:
                raise failure
            attempt += 1
            await asyncio.sleep(wait)

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of a long answer as they come; a `Problem` before the first of them.

        One that breaks off raises `TransportError`: what came of it is not whole.
        """
        response = await self.respond(call, stream=True)
        try:
            yield response.aiter_bytes()
        except httpx.TransportError as error:
            raise TransportError(type(error).__name__) from error
        finally:
            await response.aclose()

    async def _current(self) -> str | None:
        if self._access is not None and time.monotonic() > self._expires - RENEW_BEFORE:
            await self._renew(self._access)
        return self._access

    async def _renew(self, old: str) -> bool:
        """Renew once, however many calls notice at the same time."""
        async with self._lock:
            if self._access != old:
                return True
            if self._client is not None:
                form = self._client_form()
            elif self._refresh is not None:
                form = {"grant_type": "refresh_token", "refresh_token": self._refresh}
            else:
                return False
            try:
                self._keep(await self._token(form))
            except Problem:
                self._refresh = None
                return False
            return True

    async def _token(self, form: dict[str, str]) -> dict[str, Any]:
        call = Call("POST", TOKEN_PATH, form=form, signed_in=False, repeatable=False)
        answer: dict[str, Any] = await self.send(call)
        return answer

    def _keep(self, answer: dict[str, Any]) -> None:
        self._access = answer["access_token"]
        self._refresh = answer.get("refresh_token", self._refresh)
        self.device_token = answer.get("device_token", self.device_token)
        self._expires = time.monotonic() + float(answer["expires_in"])

    def _client_form(self) -> dict[str, str]:
        assert self._client is not None
        client_id, credential = self._client
        form = {"grant_type": "client_credentials", "client_id": client_id}
        if isinstance(credential, MachineKey):
            door = str(self.http.build_request("POST", TOKEN_PATH).url)
            return form | credential.assertion(client_id, audience=door)
        return form | {"client_secret": credential}

    def _request(self, call: Call, token: str | None) -> httpx.Request:
        """The call as it is sent now: a proof is good for one request."""
        request = self.http.build_request(
            call.method,
            call.path,
            params=call.query(),
            json=call.json,
            data=call.form,
            headers={"accept-language": self.language, **call.headers},
        )
        key = self._client[1] if self._client is not None else None
        scheme = "Bearer"
        if isinstance(key, MachineKey) and (token is not None or call.path == TOKEN_PATH):
            scheme = "DPoP"
            request.headers["dpop"] = key.proof(call.method, str(request.url), token)
        if token is not None:
            request.headers["authorization"] = f"{scheme} {token}"
        return request


def _problem(response: httpx.Response, after: float | None) -> Problem:
    try:
        body = response.json()
    except ValueError:
        body = {}
    return problem_of(response.status_code, body, after)


def _content(response: httpx.Response) -> Any:
    if response.status_code == 204 or not response.content:
        return None
    kind = response.headers.get("content-type", "")
    return response.json() if "json" in kind else response.text
