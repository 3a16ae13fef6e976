"""The file provider of the root key: `file:PATH` names a JSON file with every version.

    {"kangma_kek": 1, "id": "...", "primary": 1, "versions": {"1": {"key": "<base64, 32 bytes>"}}}

The file must belong to the account that runs the service, be closed to group and others (0600),
and lie outside the data folder, so that no backup of the data carries the key along. Every
refusal is one sentence for the operator. A key is never made beside an existing keystore: it
could open nothing there, and would hide that the right one is lost.
"""

import base64
import json
import os
import stat
from os import urandom
from pathlib import Path
from typing import Any, NoReturn

from consent.vocabulary import Text
from service.keys.keystore import is_founded
from service.keys.wrapping import Kek, KeyRefused

_FORMAT = 1
_LARGEST = 64 * 1024


def load_kek(uri: str, *, data: Path | None = None) -> Kek:
    """The root key at `uri`; KeyRefused in every doubt. `data` is the folder it must not be in."""
    path = _path(uri)
    if not path.exists():
        _refuse(path, "不存在。请从备份恢复原密钥文件。", "is missing. Restore the key file.")
    _check_folder(path, data)
    return _parse(path, _read(path))


def create_kek(uri: str, *, keystore_url: str, data: Path | None = None) -> Kek:
    """Make a new root key, only where there is neither a keystore nor a key file yet."""
    path = _path(uri)
    if is_founded(keystore_url):
        _refuse(
            path,
            "未创建：密钥库已存在，新密钥打不开它。请恢复原密钥文件。",
            "was not made: a keystore exists that a new key cannot open. Restore the key file.",
        )
    _check_folder(path, data)
    _write(path, _document(urandom(8).hex(), urandom(32)))
    return load_kek(uri, data=data)


def path_of(uri: str) -> Path:
    """Where the file provider keeps the key."""
    return _path(uri)


def _refuse(path: Path, zh: str, en: str) -> NoReturn:
    raise KeyRefused(Text(f"密钥文件 {path} {zh}", f"The key file {path} {en}"))


def _path(uri: str) -> Path:
    scheme, _, rest = uri.partition(":")
    if scheme != "file" or not rest:
        raise KeyRefused(
            Text(
                "主密钥地址应为 file:路径，不支持其他提供方。",
                "The root key address must be file:PATH; no other provider is there.",
            )
        )
    return Path(rest).expanduser()


def _check_folder(path: Path, data: Path | None) -> None:
    if data is not None and path.resolve().is_relative_to(data.resolve()):
        _refuse(
            path,
            "位于数据目录内，会随数据备份外泄。请移到别处。",
            "lies inside the data folder, where backups would take it along. Move it elsewhere.",
        )


def _read(path: Path) -> bytes:
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        _refuse(path, "无法读取。", "cannot be read.")
    try:
        # The opened file is looked at, not its name, so it cannot be changed in between.
        _check_file(path, os.fstat(number))
        return os.read(number, _LARGEST)
    finally:
        os.close(number)


def _check_file(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        _refuse(path, "不是普通文件。", "is not a regular file.")
    if found.st_uid != os.geteuid():
        _refuse(
            path, "不属于运行服务的账户。", "does not belong to the account that runs the service."
        )
    if found.st_mode & 0o077:
        _refuse(
            path,
            "可被其他账户访问，请执行 chmod 600。",
            "is open to other accounts; run chmod 600.",
        )


def _parse(path: Path, content: bytes) -> Kek:
    try:
        document: Any = json.loads(content)
    except ValueError:
        _refuse(path, "不完整或不是 JSON。", "is truncated or not JSON.")
    try:
        if document["kangma_kek"] != _FORMAT:
            raise ValueError
        versions = {
            int(number): _key(entry["key"]) for number, entry in document["versions"].items()
        }
        return Kek(str(document["id"]), versions, document["primary"])
    except (ValueError, TypeError, KeyError, AttributeError):
        # The cause could quote key material, so it is not chained.
        pass
    _refuse(path, "内容不是有效的主密钥。", "does not hold a valid root key.")


def _key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != 32:
        raise ValueError
    return key


def _document(id: str, key: bytes) -> bytes:
    text = {
        "kangma_kek": _FORMAT,
        "id": id,
        "primary": 1,
        "versions": {"1": {"key": base64.b64encode(key).decode()}},
    }
    return json.dumps(text, indent=1).encode() + b"\n"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        _refuse(path, "已存在，不会被覆盖。", "exists already and is not overwritten.")
    except OSError:
        _refuse(path, "无法创建。", "cannot be made.")
    with os.fdopen(number, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(number)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
