"""One database into one file and back: SQLite's online backup, PostgreSQL's own tools.

SQLite copies page by page while others write, and gives the state of one moment. For PostgreSQL
pg_dump and pg_restore must be installed; without them there is no second-best way, only a refusal.
"""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from hashlib import file_digest
from pathlib import Path

from sqlalchemy import URL, make_url

from consent.vocabulary import Text
from service.kit.errors import ServiceError

SQLITE_FILE, POSTGRESQL_FILE = "store.sqlite", "store.pgdump"


class DumpRefused(ServiceError):
    """The database's own tool is missing or did not succeed."""

    code = "backup-refused"


def save(url: str, folder: Path) -> Path:
    """Copy the database into a file of this folder that only this account can read."""
    place = make_url(url)
    if place.get_backend_name() == "sqlite":
        # Opening a file that is not there would make one, and its empty copy pass for a backup.
        if not Path(place.database or "").is_file():
            raise DumpRefused(_NOTHING)
        target = folder / SQLITE_FILE
        target.touch(mode=0o600)
        _copy_sqlite(Path(place.database or ""), target)
        return target
    target = folder / POSTGRESQL_FILE
    target.touch(mode=0o600)
    # No owners and no privileges: the one who restores may have other roles than the one who saved.
    options = ["--format=custom", "--no-owner", "--no-privileges", f"--file={target}"]
    _run("pg_dump", place, options)
    return target


def restore(url: str, file: Path) -> None:
    """Put the file's content in the place of everything in the database, wholly or not at all."""
    place = make_url(url)
    if place.get_backend_name() == "sqlite":
        if file.name != SQLITE_FILE:
            raise DumpRefused(_KIND)
        Path(place.database or "").parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _copy_sqlite(file, Path(place.database or ""))
        return
    if file.name != POSTGRESQL_FILE:
        raise DumpRefused(_KIND)
    options = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction"]
    database = place.database or ""
    _run("pg_restore", place, [*options, f"--dbname={database}", str(file)], named=False)


def digest(file: Path) -> str:
    """SHA-256 of a file, in hex."""
    with file.open("rb") as opened:
        return file_digest(opened, "sha256").hexdigest()


def _copy_sqlite(source: Path, target: Path) -> None:
    """Page by page, as of one moment; what was in the target is gone, its journal too."""
    try:
        with closing(_sqlite(source)) as old, closing(_sqlite(target)) as new:
            old.backup(new)
            new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error:
        refused = DumpRefused(_NOT_COPIED)
    else:
        return
    # Raised out here, because the cause may quote what it met.
    raise refused


def _sqlite(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=30)


def _run(tool: str, place: URL, options: list[str], *, named: bool = True) -> None:
    path = shutil.which(tool)
    if path is None:
        raise DumpRefused(
            Text(f"未找到 {tool}，请安装 PostgreSQL 客户端工具。", f"{tool} is not installed.")
        )
    last = [place.database or ""] if named else []
    done = subprocess.run(  # noqa: S603 - a fixed tool, with options made here
        [path, *options, *last], env=_environment(place), capture_output=True, check=False
    )
    if done.returncode != 0:
        # What the tool says may quote rows; its exit status is enough to look further by hand.
        raise DumpRefused(
            Text(f"{tool} 失败（{done.returncode}）。", f"{tool} failed ({done.returncode}).")
        )


def _environment(place: URL) -> dict[str, str]:
    """Where to connect, as libpq reads it. A password is never a word of the command line."""
    host = place.host or place.query.get("host")
    words = {
        "PGHOST": host if isinstance(host, str) else None,
        "PGPORT": None if place.port is None else str(place.port),
        "PGUSER": place.username,
        "PGPASSWORD": None if place.password is None else str(place.password),
    }
    return {**os.environ, **{name: word for name, word in words.items() if word}}


_NOTHING = Text("没有可备份的数据库。", "There is no database to be copied.")
_NOT_COPIED = Text(
    "数据库文件无法复制：它正被占用、已损坏或不可写。",
    "The database file cannot be copied: it is in use, broken, or may not be written.",
)
_KIND = Text(
    "备份来自另一种数据库。", "The backup comes from another kind of database than this one."
)
