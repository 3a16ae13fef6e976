"""What a browser's authenticator answers, in the JSON of WebAuthn level 3 (`toJSON()`)."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from service.api.body import Shape
from service.house import House
from service.identity.passkeys.ceremony import Party

Base64 = Annotated[str, Field(max_length=8192, pattern=r"^[A-Za-z0-9_-]*$")]
"""Base64url without padding."""
Extensions = Annotated[dict[str, Any], Field(max_length=16)]


class Wired(Shape):
    """Members have the names of the standard on the wire."""

    model_config = ConfigDict(serialize_by_alias=True)


class Created(Wired):
    client_data: Base64 = Field(alias="clientDataJSON")
    attestation: Base64 = Field(alias="attestationObject")
    authenticator_data: Base64 | None = Field(None, alias="authenticatorData")
    public_key: Base64 | None = Field(None, alias="publicKey")
    algorithm: int | None = Field(None, alias="publicKeyAlgorithm")
    transports: list[Annotated[str, Field(max_length=32)]] | None = Field(None, max_length=16)


class Asserted(Wired):
    client_data: Base64 = Field(alias="clientDataJSON")
    authenticator_data: Base64 = Field(alias="authenticatorData")
    signature: Base64
    user_handle: Base64 | None = Field(None, alias="userHandle")


class Credential(Wired):
    id: Base64
    raw_id: Base64 = Field(alias="rawId")
    type: Literal["public-key"]
    attachment: Annotated[str, Field(max_length=32)] | None = Field(
        None, alias="authenticatorAttachment"
    )
    extensions: Extensions = Field({}, alias="clientExtensionResults")


class CreatedCredential(Credential):
    """The answer of `navigator.credentials.create`."""

    response: Created


class AssertedCredential(Credential):
    """The answer of `navigator.credentials.get`."""

    response: Asserted


def as_sent(credential: Credential) -> dict[str, Any]:
    """The members that were sent, under the names of the standard."""
    return credential.model_dump(exclude_unset=True, exclude_none=True)


def party(house: House) -> Party:
    """Who this service is to an authenticator."""
    return Party(house.settings.passkey_domain, house.settings.passkey_origins)
