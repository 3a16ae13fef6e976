"""Every setting, in one class, from `KANGMA_...` or `kangma.toml` in the working folder."""

from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class Settings(BaseSettings):
    """Defaults start an embedded service in `./kangma-data`; see docs/operations.md."""

    model_config = SettingsConfigDict(
        env_prefix="KANGMA_", toml_file="kangma.toml", extra="forbid", frozen=True
    )

    data: Path = Path("kangma-data")
    """Folder for the databases and the city's files."""
    database_url: str | None = None
    """SQLAlchemy URL of the data store; a SQLite file in the folder when empty."""
    owner_url: str | None = None
    """The data store as whoever owns its tables: for `init`, `db upgrade` and `db restore`.
    Default: the same."""
    operator_url: str | None = None
    """The data store as the command line and its jobs sign in. Default: the same."""
    backup_url: str | None = None
    """The data store as who may read all of it, for `db backup`. Default: the same."""
    keystore_url: str | None = None
    """SQLAlchemy URL of the keystore; its own SQLite file in the folder when empty."""
    kek: str | None = None
    """Where the root key lives: `file:PATH` (default: a sibling folder of the data folder),
    `pkcs11:...` or `transit:https://...`; see docs/operations.md."""
    suite: int | None = Field(default=None, ge=1, le=2)
    """Cipher suite of new data keys: 1 (AES-256-GCM), 2 (SM4-GCM with SM3). Chosen when the
    keystore is founded (1 when empty); later it must be the same, or nothing starts."""
    key_seconds: float = Field(300, gt=0, le=3600)
    """How long a process keeps opened keys; every step of a rotation waits as long."""
    backup_days: float = Field(30, ge=0)
    """How long backups of the data are kept: replaced data keys are dropped only after that."""
    profile: Literal["production", "demo", "test"] = "production"
    """`demo` and `test` allow `releases publish --as-of` and fictional people."""
    issuer: str = "https://kangma.local"
    """`iss` of every token and receipt, and the base of problem type URIs."""
    public_url: str | None = None
    """Address that people and machines use, `https://HOST[/PATH]`: what passkeys and proofs of
    possession name. The issuer when empty."""
    rp_id: str | None = None
    """Domain that passkeys belong to (WebAuthn `rpId`); the public address's host if empty."""
    origins: str | None = None
    """Origins, by commas, whose pages may ask for a passkey; the public address's if empty."""
    doctor_acr: Literal[1, 2] | None = None
    """2: doctors need a passkey or the identity provider, and a password alone only enrols one.
    1: a password is enough for the ordinary panel. By default 2 in production, else 1."""
    oidc_issuer: str | None = None
    """Identity provider whose accounts practitioners may sign in with; none if empty."""
    oidc_client_id: str | None = None
    oidc_client_secret_file: Path | None = None
    """File with the secret this service has at the identity provider."""
    oidc_redirect_uri: str | None = None
    """Page the provider sends people back to; `/signed-in` at the public address if empty."""
    oidc_algorithms: str = "ES256,RS256,EdDSA"
    """Algorithms, by commas, that an identity token may be signed with."""
    oidc_strong: str = "mfa,hwk,pop"
    """Values of `acr` or `amr`, by commas, that say two factors or a key: strength 2, else 1."""
    trusted_proxies: str | None = None
    """Addresses or networks, by commas, whose `X-Forwarded-For` is believed; nobody's if empty."""
    rate_limits: bool | None = None
    """Whether requests are counted by person and address; by default in production alone. Failed
    passwords are held back in every profile."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @cached_property
    def data_store_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data.resolve() / 'kangma.db'}"

    @cached_property
    def owning_url(self) -> str:
        return self.owner_url or self.data_store_url

    @cached_property
    def desk_url(self) -> str:
        return self.operator_url or self.data_store_url

    @cached_property
    def copying_url(self) -> str:
        return self.backup_url or self.data_store_url

    @cached_property
    def keys_url(self) -> str:
        return self.keystore_url or f"sqlite:///{self.data.resolve() / 'keys.db'}"

    @cached_property
    def kek_uri(self) -> str:
        data = self.data.resolve()
        return self.kek or f"file:{data.parent / (data.name + '-keys') / 'kek.json'}"

    @cached_property
    def address(self) -> str:
        """The public address without a slash at its end."""
        return (self.public_url or self.issuer).rstrip("/")

    @cached_property
    def passkey_domain(self) -> str:
        return self.rp_id or urlsplit(self.address).hostname or "localhost"

    @cached_property
    def passkey_origins(self) -> tuple[str, ...]:
        if self.origins:
            return tuple(one.strip() for one in self.origins.split(","))
        parts = urlsplit(self.address)
        return (f"{parts.scheme}://{parts.netloc}",)

    @cached_property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        named = (self.trusted_proxies or "").split(",")
        return tuple(ip_network(one.strip()) for one in named if one.strip())

    @cached_property
    def are_requests_counted(self) -> bool:
        return self.profile == "production" if self.rate_limits is None else self.rate_limits

    @cached_property
    def needed_doctor_acr(self) -> int:
        return self.doctor_acr or (2 if self.profile == "production" else 1)
