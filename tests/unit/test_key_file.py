"""The file provider: what it accepts, and a sentence for everything it refuses."""

import base64
import json
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from service.keys import actions
from service.keys.keystore import Keystore, is_founded
from service.keys.providers import create_root_key, load_root_key
from service.keys.wrapping import KeyRefused, belonging


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "kek.json"


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'keys.db'}"


def refusal(act: Callable[[], object]) -> str:
    """The English sentence of a refusal; both languages must be whole sentences."""
    with pytest.raises(KeyRefused) as caught:
        act()
    sentence = caught.value.sentence
    assert sentence.en.endswith(".")
    assert re.search("[一-鿿].*。$", sentence.zh)
    return sentence.en


def test_a_new_key_is_closed_to_others_and_loads(file: Path, store: str) -> None:
    made = create_root_key(f"file:{file}", keystore_url=store)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    again = load_root_key(f"file:{file}")
    assert (again.id, again.primary, again.versions) == (made.id, 1, frozenset({1}))
    wrapped = made.wrap(b"x" * 32, belonging("rdek", bytes(16)))
    assert again.unwrap(*wrapped, belonging("rdek", bytes(16))) == b"x" * 32


def test_two_keys_are_never_alike(tmp_path: Path, store: str) -> None:
    for name in ("a", "b"):
        create_root_key(f"file:{tmp_path / name}", keystore_url=store)
    first, second = (json.loads((tmp_path / name).read_bytes()) for name in ("a", "b"))
    assert first["versions"] != second["versions"]


def test_a_missing_file_is_refused(file: Path) -> None:
    assert "missing" in refusal(lambda: load_root_key(f"file:{file}"))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_file_open_to_others_is_refused(file: Path, store: str, mode: int) -> None:
    create_root_key(f"file:{file}", keystore_url=store)
    file.chmod(mode)
    assert "chmod 600" in refusal(lambda: load_root_key(f"file:{file}"))


def test_a_file_of_another_account_is_refused(
    file: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_root_key(f"file:{file}", keystore_url=store)
    stranger = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    assert "account that runs" in refusal(lambda: load_root_key(f"file:{file}"))


def test_a_file_inside_the_data_folder_is_refused(tmp_path: Path, store: str) -> None:
    data = tmp_path / "data"
    inside = data / "deep" / "kek.json"
    assert "data folder" in refusal(
        lambda: create_root_key(f"file:{inside}", keystore_url=store, data=data)
    )
    assert not inside.exists()
    create_root_key(f"file:{inside}", keystore_url=store)
    (tmp_path / "alias").symlink_to(inside)
    for path in (inside, tmp_path / "alias", data / ".." / "data" / "deep" / "kek.json"):
        assert "data folder" in refusal(partial(load_root_key, f"file:{path}", data=data))


def test_a_folder_in_place_of_the_file_is_refused(file: Path) -> None:
    file.mkdir(parents=True, mode=0o700)
    assert "regular file" in refusal(lambda: load_root_key(f"file:{file}"))


def test_a_pipe_in_place_of_the_file_is_refused_at_once(file: Path) -> None:
    file.parent.mkdir()
    os.mkfifo(file, 0o600)
    assert "regular file" in refusal(lambda: load_root_key(f"file:{file}"))


def test_every_truncation_is_refused(file: Path, store: str) -> None:
    create_root_key(f"file:{file}", keystore_url=store)
    whole = file.read_bytes().rstrip()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        word = "truncated" if length else "empty"
        assert word in refusal(lambda: load_root_key(f"file:{file}"))


KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"kangma_kek": 2}, "a format that this release does not know"),
        ({"kangma_kek": True}, "a format that this release does not know"),
        ({"kangma_kek": "1"}, "a format that this release does not know"),
        ({"primary": 2}, "its primary version"),
        ({"primary": None}, "its primary version"),
        ({"primary": True}, "its primary version"),
        ({"last": 0}, "wrong number"),
        ({"last": "1"}, "wrong number"),
        ({"id": ""}, "no id"),
        ({"id": None}, "no id"),
        ({"versions": {}}, "no version"),
        ({"versions": []}, "no version"),
        ({"versions": {"1": {"key": "c2hvcnQ="}}}, "not 32 bytes"),
        ({"versions": {"1": {"key": KEY[:-1]}}}, "not 32 bytes"),
        ({"versions": {"1": {"key": base64.b64encode(bytes(33)).decode()}}}, "not 32 bytes"),
        ({"versions": {"1": {"key": "not base64!"}}}, "not 32 bytes"),
        ({"versions": {"1": {"key": 7}}}, "not 32 bytes"),
        ({"versions": {"1": KEY}}, "not 32 bytes"),
        ({"versions": {"one": {"key": KEY}}}, "wrong number"),
        ({"versions": {"0": {"key": KEY}}}, "wrong number"),
        ({"versions": {"-1": {"key": KEY}}}, "wrong number"),
        ({"versions": {"2147483648": {"key": KEY}}}, "wrong number"),
        ({"versions": {"1": {"key": KEY}, "01": {"key": KEY}}}, "wrong number"),
        ({"versions": {"1": {"key": KEY}, " 1": {"key": KEY}}}, "wrong number"),
        ({"versions": {"1": {"key": KEY}, "١": {"key": KEY}}}, "wrong number"),
    ],
)
def test_a_file_without_a_valid_key_is_refused(
    file: Path, store: str, change: dict[str, object], word: str
) -> None:
    create_root_key(f"file:{file}", keystore_url=store)
    file.write_text(json.dumps(json.loads(file.read_bytes()) | change))
    assert word in refusal(lambda: load_root_key(f"file:{file}"))


def test_a_version_named_twice_is_refused(file: Path, store: str) -> None:
    create_root_key(f"file:{file}", keystore_url=store)
    entry = f'"1": {{"key": "{KEY}"}}'
    content = file.read_text().replace('"versions": {', f'"versions": {{{entry},')
    file.write_text(content)
    assert "twice" in refusal(lambda: load_root_key(f"file:{file}"))


@pytest.mark.parametrize("content", ["[]", "7", "null", '"text"', "{}"])
def test_json_that_is_no_key_document_is_refused(file: Path, content: str) -> None:
    file.parent.mkdir()
    file.touch(0o600)
    file.write_text(content)
    assert "no file of a root key" in refusal(lambda: load_root_key(f"file:{file}"))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b" " * 70_000, "larger"),
    ],
)
def test_bytes_that_are_no_json_are_refused(file: Path, content: bytes, word: str) -> None:
    file.parent.mkdir()
    file.touch(0o600)
    file.write_bytes(content)
    assert word in refusal(lambda: load_root_key(f"file:{file}"))


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_folder_that_others_can_change_is_refused(file: Path, store: str, mode: int) -> None:
    create_root_key(f"file:{file}", keystore_url=store)
    file.parent.chmod(mode)
    assert "chmod 700" in refusal(lambda: load_root_key(f"file:{file}"))
    link = file.parent.parent / "link"
    link.symlink_to(file)
    assert "chmod 700" in refusal(lambda: load_root_key(f"file:{link}"))
    file.unlink()
    assert "chmod 700" in refusal(lambda: create_root_key(f"file:{file}", keystore_url=store))
    assert not file.exists()


def test_a_sticky_folder_is_shared_and_still_safe(file: Path, store: str) -> None:
    file.parent.mkdir()
    file.parent.chmod(0o1777)
    create_root_key(f"file:{file}", keystore_url=store)
    assert load_root_key(f"file:{file}").primary == 1


def test_a_link_to_a_lost_file_is_no_reason_for_a_new_key(file: Path, store: str) -> None:
    file.parent.mkdir()
    file.symlink_to(file.parent / "gone.json")
    assert "missing" in refusal(lambda: actions.prepare(f"file:{file}", store))
    assert not is_founded(store)


@pytest.mark.parametrize("uri", ["", "file:", "vault:somewhere", "/plain/path"])
def test_another_provider_is_refused(uri: str) -> None:
    assert "file:..." in refusal(lambda: load_root_key(uri))


def test_a_refusal_never_quotes_the_key(file: Path, store: str) -> None:
    create_root_key(f"file:{file}", keystore_url=store)
    document = json.loads(file.read_bytes())
    key = document["versions"]["1"]["key"]
    document["versions"]["1"]["key"] = key[:-4]
    file.write_text(json.dumps(document))
    with pytest.raises(KeyRefused) as caught:
        load_root_key(f"file:{file}")
    assert key[:8] not in str(caught.value)
    assert caught.value.__context__ is None


def test_an_existing_file_is_never_overwritten(file: Path, store: str) -> None:
    create_root_key(f"file:{file}", keystore_url=store)
    before = file.read_bytes()
    assert "not overwritten" in refusal(lambda: create_root_key(f"file:{file}", keystore_url=store))
    assert file.read_bytes() == before


def test_no_new_key_is_made_beside_an_existing_keystore(file: Path, store: str) -> None:
    actions.prepare(f"file:{file}", store)
    file.unlink()
    assert "was not made" in refusal(lambda: create_root_key(f"file:{file}", keystore_url=store))
    assert "missing" in refusal(lambda: actions.prepare(f"file:{file}", store))
    assert not file.exists()


def test_preparing_twice_changes_nothing(file: Path, store: str) -> None:
    actions.prepare(f"file:{file}", store)
    before = file.read_bytes()
    deployment = _deployment(file, store)
    actions.prepare(f"file:{file}", store)
    assert file.read_bytes() == before
    assert _deployment(file, store) == deployment


def test_a_key_file_left_by_a_half_done_start_is_used(file: Path, store: str) -> None:
    create_root_key(f"file:{file}", keystore_url=store)
    before = file.read_bytes()
    actions.prepare(f"file:{file}", store)
    assert file.read_bytes() == before


def test_looking_for_a_keystore_makes_none(tmp_path: Path, store: str) -> None:
    assert not is_founded(store)
    assert list(tmp_path.iterdir()) == []


def _deployment(file: Path, store: str) -> bytes:
    keystore: Keystore = actions.open_keystore(f"file:{file}", store)
    keystore.close()
    return keystore.deployment
