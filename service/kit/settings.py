"""Every setting, in one class, from `KANGMA_...` or `kangma.toml` in the working folder."""

from functools import cached_property
from pathlib import Path
from typing import Literal

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
    keystore_url: str | None = None
    """SQLAlchemy URL of the keystore; its own SQLite file in the folder when empty."""
    kek: str | None = None
    """Where the root key lives: `file:PATH`. Default: a sibling folder of the data folder."""
    key_seconds: float = Field(300, gt=0, le=3600)
    """How long a process keeps opened keys; every step of a rotation waits as long."""
    backup_days: float = Field(30, ge=0)
    """How long backups of the data are kept: replaced data keys are dropped only after that."""
    profile: Literal["production", "demo", "test"] = "production"
    """`demo` and `test` allow `releases publish --as-of` and fictional people."""
    issuer: str = "https://kangma.local"
    """`iss` of every token and receipt, and the base of problem type URIs."""
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
    def keys_url(self) -> str:
        return self.keystore_url or f"sqlite:///{self.data.resolve() / 'keys.db'}"

    @cached_property
    def kek_uri(self) -> str:
        data = self.data.resolve()
        return self.kek or f"file:{data.parent / (data.name + '-keys') / 'kek.json'}"
