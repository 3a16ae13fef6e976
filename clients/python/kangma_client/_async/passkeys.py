"""Passkeys of the signed-in resident or doctor."""

from typing import Any

from kangma_client._async.transport import AsyncTransport
from kangma_client._call import Call, operation

ROOT = "/v1/auth/passkeys"


class AsyncPasskeys:
    """Ceremonies are two calls each: get options, let the authenticator answer, send the answer.

    Options and answers are the JSON of WebAuthn level 3, as browsers read and write it.
    """

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    @operation("begin_passkey")
    async def begin(self) -> Any:
        """Options for `navigator.credentials.create`; needs a sign-in of the last five minutes."""
        return await self._transport.send(Call("POST", f"{ROOT}/registration"))

    @operation("add_passkey")
    async def add(self, credential: dict[str, Any]) -> Any:
        """Add the passkey an authenticator made; returns `{id, created_at}`."""
        body = {"passkey": credential}
        return await self._transport.send(Call("POST", ROOT, json=body, repeatable=False))

    @operation("list_passkeys")
    async def mine(self) -> Any:
        return (await self._transport.send(Call("GET", ROOT)))["items"]

    @operation("remove_passkey")
    async def remove(self, passkey_id: str) -> Any:
        return await self._transport.send(Call("DELETE", f"{ROOT}/{passkey_id}"))

    @operation("challenge_passkey")
    async def challenge(self) -> Any:
        """Options for `navigator.credentials.get`, to sign in or to step up."""
        return await self._transport.send(Call("POST", f"{ROOT}/challenge", signed_in=False))

    @operation("sign_in_by_passkey")
    async def sign_in(self, credential: dict[str, Any]) -> None:
        """Sign in with the answer to a challenge; the session renews itself."""
        await self._transport.enter(f"{ROOT}/token", {"passkey": credential})

    @operation("step_up")
    async def step_up(
        self, *, password: str | None = None, credential: dict[str, Any] | None = None
    ) -> None:
        """Prove oneself again by password or passkey, for what needs a fresh proof."""
        body = {"password": password} if credential is None else {"passkey": credential}
        await self._transport.step_up("/v1/auth/step-up", body)
