"""Files a command makes: always new ones, never over what is there."""

import os
from pathlib import Path

from consent.vocabulary import Text
from service.kit.errors import ServiceError

NO_FILE = Text(
    "无法新建该文件：它已存在，或目录不存在、不可写。",
    "The file cannot be made: it is there already, or its folder is missing or closed.",
)


class FileRefused(ServiceError):
    """A file cannot be read or made; the sentence tells the operator why."""

    code = "file-refused"


def make(file: Path, permissions: int = 0o600) -> int:
    """Descriptor of a new file, open for writing; FileRefused when one is there or cannot be."""
    try:
        return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, permissions)
    except OSError:
        raise FileRefused(NO_FILE) from None
