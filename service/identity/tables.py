"""Rows of sign-in. No name, number or login stands here in clear: logins are blind-index tags."""

from sqlalchemy import Boolean, Column, Index, LargeBinary, String, Table

from service.kit.db import Instant, UuidBytes, metadata

logins = Table(
    "logins",
    metadata,
    Column("tag", LargeBinary(16), primary_key=True),
    Column("subject", UuidBytes, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("password_hash", String(255), nullable=False),
    Column("disabled", Boolean, nullable=False, default=False),
    Index("ix_logins_subject", "subject"),
)
"""One row a sign-in name: `tag` is HMAC(K_bi, login)[:16], `kind` resident or practitioner."""

practitioners = Table(
    "practitioners",
    metadata,
    Column("practitioner_id", UuidBytes, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("clinic", String(200), nullable=False),
    Column("region", String(16), nullable=True),
)
"""Doctors are public officers: name, clinic and region of service are published to residents."""

clients = Table(
    "clients",
    metadata,
    Column("client_id", UuidBytes, primary_key=True),
    Column("role", String(16), nullable=False),
    Column("name", String(100), nullable=False),
    Column("secret_hash", LargeBinary(32), nullable=False),
)
"""Machines. A client secret has 256 random bits, so a plain digest keeps it."""

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
