"""Rows of sign-in. No name, number or login stands here in clear: logins are blind-index tags."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    false,
)

from service.kit.column_types import Instant, UuidBytes
from service.kit.engines import metadata

logins = Table(
    "logins",
    metadata,
    Column("tag", LargeBinary(16), primary_key=True),
    Column("subject", UuidBytes, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("password_hash", String(255), nullable=False),
    Column("disabled", Boolean, nullable=False, default=False),
    Index("uq_logins_subject", "subject", unique=True),
)
"""One row a sign-in name: `tag` is HMAC(K_bi, login)[:16], `kind` resident or practitioner.

Nobody has two names: a second one would be a second owner of the same file."""

practitioners = Table(
    "practitioners",
    metadata,
    Column("practitioner_id", UuidBytes, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("clinic", String(200), nullable=False),
    Column("region", String(16), nullable=True),
    Column("clinic_id", UuidBytes, nullable=True),
    Column("role", String(32), nullable=False, server_default="family-doctor"),
    Column("disabled", Boolean, nullable=False, server_default=false()),
    Index("ix_practitioners_clinic", "clinic_id"),
)
"""Doctors are public officers: name, clinic and region of service are published to residents.
`clinic` repeats the name of the clinic as residents read it; grants name its id."""

clients = Table(
    "clients",
    metadata,
    Column("client_id", UuidBytes, primary_key=True),
    Column("role", String(16), nullable=False),
    Column("name", String(100), nullable=False),
    Column("secret_hash", LargeBinary(32), nullable=True),
)
"""Machines. A secret has 256 random bits, so a plain digest keeps it; who has a key has none."""

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("family", UuidBytes, nullable=False),
    Column("subject", UuidBytes, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("auth_time", Instant, nullable=False),
    Column("acr", String(1), nullable=False),
    Column("used", Boolean, nullable=False, default=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_refresh_tokens_family", "family"),
    Index("ix_refresh_tokens_subject", "subject"),
)
"""Rotating refresh tokens; a `used` row that comes again means theft and ends its family."""

revocations = Table(
    "revocations",
    metadata,
    Column("id", UuidBytes, primary_key=True),
    Column("at", Instant, nullable=False),
    Index("ix_revocations_at", "at"),
)
"""Families and subjects whose access tokens are void; moot once older than any living token."""

client_keys = Table(
    "client_keys",
    metadata,
    Column("client_id", UuidBytes, primary_key=True),
    Column("thumbprint", String(43), primary_key=True),
    Column("jwk", Text, nullable=False),
)
"""Public keys of machines that sign for themselves, named by RFC 7638; several in a change."""

used_once = Table(
    "used_once",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("until", Instant, nullable=False),
    Index("ix_used_once_until", "until"),
)
"""What may come only once (proofs, assertions, challenges, states), until it would be too old."""

passkeys = Table(
    "passkeys",
    metadata,
    Column("tag", LargeBinary(16), primary_key=True),
    Column("passkey_id", UuidBytes, nullable=False, unique=True),
    Column("subject", UuidBytes, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_passkeys_subject", "subject"),
)
"""WebAuthn credentials: `tag` is HMAC(K_bi, credential id)[:16], the key is COSE. No name."""

challenges = Table(
    "challenges",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("subject", UuidBytes, nullable=True),
    Column("until", Instant, nullable=False),
    Index("ix_challenges_until", "until"),
)
"""Ceremonies that have begun: the hash of a challenge or state. Answering one takes it away."""

federated_logins = Table(
    "federated_logins",
    metadata,
    Column("tag", LargeBinary(16), primary_key=True),
    Column("subject", UuidBytes, nullable=False),
    Index("ix_federated_logins_subject", "subject"),
)
"""Which practitioner an account at the city's identity provider is: HMAC of issuer and subject."""

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("tag", LargeBinary(16), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Index("ix_sign_in_attempts_last_at", "last_at"),
)
"""Failed passwords of a name, and of a name from one address; both keyed hashes, known or not."""

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("subject", UuidBytes, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_recovery_codes_subject", "subject"),
)
"""What a resident put by for a forgotten password: 99 random bits each, so a digest keeps them."""
