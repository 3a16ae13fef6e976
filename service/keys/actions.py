"""Founding and opening the keys of a deployment."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.keys.keystore import Keystore, is_founded
from service.keys.providers import create_root_key, load_root_key, root_key_exists
from service.keys.wrapping import RootKey


def prepare(kek_uri: str, keystore_url: str, *, data: Path | None = None) -> None:
    """Make the root key and found the keystore where there is neither; else prove they fit.

    A root key that stands alone (an earlier start stopped half-way) is used, never replaced. A
    keystore without its root key is refused with a sentence.
    """
    if is_founded(keystore_url):
        open_keystore(kek_uri, keystore_url, data=data).close()
        return
    if root_key_exists(kek_uri, data=data):
        kek = load_root_key(kek_uri, data=data)
    else:
        kek = create_root_key(kek_uri, keystore_url=keystore_url, data=data)
    with _let_go(kek):
        Keystore.found(keystore_url, kek).close()


def open_keystore(kek_uri: str, keystore_url: str, *, data: Path | None = None) -> Keystore:
    """The keystore under its root key, or KeyRefused with a sentence for the operator."""
    kek = load_root_key(kek_uri, data=data)
    with _let_go(kek):
        return Keystore(keystore_url, kek)


@contextmanager
def _let_go(kek: RootKey) -> Iterator[None]:
    """Close the root key when no keystore could take it over."""
    try:
        yield
    except BaseException:
        kek.close()
        raise
