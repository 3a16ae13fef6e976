"""What is peculiar to a root key in a PKCS#11 token: sessions that go away, forks, keys that stay.

Everything that a root key promises is in test_root_key.py; here the token is disturbed.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any, cast

import pytest

pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed")

from pkcs11 import Attribute, AttributeSensitive, KeyType, ObjectClass, UserNotLoggedIn

from service.keys import actions
from service.keys.providers import create_root_key, load_root_key, pkcs11, root_key_exists
from service.keys.providers.cryptoki import library
from service.keys.providers.sessions import Seat, key_template
from service.keys.wrapping import KeyRefused, RootKey, belonging
from service.kit.errors import IntegrityBroken, Unavailable
from tests.hsm_room import PIN, SoftHsm, new_label, soft_hsm

HERE = belonging("rdek", b"deployment-00001", b"resident-0000001")


@pytest.fixture
def hsm() -> SoftHsm:
    return soft_hsm()


@pytest.fixture
def label() -> str:
    return new_label()


@pytest.fixture
def key(hsm: SoftHsm, label: str, tmp_path: Path) -> Iterator[RootKey]:
    made = create_root_key(hsm.uri(label), keystore_url=f"sqlite:///{tmp_path / 'none.db'}")
    yield made
    made.close()


@pytest.fixture(params=["close_every_session", "log_out"])
def disturb(request: pytest.FixtureRequest, hsm: SoftHsm) -> Callable[[], None]:
    act: Callable[[], None] = getattr(hsm, request.param)
    return act


def test_a_lost_session_is_opened_again(key: RootKey, disturb: Callable[[], None]) -> None:
    version, wrapped = key.wrap(b"x" * 32, HERE)
    disturb()
    assert key.unwrap(version, wrapped, HERE) == b"x" * 32
    disturb()
    assert key.unwrap(*key.wrap(b"y" * 32, HERE), HERE) == b"y" * 32
    disturb()
    assert key.add_version() == 2
    disturb()
    key.make_primary(2)
    disturb()
    key.destroy(1)
    assert key.versions == frozenset({2})


def test_when_all_sessions_are_lost_every_thread_finds_its_way_back(
    key: RootKey, disturb: Callable[[], None]
) -> None:
    """Between two calls only: SoftHSM frees a session that C_CloseAllSessions closes even while
    another thread is inside it, and crashes. A token that is pulled frees nothing in here.

    Closing the lost session that had logged in must not log out those opened since.
    """
    version, wrapped = key.wrap(b"x" * 32, HERE)
    rounds, threads = 15, 8
    meeting = Barrier(threads, action=disturb)

    def work(_: int) -> int:
        opened = 0
        try:
            for _ in range(rounds):
                meeting.wait(timeout=60)
                for _ in range(5):
                    assert key.unwrap(version, wrapped, HERE) == b"x" * 32
                    opened += 1
        except BaseException:
            # Or the others would wait for this one for ever, and the test with them.
            meeting.abort()
            raise
        return opened

    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(work, thread) for thread in range(threads)]
        failed = [one.exception() for one in running]
    # What went wrong first, not the broken barrier of those who waited for it.
    assert [one for one in failed if one and not isinstance(one, BrokenBarrierError)] == []
    assert sum(one.result() for one in running) == threads * rounds * 5


# A search that its session does not outlive is ended by python-pkcs11 from a destructor.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_somebody_logs_out_again_and_again_in_the_middle_of_calls(
    hsm: SoftHsm, key: RootKey
) -> None:
    """It may hit every try of a call: then the answer is Unavailable, never wrong."""
    version, wrapped = key.wrap(b"x" * 32, HERE)

    def work(_: int) -> int:
        opened = 0
        for _ in range(40):
            with suppress(Unavailable):
                assert key.unwrap(version, wrapped, HERE) == b"x" * 32
                opened += 1
        return opened

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(work, thread) for thread in range(8)]
        for _ in range(15):
            hsm.log_out()
        opened = [one.result() for one in running]
    assert min(opened) >= 20
    assert key.unwrap(version, wrapped, HERE) == b"x" * 32


def test_another_login_in_between_is_not_mistaken_for_an_empty_token(
    hsm: SoftHsm, key: RootKey, label: str
) -> None:
    version, wrapped = key.wrap(b"x" * 32, HERE)
    session = hsm.token().open()

    class Interrupted:
        """Somebody logs out just before a look, and another thread logs in just after it."""

        handle = session.handle

        def get_objects(self, template: dict[Attribute, Any]) -> list[Any]:
            hsm.log_out()
            found = list(session.get_objects(template))
            assert key.unwrap(version, wrapped, HERE) == b"x" * 32
            return found

    seat = Seat(cast(Any, Interrupted()), library(hsm.module))
    with pytest.raises(UserNotLoggedIn):
        seat.find(key_template(label))
    session.close()


def test_an_altered_key_is_not_mistaken_for_a_lost_session(hsm: SoftHsm, key: RootKey) -> None:
    version, wrapped = key.wrap(b"x" * 32, HERE)
    hsm.close_every_session()
    with pytest.raises(IntegrityBroken):
        key.unwrap(version, wrapped[:-1] + bytes([wrapped[-1] ^ 1]), HERE)
    assert key.unwrap(version, wrapped, HERE) == b"x" * 32


def test_a_forked_child_opens_sessions_of_its_own(key: RootKey) -> None:
    version, wrapped = key.wrap(b"x" * 32, HERE)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            assert key.unwrap(version, wrapped, HERE) == b"x" * 32
            os.write(writer, b"".join(key.wrap(b"c" * 32, HERE)[1:]))
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    from_child = os.read(reader, 100)
    os.close(reader)
    assert os.waitpid(child, 0)[1] == 0
    assert key.unwrap(1, from_child, HERE) == b"c" * 32
    assert key.unwrap(version, wrapped, HERE) == b"x" * 32


def test_the_key_cannot_leave_the_token(hsm: SoftHsm, key: RootKey, label: str) -> None:
    key.add_version()
    kept = _objects(hsm, {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: label})
    assert len(kept) == 2
    for each in kept:
        assert each[Attribute.NEVER_EXTRACTABLE]
        assert each[Attribute.ALWAYS_SENSITIVE]
        assert each[Attribute.LOCAL]
        assert each[Attribute.PRIVATE]
        with pytest.raises(AttributeSensitive):
            each[Attribute.VALUE]


def test_a_key_that_could_leave_the_token_is_refused(hsm: SoftHsm, label: str) -> None:
    template = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}
    session = _session(hsm)
    session.generate_key(
        KeyType.AES, 256, label=label, id=bytes([0, 0, 0, 1]), store=True, template=template
    )
    session.close()
    with pytest.raises(KeyRefused, match="unextractable"):
        load_root_key(hsm.uri(label))


def test_a_destroyed_version_is_gone_from_the_token(hsm: SoftHsm, key: RootKey, label: str) -> None:
    key.add_version()
    key.make_primary(2)
    key.destroy(1)
    kept = _objects(hsm, {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: label})
    assert [each.id for each in kept] == [bytes([0, 0, 0, 2])]


def test_two_processes_that_add_a_version_at_once_are_refused_not_mixed(
    hsm: SoftHsm, key: RootKey, label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pkcs11._generate

    def rivalled(seat: Any, name: str, version: int) -> Any:
        real(seat, name, version)
        return real(seat, name, version)

    monkeypatch.setattr(pkcs11, "_generate", rivalled)
    with pytest.raises(KeyRefused, match="Another process"):
        key.add_version()
    monkeypatch.undo()
    # The rival's key is there, and whole.
    key.reload()
    assert key.versions == frozenset({1, 2})


def test_a_key_is_made_only_for_a_new_deployment(hsm: SoftHsm, label: str, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'keys.db'}"
    uri = hsm.uri(label)
    assert not root_key_exists(uri)
    actions.prepare(uri, store)
    assert root_key_exists(uri)
    actions.prepare(uri, store)
    actions.open_keystore(uri, store).close()
    lost = hsm.uri(new_label())
    for act in (actions.prepare, actions.open_keystore):
        with pytest.raises(KeyRefused, match="no such root key"):
            act(lost, store)
    with pytest.raises(KeyRefused, match="was not made"):
        create_root_key(lost, keystore_url=store)
    assert not root_key_exists(lost)
    with pytest.raises(KeyRefused, match="already"):
        create_root_key(uri, keystore_url=f"sqlite:///{tmp_path / 'none.db'}")


def test_another_key_of_the_token_does_not_fit(hsm: SoftHsm, tmp_path: Path) -> None:
    stores = [f"sqlite:///{tmp_path / name}.db" for name in ("a", "b")]
    uris = [hsm.uri(new_label()) for _ in stores]
    for uri, store in zip(uris, stores, strict=True):
        actions.prepare(uri, store)
    with pytest.raises(KeyRefused, match="does not fit"):
        actions.open_keystore(uris[1], stores[0])


# -- the address and the PIN -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda uri: uri.replace("token=", "colour="), "unknown attribute"),
        (lambda uri: uri.replace("object=", "serial="), "lacks object"),
        (lambda uri: uri.replace("module-path=/", "module-path=/nowhere/"), "no library"),
        (lambda uri: uri.replace("module-path=/", "module-path="), "no library"),
        (lambda uri: uri + f"&pin-value={PIN}", "holds a PIN"),
        (lambda uri: uri.replace("object=", f"pin-value={PIN};object="), "holds a PIN"),
        (lambda uri: uri + "&pin-source=file:/else", "or one twice"),
        (lambda uri: uri.partition("&pin-source")[0] + f"&pin-source={PIN}", "env:NAME"),
        (lambda uri: uri.partition("&pin-source")[0] + "&pin-source=env:NOT_SET", "is empty"),
        (lambda uri: uri.replace("object=", "type=public;object="), "type other than"),
        (lambda uri: uri.replace("kangma%20test", "elsewhere"), "does not answer"),
    ],
)
def test_a_wrong_address_is_refused_without_being_quoted(
    hsm: SoftHsm, label: str, change: Callable[[str], str], words: str
) -> None:
    with pytest.raises((KeyRefused, Unavailable)) as caught:
        load_root_key(change(hsm.uri(label)))
    assert words in caught.value.sentence.en
    assert PIN not in str(caught.value) + repr(caught.value)


def test_the_pin_may_come_from_the_environment(
    hsm: SoftHsm, key: RootKey, label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_PIN", PIN)
    uri = hsm.uri(label).partition("&pin-source")[0] + "&pin-source=env:A_PIN"
    hsm.close_every_session()
    assert load_root_key(uri).versions == frozenset({1})


def test_a_pin_file_open_to_others_is_refused(hsm: SoftHsm, label: str, tmp_path: Path) -> None:
    pin = tmp_path / "pin"
    pin.write_text(PIN)
    pin.chmod(0o644)
    hsm.close_every_session()
    uri = hsm.uri(label).partition("&pin-source")[0] + f"&pin-source=file:{pin}"
    with pytest.raises(KeyRefused, match="chmod 600"):
        load_root_key(uri)


def test_a_wrong_pin_is_tried_once_only(hsm: SoftHsm, key: RootKey, label: str) -> None:
    """Tokens lock themselves after a few wrong PINs; a service that retries would lock its own."""
    version, wrapped = key.wrap(b"x" * 32, HERE)
    hsm.pin_file.write_text("wrong-" + PIN)
    try:
        hsm.close_every_session()
        for _ in range(20):
            with pytest.raises(KeyRefused, match="refused the PIN"):
                key.unwrap(version, wrapped, HERE)
    finally:
        hsm.pin_file.write_text(PIN)
    # SoftHSM marks a token whose last PIN was wrong.
    again = load_root_key(hsm.uri(label))
    assert again.unwrap(version, wrapped, HERE) == b"x" * 32
    again.close()


def _session(hsm: SoftHsm) -> Any:
    hsm.close_every_session()
    return hsm.token().open(rw=True, user_pin=PIN)


def _objects(hsm: SoftHsm, template: dict[Attribute, Any]) -> list[Any]:
    return list(_session(hsm).get_objects(template))
