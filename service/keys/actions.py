"""Founding and opening the keys of a deployment."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consent.vocabulary import Text
from service.keys.keystore import Keystore, is_founded
from service.keys.providers import create_root_key, load_root_key, root_key_exists
from service.keys.wrapping import KeyRefused, RootKey
from service.kit.crypto.aead import AES_256_GCM


def prepare(
    kek_uri: str, keystore_url: str, *, data: Path | None = None, suite: int | None = None
) -> None:
    """Make the root key and found the keystore where there is neither; else prove they fit.

    A root key that stands alone (an earlier start stopped half-way) is used, never replaced. A
    keystore without its root key is refused with a sentence.
    """
    if is_founded(keystore_url):
        open_keystore(kek_uri, keystore_url, data=data, suite=suite).close()
        return
    if root_key_exists(kek_uri, data=data):
        kek = load_root_key(kek_uri, data=data)
    else:
        kek = create_root_key(kek_uri, keystore_url=keystore_url, data=data)
    with _let_go(kek):
        Keystore.found(keystore_url, kek, suite or AES_256_GCM.number).close()


def open_keystore(
    kek_uri: str, keystore_url: str, *, data: Path | None = None, suite: int | None = None
) -> Keystore:
    """The keystore under its root key, or KeyRefused with a sentence for the operator.

    A suite that is asked for must be the keystore's: it changes by a command, never by a setting.
    """
    kek = load_root_key(kek_uri, data=data)
    with _let_go(kek):
        keystore = Keystore(keystore_url, kek)
    if suite is not None and suite != keystore.suite:
        keystore.close()
        raise KeyRefused(
            Text(
                f"密钥库使用密码套件 {keystore.suite}，而设置要求 {suite}。"
                f"如确要更换，请运行 kangma keys suite {suite}。",
                f"The keystore uses cipher suite {keystore.suite}, the setting asks for {suite}. "
                f"To change it on purpose, run kangma keys suite {suite}.",
            )
        )
    return keystore


@contextmanager
def _let_go(kek: RootKey) -> Iterator[None]:
    """Close the root key when no keystore could take it over."""
    try:
        yield
    except BaseException:
        kek.close()
        raise
