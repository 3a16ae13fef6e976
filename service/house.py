"""What one process is made of: stores, keys, tokens and the city's regions, opened once.

A floor of its own between the capabilities and the doors (ADR 0001): HTTP, jobs and the command
line build the same house and hand its rooms to the same functions.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from service import migrations
from service.domain.regions import RegionTree
from service.identity.federation.provider import Provider
from service.identity.revocations import Revocations
from service.keys import actions as keys
from service.keys.keystore import Keystore
from service.keys.system import SystemKeys
from service.keys.vault import Vault
from service.kit.clock import Clock, utc_now
from service.kit.db import Database
from service.kit.engines import open_engine
from service.kit.limits import Limits
from service.kit.paging import Cursors
from service.kit.passwords import Passwords
from service.kit.settings import Settings
from service.kit.tokens import Tokens
from service.migrations import walls
from service.tallies import actions as tallies

REGIONS_FILE = "regions.json"
OUTLINES_FILE = "outlines.geojson"


@dataclass(frozen=True, slots=True)
class House:
    """Everything a capability may be handed. Nothing in it belongs to one request."""

    settings: Settings
    clock: Clock
    db: Database
    keystore: Keystore
    vault: Vault
    system: SystemKeys
    tokens: Tokens
    passwords: Passwords
    revocations: Revocations
    limits: Limits
    provider: Provider
    cursors: Cursors
    regions: RegionTree

    def close(self) -> None:
        """Finish what is being written and let go of the databases."""
        tallies.finish(self.db, self.vault.openings, self.system)
        self.db.close()
        self.passwords.close()
        self.keystore.close()


def prepare(settings: Settings) -> None:
    """Make what is missing: folder, root key, both stores at their newest shape. Idempotent.

    A root key is made only where no keystore exists yet: beside an existing one a missing key is
    a loss to be told, not a gap to be filled.
    """
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    _upgrade("keystore", settings.keys_url)
    keys.prepare(settings.kek_uri, settings.keys_url, data=settings.data, suite=settings.suite)
    _upgrade("data", settings.owning_url)


def _upgrade(store: migrations.Store, url: str) -> None:
    engine = open_engine(url)
    try:
        migrations.upgrade(store, engine)
    finally:
        engine.dispose()


def build(settings: Settings, *, clock: Clock = utc_now, desk: bool = False) -> House:
    """Open both stores with the root key, or raise `KeyRefused` with a sentence. Makes nothing.

    `desk`: for the command line and its jobs, which sign in to PostgreSQL as another login.
    """
    url = settings.desk_url if desk else settings.data_store_url
    if settings.profile == "production":
        _require(url, partial(walls.require, desk=desk))
        _require(settings.keys_url, walls.require_plain)
    keystore = keys.open_keystore(
        settings.kek_uri, settings.keys_url, data=settings.data, suite=settings.suite
    )
    system = SystemKeys(keystore)
    db = Database(url)
    vault = Vault(keystore, keystore.deployment, clock=clock, lifetime=settings.key_seconds)
    db.watch(vault.openings)
    return House(
        settings=settings,
        clock=clock,
        db=db,
        keystore=keystore,
        vault=vault,
        system=system,
        tokens=Tokens(settings.issuer, lambda: system.signing_keys("jwt")),
        passwords=Passwords(),
        revocations=Revocations(db, clock),
        provider=Provider(settings),
        limits=Limits(on=settings.are_requests_counted),
        cursors=Cursors(system.secret("cursor")),
        regions=load_regions(settings.data / REGIONS_FILE),
    )


def _require(url: str, wall: Callable[[Connection], None]) -> None:
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            wall(connection)
    finally:
        engine.dispose()


def load_regions(path: Path) -> RegionTree:
    """The city's divisions as the operator loaded them; an empty tree before that."""
    if not path.exists():
        return RegionTree([])
    return RegionTree.from_json(path.read_text("utf-8"))


def load_outlines(path: Path) -> dict[str, Any] | None:
    """GeoJSON of the divisions for the city's maps, when the operator loaded one."""
    if not path.exists():
        return None
    outlines: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return outlines
