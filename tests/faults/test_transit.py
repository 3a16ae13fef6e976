"""A key service that is slow, down, cut off, renewed, strange or hostile.

Everything that a root key promises is in tests/slices/test_root_key.py; here the way to it breaks.
"""

import json
import os
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Event

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from service.keys import actions
from service.keys.providers import create_root_key, load_root_key, root_key_exists, transit_http
from service.keys.providers.breaker import Breaker
from service.keys.wrapping import KeyRefused, RootKey, belonging
from service.kit.errors import IntegrityBroken, Unavailable
from tests.transit_server import TOKEN, Engine, EngineKey, TransitServer, uri

HERE = belonging("rdek", b"deployment-00001", b"resident-0000001")
NAME = "kangma"


@pytest.fixture
def server() -> Iterator[TransitServer]:
    running = TransitServer(Engine()).start()
    yield running
    running.stop()


@pytest.fixture
def engine(server: TransitServer) -> Engine:
    return server.engine


@pytest.fixture
def address(server: TransitServer, tmp_path: Path) -> str:
    return uri(server, tmp_path, NAME)


@pytest.fixture
def key(address: str, tmp_path: Path) -> Iterator[RootKey]:
    made = create_root_key(address, keystore_url=f"sqlite:///{tmp_path / 'none.db'}")
    yield made
    made.close()


def test_only_batches_are_sent_and_none_is_too_large(engine: Engine, key: RootKey) -> None:
    wrapped = key.wrap_many([(bytes([n % 256]) * 32, HERE) for n in range(1203)])
    assert engine.asked["encrypt"] == 3
    key.unwrap_many([(*row, HERE) for row in wrapped])
    assert engine.asked["decrypt"] == 3
    assert engine.largest_batch == 500
    # The engine answers nothing but batches, so a single key was one too.
    assert key.unwrap(*key.wrap(b"x" * 32, HERE), HERE) == b"x" * 32


def test_a_single_failing_item_names_neither_item_nor_ciphertext(
    engine: Engine, key: RootKey
) -> None:
    rows = [(*row, HERE) for row in key.wrap_many([(b"x" * 32, HERE)] * 3)]
    rows[1] = (1, rows[1][1][:-1] + b"!", HERE)
    with pytest.raises(IntegrityBroken) as caught:
        key.unwrap_many(rows)
    assert str(caught.value) == "integrity"
    assert caught.value.__context__ is None
    assert engine.asked["decrypt"] == 1


def test_a_failed_integrity_check_does_not_open_the_circuit(key: RootKey) -> None:
    version, wrapped = key.wrap(b"x" * 32, HERE)
    for _ in range(20):
        with pytest.raises(IntegrityBroken):
            key.unwrap(version, bytes(60), HERE)
    assert key.unwrap(version, wrapped, HERE) == b"x" * 32


@pytest.mark.parametrize("status", [500, 502, 503, 429, 472, 473])
def test_an_ailing_engine_is_unavailable_and_then_left_alone(
    engine: Engine, key: RootKey, status: int
) -> None:
    version, wrapped = key.wrap(b"x" * 32, HERE)
    engine.status = status
    for _ in range(5):
        with pytest.raises(Unavailable, match="unavailable"):
            key.unwrap(version, wrapped, HERE)
    engine.status = None
    # Well again, but nobody looks before the pause is over.
    before = engine.asked.total()
    for _ in range(50):
        with pytest.raises(Unavailable) as caught:
            key.unwrap(version, wrapped, HERE)
    assert "left alone" in caught.value.sentence.en
    assert engine.asked.total() == before


def test_after_the_pause_one_call_goes_through_and_decides() -> None:
    now = 0.0
    breaker = Breaker(3, 10.0, clock=lambda: now)
    ran: list[float] = []

    def call(well: bool) -> None:
        with breaker.guarding():
            ran.append(now)
            if not well:
                raise Unavailable

    def refused() -> bool:
        try:
            call(well=True)
        except Unavailable:
            return True
        return False

    for _ in range(3):
        with pytest.raises(Unavailable):
            call(well=False)
    assert refused()
    now = 9.9
    assert refused()
    now = 10.0
    with pytest.raises(Unavailable):
        call(well=False)
    now = 19.9
    assert refused()
    now = 20.0
    call(well=True)
    call(well=True)
    assert ran == [0.0, 0.0, 0.0, 10.0, 20.0, 20.0]
    # Failures that are not in a row do not add up.
    for _ in range(10):
        with pytest.raises(Unavailable):
            call(well=False)
        call(well=True)


def test_while_one_call_probes_the_others_are_refused() -> None:
    now = 0.0
    breaker = Breaker(1, 10.0, clock=lambda: now)
    with pytest.raises(Unavailable), breaker.guarding():
        raise Unavailable
    now = 10.0
    with breaker.guarding(), pytest.raises(Unavailable), breaker.guarding():
        raise AssertionError("a second call went through")


def test_a_slow_engine_costs_one_timeout_and_no_second_try(
    engine: Engine, key: RootKey, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    version, wrapped = key.wrap(b"x" * 32, HERE)
    other = load_root_key(address)
    # Only the next connection is in a hurry: the key was loaded without.
    other.close()
    monkeypatch.setattr(transit_http, "TIMEOUTS", httpx.Timeout(0.3))
    engine.stuck = Event()
    with pytest.raises(Unavailable) as caught:
        other.unwrap(version, wrapped, HERE)
    assert "timeout" in caught.value.sentence.en
    engine.stuck.set()
    # Answered in turn, so a second try would be among them by now.
    assert key.unwrap(version, wrapped, HERE) == b"x" * 32
    assert engine.asked["decrypt"] <= 2
    other.close()


def test_one_cut_connection_is_no_failure(engine: Engine, key: RootKey) -> None:
    version, wrapped = key.wrap(b"x" * 32, HERE)
    for _ in range(6):
        engine.cut = 1
        assert key.unwrap(version, wrapped, HERE) == b"x" * 32
    engine.cut = 2
    with pytest.raises(Unavailable):
        key.unwrap(version, wrapped, HERE)


def test_a_change_that_was_cut_off_is_not_repeated(engine: Engine, key: RootKey) -> None:
    """A rotation whose answer is lost may have happened: a second one would be one too many."""
    cut = engine.keys[NAME].configure

    def cut_after(body: dict[str, object]) -> None:
        cut(body)
        engine.cut = 1

    engine.keys[NAME].configure = cut_after  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        key.add_version()
    assert engine.asked["rotate"] == 0
    engine.keys[NAME].configure = cut  # type: ignore[method-assign]
    assert key.add_version() == 2
    assert engine.asked["rotate"] == 1


def test_an_engine_that_is_gone_is_unavailable(server: TransitServer, key: RootKey) -> None:
    version, wrapped = key.wrap(b"x" * 32, HERE)
    server.stop()
    with pytest.raises(Unavailable) as caught:
        key.unwrap(version, wrapped, HERE)
    assert "127.0.0.1" not in str(caught.value) + caught.value.sentence.en


def test_a_renewed_token_is_read_again(engine: Engine, key: RootKey, tmp_path: Path) -> None:
    version, wrapped = key.wrap(b"x" * 32, HERE)
    engine.token = "hvs.next"
    with pytest.raises(Unavailable) as caught:
        key.unwrap(version, wrapped, HERE)
    assert "refused the token" in caught.value.sentence.en
    for _ in range(10):
        with pytest.raises(Unavailable):
            key.unwrap(version, wrapped, HERE)
    (tmp_path / "token").write_text("hvs.next\n")
    assert key.unwrap(version, wrapped, HERE) == b"x" * 32


def test_a_token_file_open_to_others_is_refused(address: str, tmp_path: Path) -> None:
    (tmp_path / "token").chmod(0o644)
    with pytest.raises(KeyRefused, match="chmod 600"):
        load_root_key(address)


def test_the_namespace_is_sent(tmp_path: Path) -> None:
    server = TransitServer(Engine(namespace="city/health")).start()
    try:
        with pytest.raises(Unavailable):
            root_key_exists(uri(server, tmp_path, NAME))
        assert not root_key_exists(uri(server, tmp_path, NAME, "&namespace=city/health"))
    finally:
        server.stop()


@pytest.mark.parametrize(
    "page",
    [
        b"<html>gateway</html>",
        b"[]",
        b"{}",
        b'{"data": 7}',
        b'{"data": {"batch_results": []}}',
        b'{"data": {"batch_results": [7]}}',
        b'{"data": {"batch_results": [{}]}}',
        b'{"data": {"batch_results": [{"plaintext": "%%", "ciphertext": "vault:v1:%%"}]}}',
        b'{"data": {"batch_results": [{"plaintext": "", "ciphertext": "vault:v2:AAAA"}]}}',
    ],
)
def test_an_answer_that_is_not_the_protocols_is_unavailable(
    engine: Engine, key: RootKey, page: bytes
) -> None:
    version, wrapped = key.wrap(b"x" * 32, HERE)
    engine.page = page
    for act in (lambda: key.unwrap(version, wrapped, HERE), lambda: key.wrap(b"x" * 32, HERE)):
        with pytest.raises(Unavailable):
            act()


@pytest.mark.parametrize(
    "described",
    [
        {"latest_version": "2"},
        {"latest_version": None},
        {"min_decryption_version": 1.5},
        {"type": 7},
    ],
)
def test_a_description_that_makes_no_sense_is_no_key(
    engine: Engine, key: RootKey, described: dict[str, object]
) -> None:
    data = engine.keys[NAME].described(NAME) | described
    engine.page = json.dumps({"data": data}).encode()
    with pytest.raises((Unavailable, KeyRefused)):
        key.reload()
    engine.page = None
    assert key.versions == frozenset({1})


@pytest.mark.parametrize(
    "made", [EngineKey("aes256-gcm96", True), EngineKey("chacha20-poly1305", False)]
)
def test_a_key_that_could_be_exported_or_is_of_another_kind_is_refused(
    engine: Engine, address: str, made: EngineKey
) -> None:
    engine.keys[NAME] = made
    with pytest.raises(KeyRefused, match="never be exported"):
        load_root_key(address)


def test_a_destroyed_version_is_trimmed_in_the_engine(engine: Engine, key: RootKey) -> None:
    key.add_version()
    key.make_primary(2)
    key.destroy(1)
    assert set(engine.keys[NAME].versions) == {2}
    assert engine.keys[NAME].min_available == 2


def test_a_key_is_made_only_for_a_new_deployment(
    engine: Engine, server: TransitServer, address: str, tmp_path: Path
) -> None:
    store = f"sqlite:///{tmp_path / 'keys.db'}"
    actions.prepare(address, store)
    assert (engine.keys[NAME].kind, engine.keys[NAME].exportable) == ("aes256-gcm96", False)
    actions.prepare(address, store)
    actions.open_keystore(address, store).close()
    lost = uri(server, tmp_path, "another")
    for act in (actions.prepare, actions.open_keystore):
        with pytest.raises(KeyRefused, match="no such root key"):
            act(lost, store)
    with pytest.raises(KeyRefused, match="was not made"):
        create_root_key(lost, keystore_url=store)
    assert set(engine.keys) == {NAME}
    with pytest.raises(KeyRefused, match="already"):
        create_root_key(address, keystore_url=f"sqlite:///{tmp_path / 'none.db'}")


def test_a_forked_child_speaks_through_its_own_connections(key: RootKey) -> None:
    version, wrapped = key.wrap(b"x" * 32, HERE)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for _ in range(20):
                assert key.unwrap(version, wrapped, HERE) == b"x" * 32
            status = 0
        finally:
            os._exit(status)
    for _ in range(20):
        assert key.unwrap(version, wrapped, HERE) == b"x" * 32
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("https://host/transit", "HOST/MOUNT/KEY"),
        ("https:///transit/key", "HOST/MOUNT/KEY"),
        ("http://vault.example/transit/key", "must use https"),
        ("http://127.0.0.1.example/transit/key", "must use https"),
        ("ftp://127.0.0.1/transit/key", "must use https"),
        (f"https://me:{TOKEN}@host/transit/key", "a name or a password"),
        (f"https://host/transit/key?token={TOKEN}", "unknown option"),
        ("https://host/transit/key?ca=/a&ca=/b", "unknown option"),
        (f"https://host/transit/key?token-source={TOKEN}", "env:NAME"),
        ("https://host/transit/key?token-source=env:NOT_SET", "is empty"),
        ("https://127.0.0.1:1/transit/key?token-source=env:HOME&ca=/nowhere", "cannot be read"),
        ("https://127.0.0.1:1/transit/key?token-source=env:HOME", "does not answer"),
    ],
)
def test_a_wrong_address_is_refused_without_being_quoted(text: str, words: str) -> None:
    with pytest.raises((KeyRefused, Unavailable)) as caught:
        load_root_key(f"transit:{text}")
    assert words in caught.value.sentence.en
    assert TOKEN not in str(caught.value) + repr(caught.value)


def test_an_engine_that_the_authority_does_not_vouch_for_gets_no_token(tmp_path: Path) -> None:
    server = TransitServer(Engine(), certificate=_self_signed(tmp_path)).start()
    try:
        address = uri(server, tmp_path, NAME)
        with pytest.raises(Unavailable):
            root_key_exists(address)
        assert server.engine.asked.total() == 0
        assert not root_key_exists(f"{address}&ca={tmp_path / 'certificate.pem'}")
        assert server.engine.asked.total() == 1
    finally:
        server.stop()


def _self_signed(folder: Path) -> tuple[Path, Path]:
    """(certificate, key) of 127.0.0.1, in PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "engine")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "certificate.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    assert ssl.create_default_context(cafile=str(paths[0]))
    return paths
