"""PINs and tokens: named by where they are, never written into an address.

`file:PATH` is a file closed to everybody else, as a key file is; `env:NAME` is an environment
variable, which every process of the same account can read.
"""

import os
from pathlib import Path

from consent.vocabulary import Text
from service.keys.providers import disk
from service.keys.wrapping import KeyRefused


class Secret:
    """A secret that is read where it is each time it is needed, because others renew it."""

    __slots__ = ("_source",)

    def __init__(self, source: str) -> None:
        scheme, _, rest = source.partition(":")
        if scheme not in ("file", "env") or not rest:
            # Not quoted: somebody may have written the secret itself here.
            raise KeyRefused(
                Text(
                    "口令或令牌应以 file:路径 或 env:变量名 指明，不写在地址里。",
                    "Name a PIN or token as file:PATH or env:NAME; it never stands in an address.",
                )
            )
        self._source = source

    def __repr__(self) -> str:
        return "<secret>"

    def read(self) -> str:
        """The secret of now; KeyRefused when it is not there or too open."""
        scheme, _, rest = self._source.partition(":")
        text = _file(Path(rest)) if scheme == "file" else os.environ.get(rest, "")
        if not text:
            raise KeyRefused(
                Text(
                    f"口令或令牌 {self._source} 是空的。",
                    f"The PIN or token {self._source} is empty.",
                )
            )
        return text


def _file(path: Path) -> str:
    try:
        return disk.read(path).decode().strip()
    except UnicodeDecodeError:
        refused = disk.refused(path, "不是文本。", "is no text.")
    # Raised out here, because the cause quotes what was read.
    raise refused
