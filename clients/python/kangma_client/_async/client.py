"""The client: one base URL, one signed-in caller, the operations by audience."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from kangma_client._async.catalogue import AsyncCatalogue
from kangma_client._async.city import AsyncCity
from kangma_client._async.doctor import AsyncDoctor
from kangma_client._async.me import AsyncMe
from kangma_client._async.passkeys import AsyncPasskeys
from kangma_client._async.transport import AsyncTransport
from kangma_client._call import Call, operation
from kangma_client._keys import MachineKey
from kangma_client._retry import RetryPolicy


class AsyncClient:
    """Talks to one Kangma service.

    `language` is `zh-CN` or `en` and decides the language of problem sentences. `transport` is an
    httpx transport, for tests that run against the application without a socket.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000",
        *,
        language: str = "zh-CN",
        retries: RetryPolicy | None = None,
        timeout: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        http = httpx.AsyncClient(base_url=base_url, timeout=timeout, transport=transport)
        self._transport = AsyncTransport(http, retries or RetryPolicy(), language)
        self.catalogue = AsyncCatalogue(self._transport)
        self.me = AsyncMe(self._transport)
        self.doctor = AsyncDoctor(self._transport)
        self.city = AsyncCity(self._transport)
        self.passkeys = AsyncPasskeys(self._transport)

    @operation("register")
    async def register(
        self, *, login: str, password: str, name: str, birth_date: str, sex: str, region: str
    ) -> Any:
        """Open a record under one's own keys; returns `{resident_id}`. Does not sign in."""
        body = {
            "login": login,
            "password": password,
            "name": name,
            "birth_date": birth_date,
            "sex": sex,
            "region": region,
        }
        call = Call("POST", "/v1/auth/register", json=body, signed_in=False, repeatable=False)
        return await self._transport.send(call)

    @operation("claim")
    async def claim(self, code: str, *, login: str, password: str) -> Any:
        """Take over the file a guardian kept, from one's 14th birthday on. Does not sign in."""
        body = {"code": code, "login": login, "password": password}
        call = Call("POST", "/v1/auth/claim", json=body, signed_in=False, repeatable=False)
        return await self._transport.send(call)

    @operation("issue_token")
    async def sign_in(
        self, username: str, password: str, *, device_token: str | None = None
    ) -> None:
        """Sign in as a resident or a practitioner; the session renews itself.

        `device_token` is what an earlier client had: with it nobody who guesses this name
        elsewhere makes this device wait.
        """
        if device_token is not None:
            self._transport.device_token = device_token
        await self._transport.sign_in(username, password)

    @property
    def device_token(self) -> str | None:
        """To keep for the next `sign_in` on this device; it opens nothing by itself."""
        return self._transport.device_token

    async def sign_in_client(
        self,
        client_id: str,
        client_secret: str | None = None,
        *,
        private_key: str | Mapping[str, str] | Path | None = None,
    ) -> None:
        """Sign in as a machine client (the city), by its private key or its secret.

        `private_key` is a JWK as `kangma people add-client` prints it, or a file that holds one.
        It stays here: what is sent are signatures, one for each request.
        """
        if private_key is not None:
            await self._transport.sign_in_client(client_id, MachineKey.of(private_key))
        elif client_secret is not None:
            await self._transport.sign_in_client(client_id, client_secret)
        else:
            raise ValueError("a private key or a secret is needed")

    @operation("begin_federated_sign_in")
    async def depart(self) -> Any:
        """Begin to sign in at the city's identity provider: `{authorization_url, state}`."""
        call = Call("POST", "/v1/auth/oidc/departure", signed_in=False)
        return await self._transport.send(call)

    @operation("end_federated_sign_in")
    async def come_back(self, *, code: str, state: str, iss: str) -> None:
        """Sign in with what the provider sent the browser back with."""
        body = {"code": code, "state": state, "iss": iss}
        await self._transport.enter("/v1/auth/oidc/token", body)

    @operation("change_password")
    async def change_password(self, password: str, new_password: str) -> None:
        """Change one's password; this session goes on, every other one ends."""
        body = {"password": password, "new_password": new_password}
        await self._transport.step_up("/v1/auth/password", body)

    @operation("get_recovery_codes")
    async def recovery_codes(self) -> Any:
        """How many recovery codes are left: `{left, created_at}`."""
        return await self._transport.send(Call("GET", "/v1/me/recovery-codes"))

    @operation("make_recovery_codes")
    async def make_recovery_codes(self) -> Any:
        """Eight new codes for a forgotten password, shown once: `{codes, created_at}`."""
        return await self._transport.send(Call("POST", "/v1/me/recovery-codes", repeatable=False))

    @operation("recover_password")
    async def recover(self, login: str, code: str, new_password: str) -> None:
        """Set a new password with a recovery code, and sign in; every other session ends."""
        body = {"login": login, "code": code, "new_password": new_password}
        await self._transport.enter("/v1/auth/recover", body)

    @operation("revoke_token")
    async def sign_out(self) -> None:
        """Revoke the session."""
        await self._transport.sign_out()

    async def close(self) -> None:
        await self._transport.http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
