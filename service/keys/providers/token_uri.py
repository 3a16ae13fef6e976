"""Addresses of keys in a PKCS#11 token, in the form of RFC 7512.

    pkcs11:token=LABEL;object=LABEL?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/PIN

`serial` may narrow the token. A `pin-value` is refused: an address is printed and listed.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from consent.vocabulary import Text
from service.keys.providers.secret import Secret
from service.keys.wrapping import KeyRefused

DEFAULT_PIN = "env:KANGMA_KEK_PIN"
_PATH = frozenset({"token", "object", "serial", "type"})
_QUERY = frozenset({"module-path", "pin-source"})


@dataclass(frozen=True, slots=True)
class TokenUri:
    """Where the root key is: which library, which token, which label."""

    module: Path
    token: str
    object: str
    serial: str | None
    pin: Secret

    @classmethod
    def parse(cls, uri: str) -> "TokenUri":
        """The address, or KeyRefused with what is wrong; values are never quoted."""
        path, _, query = uri.removeprefix("pkcs11:").partition("?")
        named = _pairs(path, ";", _PATH) | _pairs(query, "&", _QUERY)
        for name in ("token", "object", "module-path"):
            if not named.get(name):
                _refuse(f"缺少 {name}。", f"lacks {name}.")
        if named.get("type", "secret-key") != "secret-key":
            _refuse("type 应为 secret-key。", "names a type other than secret-key.")
        module = Path(named["module-path"])
        if not module.is_absolute() or not module.is_file():
            _refuse("的 module-path 不是已安装的库。", "names a module-path where no library is.")
        pin = Secret(named.get("pin-source", DEFAULT_PIN))
        return cls(module, named["token"], named["object"], named.get("serial"), pin)


def _pairs(text: str, separator: str, known: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, text.split(separator)):
        name, _, value = part.partition("=")
        if name == "pin-value":
            _refuse("不得含口令，请用 pin-source。", "holds a PIN; use pin-source instead.")
        if name not in known or name in found:
            _refuse("有未知或重复的属性。", "has an unknown attribute or one twice.")
        found[name] = unquote(value)
    return found


def _refuse(zh: str, en: str) -> None:
    raise KeyRefused(Text(f"pkcs11 地址{zh}", f"The pkcs11 address {en}"))
