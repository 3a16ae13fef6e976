"""Founding and opening the keys of a deployment."""

from pathlib import Path

from service.keys.kek import create_kek, load_kek, path_of
from service.keys.keystore import Keystore, is_founded


def prepare(kek_uri: str, keystore_url: str, *, data: Path | None = None) -> None:
    """Make the root key and found the keystore where there is neither; else prove they fit.

    A key file that stands alone (an earlier start stopped half-way) is used, never replaced. A
    keystore without its key file is refused with a sentence.
    """
    if is_founded(keystore_url):
        Keystore(keystore_url, load_kek(kek_uri, data=data)).close()
        return
    if path_of(kek_uri).exists():
        kek = load_kek(kek_uri, data=data)
    else:
        kek = create_kek(kek_uri, keystore_url=keystore_url, data=data)
    Keystore.found(keystore_url, kek).close()


def open_keystore(kek_uri: str, keystore_url: str, *, data: Path | None = None) -> Keystore:
    """The keystore under its root key, or KeyRefused with a sentence for the operator."""
    return Keystore(keystore_url, load_kek(kek_uri, data=data))
