"""What verifiers and clients read about this service before they trust it."""

from typing import Any

from fastapi import APIRouter

from service.api.auth.answers import SCOPES
from service.api.body import StrictRoute
from service.api.deps import TOKEN_URL
from service.api.rooms import HouseDep
from service.kit.tokens import jwks

router = APIRouter(tags=["auth"], route_class=StrictRoute)

PUBLISHED = ("jwt", "receipt", "audit", "release")


@router.get("/.well-known/jwks.json")
async def get_jwks(house: HouseDep) -> dict[str, Any]:
    """The public keys of access tokens, receipts, the access log and releases (RFC 7517).

    They are told apart by their `kid`. A receipt is no access token: its `typ` differs, and the
    doors know the token keys only.
    """
    return jwks(key for name in PUBLISHED for key in house.system.signing_keys(name))


@router.get("/.well-known/oauth-authorization-server")
async def get_authorization_server(house: HouseDep) -> dict[str, Any]:
    """Where the doors of sign-in are (RFC 8414)."""
    address = house.settings.address
    return {
        "issuer": house.settings.issuer,
        "token_endpoint": f"{address}{TOKEN_URL}",
        "revocation_endpoint": f"{address}/v1/auth/revoke",
        "jwks_uri": f"{address}/.well-known/jwks.json",
        "grant_types_supported": ["password", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported": [
            "none",
            "private_key_jwt",
            "client_secret_basic",
            "client_secret_post",
        ],
        "token_endpoint_auth_signing_alg_values_supported": ["EdDSA", "ES256"],
        "dpop_signing_alg_values_supported": ["EdDSA", "ES256"],
        "acr_values_supported": ["1", "2"],
        "response_types_supported": [],
        "scopes_supported": sorted(set().union(*SCOPES.values())),
    }
