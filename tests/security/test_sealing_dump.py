"""A stolen dump: no value, class, measure, day, name or key in it, in any spelling."""

import base64
import json
import zlib
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, text

from consent.vocabulary import ALL_CLASSES, DataClass
from service.audit import actions as audit
from service.keys.keyring import Keyring
from service.keys.keystore import Keystore
from service.keys.system import SystemKeys
from service.kit.column_types import UuidBytes
from service.kit.engines import metadata, open_engine
from service.kit.sealed import Place
from tests.keyring_room import Room, found
from tests.slices.test_audit import an_entry

CANARY = "canary-HIV-positive-137.5"
NAME = "欧阳金丝雀"
LOGIN = "13912345678"
DAY = date(2026, 3, 14)

_shapes = MetaData()
rows = Table(
    "record_parts",
    _shapes,
    Column("resident_id", UuidBytes, primary_key=True),
    Column("record_key", LargeBinary, primary_key=True),
    Column("class_tag", LargeBinary, primary_key=True),
    Column("measure_tag", LargeBinary),
    Column("day", BigInteger),
    Column("sealed", LargeBinary),
)


def spellings(secret: bytes) -> dict[str, bytes]:
    """One secret as a careless program might have written it."""
    shifted = {f"base64+{n}": base64.b64encode(bytes(n) + secret)[4:-4] for n in range(3)}
    return {
        "plain": secret,
        "hex": secret.hex().encode(),
        "HEX": secret.hex().upper().encode(),
        "zlib": zlib.compress(secret)[2:-4],
        "reversed": secret[::-1],
        "utf-16": secret.decode("utf-8", "ignore").encode("utf-16-le") or secret,
        **shifted,
    }


@pytest.fixture
def stolen(database_url: str, keystore_url: str, tmp_path: Path) -> tuple[bytes, list[bytes]]:
    """Everything a thief of both databases has, and the secrets that must not be in it."""
    keystore = found(keystore_url, tmp_path / "elsewhere")
    room = Room(keystore)
    one = room.resident()
    key_material = _secrets(keystore, room)
    engine = open_engine(database_url)
    _shapes.create_all(engine)
    metadata.create_all(
        engine, [one for name, one in metadata.tables.items() if name.startswith("access_")]
    )
    index = SystemKeys(keystore).blind_index("phone", LOGIN)
    with engine.execution_options(kangma_writes=True).begin() as conn:
        for number, data_class in enumerate(sorted(ALL_CLASSES)):
            key = room.vault.row_key(one, f"{CANARY}-{number}")
            tag = room.vault.class_tag(one, data_class)
            measure = room.vault.measure_tag(one, f"measure-{CANARY}")
            shifted = room.vault.shift_day(one, DAY + timedelta(days=number))
            here = Place("record_parts", "sealed", one, key, shifted, tag, measure, 1)
            body = json.dumps({"value": CANARY, "name": NAME, "login": LOGIN}, ensure_ascii=False)
            sealed = room.vault.seal(room.own(one), data_class, here, body.encode())
            conn.execute(
                rows.insert().values(
                    resident_id=one, record_key=key, class_tag=tag, measure_tag=measure,
                    day=shifted, sealed=sealed.data,
                )
            )  # fmt: skip
        here = Place("access_log", "classes", one, bytes(16))
        classes = room.vault.seal_policy(one, here, b"infectious,genetic").data
        audit.append(conn, [an_entry(one, classes=classes, actor_id=index.hex())])
    dump = _dump(database_url, engine, tmp_path) + _dump(keystore_url, keystore.engine, tmp_path)
    engine.dispose()
    keystore.close()
    return dump, key_material


def test_a_raw_dump_contains_no_canary(stolen: tuple[bytes, list[bytes]]) -> None:
    dump, _ = stolen
    words = [CANARY, NAME, LOGIN, f"measure-{CANARY}", "infectious,genetic"]
    found_ones = [
        (word, spelling)
        for word in words
        for spelling, written in spellings(word.encode()).items()
        if written in dump
    ]
    assert found_ones == []


def test_a_raw_dump_names_no_class(stolen: tuple[bytes, list[bytes]]) -> None:
    dump, _ = stolen
    # Short or common words (body, fitness, location) may be in a database's own catalogue.
    telling = [DataClass.INFECTIOUS, DataClass.REPRODUCTIVE, DataClass.GENETIC, DataClass.MENTAL]
    assert [name for name in telling if name.encode() in dump] == []


def test_a_raw_dump_contains_no_day(stolen: tuple[bytes, list[bytes]]) -> None:
    dump, _ = stolen
    spelled = [DAY.isoformat().encode(), DAY.strftime("%Y%m%d").encode()]
    assert [word for word in spelled if word in dump] == []


def test_a_raw_dump_contains_no_key(stolen: tuple[bytes, list[bytes]]) -> None:
    dump, key_material = stolen
    assert len(key_material) > 14
    for key in key_material:
        assert not any(
            written in dump for name, written in spellings(key).items() if name != "utf-16"
        )


def test_the_search_would_find_a_canary(stolen: tuple[bytes, list[bytes]]) -> None:
    dump, _ = stolen
    for written in spellings(CANARY.encode()).values():
        assert written in dump + written
    # The dump is the real one: the tables' names are in it.
    assert b"record_parts" in dump
    assert b"keyrings" in dump


def _secrets(keystore: Keystore, room: Room) -> list[bytes]:
    """Every key that protects the only resident, and the service's own."""
    system = SystemKeys(keystore)
    keys = [system.secret("cursor"), system.signing_key("jwt").private.private_bytes_raw()]
    for resident, sealed in keystore.sample(10).items():
        ring = Keyring.open(sealed, keystore.kek, keystore.deployment, resident)
        keys += [ring.index_key, *(entry.dek for entry in ring.entries)]
    return keys


def _dump(url: str, engine: object, folder: Path) -> bytes:
    if url.startswith("sqlite"):
        files = sorted(folder.glob("*.db*"))
        assert any(path.name.endswith("-wal") for path in files)
        return b"".join(path.read_bytes() for path in files)
    opened = open_engine(url)
    parts: list[bytes] = []
    with opened.connect() as conn:
        names = conn.execute(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        ).scalars()
        for name in list(names):
            parts.append(name.encode())
            for row in conn.execute(text(f'SELECT * FROM "{name}"')):
                parts += [
                    bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                    for value in row
                ]
    opened.dispose()
    return b"\0".join(parts)
