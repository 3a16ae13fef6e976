"""Backups of one database at a time, and what a restore must do besides copying bytes back.

The data store and the keystore are never in one backup: together they would be everything but the
root key. A restored data store meets the keystore of today, so what was erased since stays
unreadable; the tombstones are replayed, so that it is also gone.
"""

import json
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from consent.vocabulary import Text
from service import migrations
from service.house import build
from service.identity import store as identity
from service.kit import dumps
from service.kit.clock import utc_now
from service.kit.engines import open_engine
from service.kit.errors import ServiceError
from service.kit.guard import Crossing, dangerously_crossing
from service.kit.log import log
from service.kit.settings import Settings
from service.upkeep import store
from service.upkeep.replay import replay

MANIFEST = "backup.json"
DATA, KEYSTORE = "data", "keystore"


class BackupRefused(ServiceError):
    """The backup cannot be made or used; the sentence tells the operator why."""

    code = "backup-refused"


def save(settings: Settings, folder: Path, *, keystore: bool) -> dict[str, Any]:
    """Copy a database into an empty or new folder, consistently and while it is in use."""
    _make_empty(folder)
    url = settings.keys_url if keystore else settings.copying_url
    file = dumps.save(url, folder)
    facts = {
        "store": KEYSTORE if keystore else DATA,
        "made_at": utc_now().isoformat(timespec="seconds"),
        "file": file.name,
        "sha256": dumps.digest(file),
    }
    # Written last: a folder without it is a backup that was cut off.
    (folder / MANIFEST).write_text(json.dumps(facts), encoding="utf-8")
    log.warning("backup made", store=facts["store"])
    return facts


def restore(settings: Settings, folder: Path, *, keystore: bool, shut: bool) -> dict[str, Any]:
    """Put a backup back; of the data store, erase again what was erased since it was made."""
    facts = _manifest(folder, KEYSTORE if keystore else DATA)
    url = settings.keys_url if keystore else settings.owning_url
    dumps.restore(url, folder / facts["file"])
    # A backup of an older release is brought to today's shape before it is looked at.
    with closing(_Engine(url)) as opened:
        migrations.upgrade("keystore" if keystore else "data", opened.engine)
    log.warning("backup restored", store=facts["store"])
    told = {"store": facts["store"], "made_at": facts["made_at"]}
    if keystore:
        return told
    return {**told, **asdict(_replayed(settings, shut, utc_now()))}


def _make_empty(folder: Path) -> None:
    """The folder is there, empty, and open to this account alone when it was made here."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        empty = not any(folder.iterdir())
    except OSError:
        raise BackupRefused(_NO_FOLDER) from None
    if not empty:
        raise BackupRefused(_NOT_EMPTY)


class _Engine:
    """An engine that closes like a file."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)

    def close(self) -> None:
        self.engine.dispose()


def _replayed(settings: Settings, shut: bool, now: datetime) -> Any:
    house = build(settings, desk=True)
    try:
        key = house.system.secret("statistics")
        done = replay(house.db, house.keystore, key, now=now)
        renew = partial(store.begin_another_life, shut=shut)
        house.db.write(dangerously_crossing(Crossing.RESTORE, renew))
        # A refresh token or a code that was spent, or taken from a thief, would be good once more,
        house.db.write(dangerously_crossing(Crossing.RESTORE, identity.forget_secrets))
        # and so would an access token whose revocation is lost. Twice: the key that signed is
        # published for a while after the first.
        for _ in range(2):
            house.system.renew_signing_key("jwt")
        return done
    finally:
        house.close()


def _manifest(folder: Path, wanted: str) -> dict[str, str]:
    try:
        facts: dict[str, str] = json.loads((folder / MANIFEST).read_text("utf-8"))
        whole = dumps.digest(folder / facts["file"]) == facts["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        raise BackupRefused(_BROKEN) from None
    if not whole:
        raise BackupRefused(_BROKEN)
    if facts.get("store") != wanted:
        raise BackupRefused(_OTHER)
    return facts


_NO_FOLDER = Text("备份目录无法创建或打开。", "The folder of the backup cannot be made or opened.")
_NOT_EMPTY = Text("备份目录不是空的。", "The folder of the backup is not empty.")
_BROKEN = Text("备份不完整或已损坏。", "The backup is not whole.")
_OTHER = Text(
    "这是另一个库的备份：数据库与密钥库分开备份。",
    "This is a backup of the other database; the two are kept apart.",
)
