"""The two ceremonies of WebAuthn, as this service asks for them and as strictly as it reads them.

User verification is always required, attestation is not asked for, and a credential must be
discoverable: nobody types a name. The library checks type, challenge, origin, domain, presence,
verification and signature; the counter is compared by the caller, who keeps it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    bytes_to_base64url,
    options_to_json_dict,
    parse_client_data_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.encode_cbor import encode_cbor
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

NAME = "Kangma 康码"
ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
FORMATS = (AttestationFormat.NONE, AttestationFormat.PACKED)
"""Attestation is not asked for; what some authenticators send all the same is `packed`."""
KEY_LIMIT = 1024
HEAD = 37
"""Bytes of the domain's hash, the flags and the counter, in front of all else that is attested."""
ATTESTED, EXTENDED = 0x40, 0x80
"""Flags: behind the head stand a new credential, and what extensions answer."""
NESTED = 8
"""Levels of CBOR; an attestation with certificates has three."""
SHARING = (25, 28, 29, 256)
"""Tags that let one value stand in many places: CTAP2 has no tags at all."""


class Party(NamedTuple):
    """Who asks: the domain passkeys belong to, and the origins whose pages may use them."""

    domain: str
    origins: tuple[str, ...]


class Registered(NamedTuple):
    credential_id: bytes
    public_key: bytes
    sign_count: int


def creation_options(party: Party, challenge: bytes, handle: bytes) -> dict[str, Any]:
    """What a browser hands to `navigator.credentials.create`. No name of the person is in it."""
    options = generate_registration_options(
        rp_id=party.domain,
        rp_name=NAME,
        user_id=handle,
        user_name=NAME,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        supported_pub_key_algs=ALGORITHMS,
    )
    return dict(options_to_json_dict(options))


def request_options(party: Party, challenge: bytes) -> dict[str, Any]:
    """What a browser hands to `navigator.credentials.get`: any passkey of this domain will do."""
    options = generate_authentication_options(
        rp_id=party.domain,
        challenge=challenge,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(options_to_json_dict(options))


def challenge_of(credential: Mapping[str, Any]) -> bytes | None:
    """The challenge an answer says it answers; None when it says nothing readable."""
    try:
        said = base64url_to_bytes(credential["response"]["clientDataJSON"])
        return bytes(parse_client_data_json(said).challenge)
    except Exception:
        return None


def registered(party: Party, credential: Mapping[str, Any], challenge: bytes) -> Registered | None:
    """The new credential, or None when anything about the answer is not as asked."""
    try:
        sent = _read(base64url_to_bytes(credential["response"]["attestationObject"]))
        if sent["fmt"] not in FORMATS:
            return None
        _require_plain(sent["authData"])
        found = verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=party.domain,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
    except Exception:
        # The library raises a dozen kinds on hostile bytes, CBOR's and the ciphers' among them.
        # Whatever it could not verify is no credential.
        return None
    if len(found.credential_public_key) > KEY_LIMIT:
        return None
    # The library does not compare the id outside with the one the authenticator attests.
    if bytes_to_base64url(found.credential_id) != credential["rawId"]:
        return None
    return Registered(found.credential_id, found.credential_public_key, found.sign_count)


def asserted(
    party: Party, credential: Mapping[str, Any], challenge: bytes, public_key: bytes
) -> int | None:
    """The counter of a use that is proven, or None. Comparing it is left to the caller."""
    try:
        _require_plain(base64url_to_bytes(credential["response"]["authenticatorData"]))
        found = verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=party.domain,
            expected_origin=list(party.origins),
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception:
        # As above: not verified, for whatever reason, is not proven.
        return None
    return found.new_sign_count


def _require_plain(data: bytes) -> None:
    """Raise unless what stands behind the head is spelled the one way CTAP2 spells it.

    The library writes extensions anew to learn their length, before it looks at a signature. A
    value that is shared at each of thirty levels is read from 300 bytes and would be written out as
    a thousand million: whoever knows no credential at all could stop the service.
    """
    flags, rest = data[HEAD - 5], data[HEAD:]
    if flags & ATTESTED:
        # Sixteen bytes of the model and two of the length, the credential's id, its key.
        rest = _behind_an_item(rest[18 + int.from_bytes(rest[16:18], "big") :])
    if flags & EXTENDED:
        rest = _behind_an_item(rest)
    if rest:
        raise ValueError("more than the flags announce")


def _behind_an_item(data: bytes) -> bytes:
    spelled: bytes = cbor2.dumps(_read(data))
    if not data.startswith(spelled):
        raise ValueError("CBOR in another spelling than its shortest")
    return data[len(spelled) :]


def _read(data: bytes) -> Any:
    """The first item of some CBOR, in which every value stands once."""
    return cbor2.loads(data, semantic_decoders=dict.fromkeys(SHARING, _shared), max_depth=NESTED)


def _shared(_: Any) -> NoReturn:
    raise ValueError("a value that stands in several places")


def _nobodys_key() -> bytes:
    """A P-256 key that signs for nobody, so that an unknown credential costs the same work."""
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
    return bytes(encode_cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y}))


NOBODYS_KEY = _nobodys_key()
