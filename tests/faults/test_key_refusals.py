"""A root key in any doubt: every door says one sentence and stops, and no new key is ever made."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from service.cli import main
from service.house import prepare
from service.kit.settings import Settings

KEY = base64.b64encode(bytes(range(32))).decode()
Damage = Callable[[Path], None]


class Deployment:
    """A founded service in a folder, whose key file a test may damage."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.file = folder / "keys" / "kek.json"

    def environment(self) -> dict[str, str]:
        return {"KANGMA_DATA": str(self.data), "KANGMA_KEK": f"file:{self.file}"}

    def written(self) -> dict[str, bytes]:
        """Every file outside the data folder, which is where a new key would be."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        outside = (path for path in found if not path.is_relative_to(self.data))
        return {str(path): path.read_bytes() for path in outside}


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("founded")
    made = Deployment(folder)
    prepare(Settings(data=made.data, kek=f"file:{made.file}", profile="test"))
    return folder


@pytest.fixture
def deployment(founded: Path, tmp_path: Path) -> Deployment:
    return Deployment(shutil.copytree(founded, tmp_path / "copy"))


def changed(**members: object) -> Damage:
    def damage(file: Path) -> None:
        file.write_text(json.dumps(json.loads(file.read_bytes()) | members))

    return damage


def written(content: bytes) -> Damage:
    def damage(file: Path) -> None:
        file.write_bytes(content)

    return damage


def another_key(file: Path) -> None:
    document = json.loads(file.read_bytes())
    document["versions"]["1"]["key"] = KEY
    file.write_text(json.dumps(document))


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def twice(file: Path) -> None:
    text = file.read_text()
    file.write_text(text.replace('"versions": {', f'"versions": {{"1": {{"key": "{KEY}"}},'))


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir(0o700)


def a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file, 0o600)


def a_device(file: Path) -> None:
    file.unlink()
    file.symlink_to("/dev/zero")


def a_link_into_the_data(file: Path) -> None:
    inside = file.parent.parent / "data" / "kek.json"
    shutil.move(file, inside)
    file.symlink_to(inside)


def somebody_elses(file: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(file, 12345, -1)


CASES: dict[str, tuple[Damage, str]] = {
    "missing": (Path.unlink, "is missing"),
    "wrong": (another_key, "does not fit this keystore"),
    "truncated": (truncated, "truncated or not JSON"),
    "not JSON": (written(b"kangma"), "truncated or not JSON"),
    "empty": (written(b""), "is empty"),
    "open to the group": (lambda file: file.chmod(0o640), "chmod 600"),
    "open to others": (lambda file: file.chmod(0o604), "chmod 600"),
    "somebody else's": (somebody_elses, "account that runs the service"),
    "a link into the data folder": (a_link_into_the_data, "inside the data folder"),
    "a folder": (a_folder, "not a regular file"),
    "a pipe": (a_pipe, "not a regular file"),
    "a device": (a_device, "not a regular file"),
    "of an unknown format": (changed(kangma_kek=2), "this release does not know"),
    "without its primary": (changed(primary=2), "its primary version"),
    "with a short key": (changed(versions={"1": {"key": "c2hvcnQ="}}), "not 32 bytes"),
    "with a version twice": (twice, "twice"),
    "without a needed version": (
        changed(primary=2, last=2, versions={"2": {"key": KEY}}),
        "lacks version 1",
    ),
    "in a folder others can change": (lambda file: file.parent.chmod(0o777), "run chmod 700"),
}


DOORS = (["keys", "check"], ["serve"], ["init"])


@pytest.mark.parametrize("case", CASES)
def test_every_door_says_one_sentence_and_stops(
    deployment: Deployment,
    case: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage, words = CASES[case]
    damage(deployment.file)
    endless = case == "a device"
    before = None if endless else deployment.written()
    for name, value in deployment.environment().items():
        monkeypatch.setenv(name, value)
    for command in DOORS:
        monkeypatch.setattr(sys, "argv", ["kangma", *command])
        with pytest.raises(SystemExit) as stopped:
            main()
        told = capsys.readouterr()
        assert stopped.value.code == 1
        assert words in told.err
        assert re.fullmatch(r"[^\n]+\. [^\n]*[一-鿿][^\n]*。\n", told.err)
        assert told.out == ""
        assert KEY not in told.err
        assert endless or deployment.written() == before


def test_the_installed_command_ends_with_status_1(deployment: Deployment) -> None:
    deployment.file.unlink()
    ended = subprocess.run(
        [Path(sys.executable).parent / "kangma", "serve", "--workers", "2"],
        env={**os.environ, **deployment.environment()},
        cwd=deployment.folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 1
    assert "is missing" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not deployment.file.exists()
