"""Proving a root key: the rows of a keystore that only the key it was founded with opens."""

from typing import Any

from sqlalchemy import Row

from consent.vocabulary import Text
from service.keys.wrapping import KeyRefused, RootKey, belonging
from service.kit.crypto.aead import AES_256_GCM, SUITES
from service.kit.errors import IntegrityBroken

NOT_FOUNDED = Text(
    "密钥库尚未初始化，请运行 kangma init。", "The keystore is empty; run kangma init."
)
_WRONG = Text(
    "主密钥与密钥库不匹配，请恢复原主密钥。",
    "The root key does not fit this keystore; restore the one it was founded with.",
)
_CHECKED = bytes(31)
"""What a check row wraps: zeros, and one byte for the suite (0 for suite 1)."""


def check_row(kek: RootKey, version: int, deployment: bytes, suite: int) -> dict[str, Any]:
    """The row that shows a version of the root key to be the right one, and names the suite."""
    text = _CHECKED + bytes([0 if suite == AES_256_GCM.number else suite])
    _, value = kek.wrap(text, belonging("check", deployment), version=version)
    return {"version": version, "deployment": deployment, "check_value": value}


def checked(kek: RootKey, row: Row[Any]) -> int:
    """The suite that a check row names; KeyRefused unless the root key opens it."""
    bound = belonging("check", bytes(row.deployment))
    try:
        text = kek.unwrap(row.version, bytes(row.check_value), bound)
    except IntegrityBroken:
        raise KeyRefused(_WRONG) from None
    suite = text[-1] or AES_256_GCM.number
    if suite not in SUITES:
        raise KeyRefused(
            Text("密钥库使用未知的密码套件。", "The keystore uses an unknown cipher suite.")
        )
    return suite
