"""A file that holds a secret: where it may lie, who may touch it, and how it is replaced whole."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import NoReturn

from consent.vocabulary import Text
from service.keys.wrapping import KeyRefused

_LARGEST = 64 * 1024


def refused(path: Path, zh: str, en: str) -> KeyRefused:
    """The refusal with the sentence "The file PATH ..."."""
    return KeyRefused(Text(f"文件 {path} {zh}", f"The file {path} {en}"))


def refuse(path: Path, zh: str, en: str) -> NoReturn:
    """Raise what `refused` makes."""
    raise refused(path, zh, en)


def check_place(path: Path, data: Path | None) -> None:
    """KeyRefused for a file inside the data folder, whatever links lead there."""
    if data is not None and path.resolve().is_relative_to(data.resolve()):
        refuse(
            path,
            "位于数据目录内，会随数据备份外泄。请移到别处。",
            "lies inside the data folder, where backups would take it along. Move it elsewhere.",
        )


def read(path: Path) -> bytes:
    """The content of a regular file that nobody but this account (and root) can read or replace."""
    number = _open(path)
    try:
        # The opened file is looked at, not its name, so it cannot be changed in between.
        _check_file(path, os.fstat(number))
        content = os.read(number, _LARGEST + 1)
    finally:
        os.close(number)
    _check_folders(path)
    if len(content) > _LARGEST:
        refuse(path, "过大，不是密钥文件。", "is larger than any key file.")
    return content


def state(path: Path) -> tuple[int, int, int] | None:
    """Something that differs once the file was replaced; None when it cannot be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def make(path: Path, content: bytes) -> None:
    """A new file, durable at return; one that is there is never overwritten."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_folders(path)
    try:
        _write(path, content)
    except FileExistsError:
        refuse(path, "已存在，不会被覆盖。", "exists already and is not overwritten.")
    except OSError:
        refuse(path, "无法创建。", "cannot be made.")
    _sync_folder(path.parent)


def replace(path: Path, content: bytes) -> None:
    """Put new content in the place of the old, all of it or none, durable at return."""
    # Behind a link it is the file that is replaced, not the link.
    target = path.resolve()
    fresh = target.parent / f".{target.name}.{token_hex(8)}"
    try:
        _write(fresh, content)
        fresh.rename(target)
    except OSError:
        fresh.unlink(missing_ok=True)
        refuse(path, "无法改写。", "cannot be replaced.")
    _sync_folder(target.parent)


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Processes that change the same file take turns. The lock is on its folder, and no file."""
    folder = os.open(path.resolve().parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        refuse(
            path,
            "不存在。请从备份恢复原文件。",
            "is missing. Restore it from where you keep it safe.",
        )
    except OSError:
        refuse(path, "无法读取。", "cannot be read.")


def _check_file(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        refuse(path, "不是普通文件。", "is not a regular file.")
    if found.st_uid != os.geteuid():
        refuse(
            path, "不属于运行服务的账户。", "does not belong to the account that runs the service."
        )
    if found.st_mode & 0o077:
        refuse(
            path,
            "可被其他账户访问，请执行 chmod 600。",
            "is open to other accounts; run chmod 600.",
        )


def _check_folders(path: Path) -> None:
    """Who can write to its folder can put another key in the place of ours.

    Behind a link there are two folders: that of the name and that of the file. In a sticky folder
    (/tmp) only the owner of a file can replace it, and the owner is checked. Folders further up
    are the operator's.
    """
    for folder in {path.parent, path.resolve().parent}:
        _check_folder(path, folder.stat())


def _check_folder(path: Path, found: os.stat_result) -> None:
    mine = found.st_uid in (0, os.geteuid())
    open_to_others = found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX
    if not mine or open_to_others:
        refuse(
            path,
            "所在目录可被其他账户改写，请对该目录执行 chmod 700。",
            "lies in a folder that other accounts can change; run chmod 700 on the folder.",
        )


def _write(path: Path, content: bytes) -> None:
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(number, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(number)


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
