"""Rewrapping every keyring under another version of the root key: `python -m bench.keys`.

Beside it stands its raw cost: the same keys through AES-256-GCM, and the same rows through the
driver, in batches of the same size, with nothing around them.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from os import urandom
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench import machine
from bench.stage import made_database, postmaster
from bench.trials import Finding
from service.keys import actions, rewrap, rotation
from service.keys.keyring import Keyring, SealedKeyring
from service.keys.keystore import Keystore
from service.keys.tables import keyrings
from service.keys.wrapping import belonging
from service.kit.clock import utc_now
from tests import postgres

TARGETS = {"sqlite": 100_000, "postgresql": 30_000}


def rewraps(count: int = 100_000, times: int = 3) -> list[Finding]:
    """Keys a second on each database, the best of some runs."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="kangma-keys-")))
        server = postgres.start(fsync=True)
        stack.callback(server.stop)
        urls = {
            "sqlite": f"sqlite:///{folder / 'keys.db'}",
            "postgresql": made_database(server.url),
        }
        master = postmaster(server)
        return [
            _finding(name, url, folder / name, (count, times, master)) for name, url in urls.items()
        ]


def _finding(name: str, url: str, folder: Path, how: tuple[int, int, int]) -> Finding:
    count, times, master = how
    with _founded(url, folder, count) as keystore:
        runs, raws, spent = [], [], []
        for _ in range(times):
            _next_version(keystore)
            server, mine = machine.single_threaded(master), time.process_time()
            began = time.perf_counter()
            *_, last = rewrap.rewrap(keystore)
            runs.append(count / (time.perf_counter() - began))
            took = time.process_time() - mine, machine.single_threaded(master) - server
            if count / sum(took) > max(spent, default=0.0):
                shares = [round(one / count * 1e6, 1) for one in took]
            spent.append(count / sum(took))
            assert (last.left, last.broken) == (0, ())
            raws.append(_raw(keystore, count))
        detail = {
            "all": [round(run) for run in runs],
            "raw": [round(raw) for raw in raws],
            "a second of processor time": round(max(spent)),
            "us a key, client and server": shares,
        }
        return Finding(
            f"keys rewrapped on {name}",
            max(runs),
            "keys/s",
            TARGETS[name],
            raw=max(raws),
            detail=detail,
        )


@contextmanager
def _founded(url: str, folder: Path, count: int) -> Iterator[Keystore]:
    folder.mkdir()
    uri = f"file:{folder / 'kek' / 'kek.json'}"
    actions.prepare(uri, url)
    with closing(actions.open_keystore(uri, url)) as keystore:
        # One document serves all: a rewrap never opens it, and only its size counts.
        one = Keyring.fresh().seal(keystore.kek, keystore.deployment, UUID(int=0))
        for start in range(0, count, 5000):
            ids = [UUID(bytes=urandom(16)) for _ in range(start, min(count, start + 5000))]
            bound = [belonging("rdek", keystore.deployment, who.bytes) for who in ids]
            wrapped = keystore.kek.wrap_many([(urandom(32), where) for where in bound])
            keystore.add(
                [
                    (who, SealedKeyring(version, key, one.sealed_document))
                    for who, (version, key) in zip(ids, wrapped, strict=True)
                ],
                now=utc_now(),
            )
        yield keystore


def _next_version(keystore: Keystore) -> None:
    """Through the steps of a rotation, without their waits."""
    now, wait = utc_now(), timedelta()
    while rotation.advance(keystore, now=now, wait=wait).done != "made-primary":
        continue


def _raw(keystore: Keystore, count: int) -> float:
    """Keys a second when nothing is done but the ciphers' and the driver's part of it."""
    old, new, where = AESGCM(urandom(32)), AESGCM(urandom(32)), bytes(52)
    with keystore.reading() as conn:
        ids = [who.bytes for who in conn.scalars(keyrings.select().with_only_columns(_id()))]
    sealed = [(bytes(12), old.encrypt(bytes(12), bytes(32), where)) for _ in ids]
    began = time.perf_counter()
    for start in range(0, count, rewrap.BATCH):
        part = sealed[start : start + rewrap.BATCH]
        keys = [old.decrypt(nonce, key, where) for nonce, key in part]
        fresh = [bytes(12) + new.encrypt(urandom(12), key, where) for key in keys]
        rows = [(99, key, who) for key, who in zip(fresh, ids[start:], strict=False)]
        with keystore.writing() as conn:
            rewrap.write(conn, rows)
            # Nothing of it stays: the next run finds the keys as they were.
            taken = time.perf_counter()
            conn.rollback()
            began += time.perf_counter() - taken
    return count / (time.perf_counter() - began)


def _id() -> object:
    return keyrings.c.resident_id


if __name__ == "__main__":
    for one in rewraps():
        print(f"{one.name}: {one.value:,.0f} {one.unit} (raw {one.raw:,.0f}) {one.detail}")
