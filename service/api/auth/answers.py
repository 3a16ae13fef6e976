"""What every way of signing in answers with: an access token for the caller's own doors."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from service.house import House
from service.identity.actions import SignedIn
from service.kit.tokens import LIFETIME

SCOPES: dict[str, frozenset[str]] = {
    "resident": frozenset({"me"}),
    "doctor": frozenset({"patients"}),
    "city": frozenset({"releases"}),
}


class TokenAnswer(BaseModel):
    """OAuth 2 token response. `refresh_token` is absent for machine clients and after a step-up;
    a token of type DPoP is good only with proofs by the key it was asked for with (RFC 9449).
    `device_token` comes after a password: a device that keeps it, and sends it beside the next
    password of that name, is not held back by others who guess. It opens nothing."""

    access_token: str
    token_type: Literal["Bearer", "DPoP"]
    expires_in: int
    refresh_token: str | None = None
    scope: str
    device_token: str | None = None


def token_answer(
    house: House, signed_in: SignedIn, now: datetime, *, thumbprint: str | None = None
) -> TokenAnswer:
    """A ten-minute token for somebody who was just proven."""
    scope = SCOPES[signed_in.audience]
    token = house.tokens.issue(
        subject=signed_in.subject,
        audience=signed_in.audience,
        scope=scope,
        auth_time=signed_in.auth_time,
        acr=signed_in.acr,
        family=signed_in.family,
        now=now,
        thumbprint=thumbprint,
    )
    return TokenAnswer(
        access_token=token,
        token_type="Bearer" if thumbprint is None else "DPoP",
        expires_in=int(LIFETIME.total_seconds()),
        refresh_token=signed_in.refresh_token,
        scope=" ".join(sorted(scope)),
    )
