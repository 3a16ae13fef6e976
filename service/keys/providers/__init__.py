"""Where a root key can live: one table from the scheme of KANGMA_KEK to its provider.

A provider turns its URI into a `RootKey` and refuses every doubt with a sentence. A new key is
made only where no keystore exists: beside one it could open nothing, and would hide that the right
one is lost.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from consent.vocabulary import Text
from service.keys.keystore import is_founded
from service.keys.providers import file, transit
from service.keys.wrapping import KeyRefused, RootKey


@dataclass(frozen=True, slots=True)
class Provider:
    """How one kind of root key is opened. Each takes the URI and the folder of the data."""

    load: Callable[[str, Path | None], RootKey]
    """The root key, or KeyRefused; makes nothing."""
    create: Callable[[str, Path | None], RootKey]
    """A new root key of one version where there is none; KeyRefused where there is one."""
    exists: Callable[[str, Path | None], bool]
    """Whether there is anything at this address, sound or not."""


def _file() -> Provider:
    return Provider(file.load, file.create, file.exists)


def _pkcs11() -> Provider:
    try:
        from service.keys.providers import pkcs11
    except ModuleNotFoundError:
        raise KeyRefused(
            Text(
                "未安装 PKCS#11 支持，请安装 kangma[hsm]。",
                "Support for PKCS#11 is not installed; install kangma[hsm].",
            )
        ) from None
    return Provider(pkcs11.load, pkcs11.create, pkcs11.exists)


def _transit() -> Provider:
    return Provider(transit.load, transit.create, transit.exists)


PROVIDERS: Mapping[str, Callable[[], Provider]] = MappingProxyType(
    {"file": _file, "pkcs11": _pkcs11, "transit": _transit}
)
"""By scheme. A provider is imported when it is first asked for: its library may not be there."""


def load_root_key(uri: str, *, data: Path | None = None) -> RootKey:
    """The root key at `uri`; KeyRefused in every doubt. `data` is the folder no key may be in."""
    return provider_of(uri).load(uri, data)


def create_root_key(uri: str, *, keystore_url: str, data: Path | None = None) -> RootKey:
    """Make a new root key, only where there is neither a keystore nor a root key yet."""
    provider = provider_of(uri)
    if is_founded(keystore_url):
        raise KeyRefused(
            Text(
                "未创建主密钥：密钥库已存在，新密钥打不开它。请恢复原主密钥。",
                "The root key was not made: a keystore exists that a new key cannot open. "
                "Restore the one it was founded with.",
            )
        )
    return provider.create(uri, data)


def root_key_exists(uri: str, *, data: Path | None = None) -> bool:
    """Whether something is at the address, be it a sound root key or not."""
    return provider_of(uri).exists(uri, data)


def provider_of(uri: str) -> Provider:
    """The provider that the scheme names; KeyRefused when there is none."""
    scheme, _, rest = uri.partition(":")
    provider = PROVIDERS.get(scheme)
    if provider is None or not rest:
        # The address is not quoted: it may hold what an operator took for a password's place.
        known = " ".join(f"{name}:..." for name in PROVIDERS)
        raise KeyRefused(
            Text(
                f"主密钥地址应以下列之一开头：{known}。",
                f"The root key address must begin with one of: {known}.",
            )
        )
    return provider()
