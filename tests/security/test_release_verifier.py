"""The independent verifier of releases and the service's own, side by side on every cheat known.

What they check is the file of `kangma releases export`, of a small city with all four levels.
"""

import ast
import base64
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.vocabulary import Text
from service.cli.demo import city
from service.kit.db import Database
from service.kit.errors import IntegrityBroken, NotFound
from service.releases import bundles
from tests.city_room import SIGNER, Division, contribute, make_tables, publish_here, someone

SCRIPT = Path(__file__).resolve().parents[2] / "clients" / "verifiers" / "release.py"
verifier = run_path(str(SCRIPT))
Wrong: type[Exception] = verifier["Wrong"]
Files = dict[str, bytes]
RELEASES = ["monthly-2026-11", "quarterly-2026-q4", "communities-2026", "annual-2026"]
SIGNED = ("manifest.json", "signature.jws", "table.csv")


def tree() -> list[Division]:
    """Four districts with three streets of four communities each."""
    rows = city.regions()["regions"]
    kept = ("code", "level", "parent", "population")
    return [Division(name=Text(**row["name"]), **{one: row[one] for one in kept}) for row in rows]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every release of a city as the file that is exported."""
    folder = tmp_path_factory.mktemp("exported")
    database = Database(f"sqlite:///{folder / 'kangma.db'}")
    make_tables(database)
    codes = [area.code for area in tree() if area.level == "community"]
    people = [replace(someone(number), region=codes[number % 48]) for number in range(600)]
    contribute(database, [(str(number), one) for number, one in enumerate(people)])
    publish_here(database, region_tree=tree(), cadence=None)
    found = {}
    for release_id in RELEASES:
        content = database.read(lambda conn, name=release_id: bundles.pack(conn, name))
        again = database.read(lambda conn, name=release_id: bundles.pack(conn, name))
        assert content == again
        found[release_id] = folder / f"{release_id}.zip"
        found[release_id].write_bytes(content)
    with pytest.raises(NotFound):
        database.read(lambda conn: bundles.pack(conn, "monthly-1999-01"))
    database.close()
    return found


@pytest.fixture(scope="module")
def files(packed: dict[str, Path]) -> Files:
    """The last release, districts by sex and age."""
    return bundles.read(packed["annual-2026"])


def verdicts(files: Files) -> tuple[bool, bool]:
    """Of the verifier and of the service; anything but their own refusal is a failed test."""
    try:
        verifier["verify"](files)
        theirs = True
    except Wrong:
        theirs = False
    try:
        bundles.verify(files)
        ours = True
    except IntegrityBroken:
        ours = False
    return theirs, ours


GOOD, BAD = (True, True), (False, False)


@pytest.mark.parametrize("release_id", RELEASES)
def test_a_release_as_exported_is_good(packed: dict[str, Path], release_id: str) -> None:
    inside = verifier["read"](packed[release_id])
    assert inside == bundles.read(packed[release_id])
    manifest, rows, _ = verifier["verify"](inside)
    assert manifest["release_id"] == release_id == bundles.verify(inside)["release_id"]
    assert len(rows) == manifest["table"]["rows"]
    assert ("previous.json" in inside) == (release_id != RELEASES[0])


def test_unpacked_to_a_directory_it_is_the_same(files: Files, tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert verifier["read"](tmp_path) == bundles.read(tmp_path) == files


@pytest.mark.parametrize("name", SIGNED)
def test_each_changed_byte_breaks_it(files: Files, name: str) -> None:
    content = files[name]
    whole = len(content) if name == "signature.jws" else 0
    signature = content.rindex(b".") if whole else 0
    step = max(1, len(content) // 150)
    places = sorted({*range(0, len(content), step), *range(signature, whole), len(content) - 1})
    slipped = [
        (place, mask)
        for place in places
        for mask in (1, 32)
        if verdicts({**files, name: changed(content, place, mask)}) != BAD
    ]
    assert slipped == []


def changed(content: bytes, place: int, mask: int) -> bytes:
    return content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :]


@pytest.mark.parametrize("name", SIGNED)
def test_each_missing_or_added_byte_and_each_missing_file_breaks_it(
    files: Files, name: str
) -> None:
    content = files[name]
    for place in (0, len(content) // 2, len(content) - 1):
        assert verdicts({**files, name: content[:place] + content[place + 1 :]}) == BAD
        assert verdicts({**files, name: content[:place] + b"A" + content[place:]}) == BAD
    for tail in (b"A", b"=", b"\n", b" "):
        assert verdicts({**files, name: content + tail}) == BAD
    assert verdicts({one: body for one, body in files.items() if one != name}) == BAD


def test_the_release_before_belongs_to_it(packed: dict[str, Path], files: Files) -> None:
    first = bundles.read(packed[RELEASES[0]])
    assert verdicts({**files, "previous.json": first["manifest.json"]}) == BAD
    assert verdicts({**first, "previous.json": files["previous.json"]}) == BAD
    assert verdicts({**files, "previous.json": changed(files["previous.json"], 99, 1)}) == BAD
    assert verdicts({name: body for name, body in files.items() if name != "previous.json"}) == BAD


def encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def signed(files: Files, manifest: dict[str, Any], table: bytes, **header: Any) -> Files:
    """The same release as its own node would sign it with another manifest or table."""
    manifest["table"] |= {"sha256": sha256(table).hexdigest(), "bytes": len(table)}
    payload = json.dumps(manifest).encode()
    kind = {"alg": "EdDSA", "kid": SIGNER.kid, "typ": "kangma-release+jws"} | header
    text = encoded(json.dumps(kind).encode()) + b"." + encoded(payload)
    jws = text + b"." + encoded(SIGNER.private.sign(text))
    return {**files, "manifest.json": payload, "signature.jws": jws, "table.csv": table}


def test_signing_anew_is_good_and_another_kind_of_signature_is_not(files: Files) -> None:
    manifest = json.loads(files["manifest.json"])
    assert verdicts(signed(files, manifest, files["table.csv"])) == GOOD
    for other in ({"typ": "JWT"}, {"alg": "none"}, {"kid": "another"}):
        assert verdicts(signed(files, manifest, files["table.csv"], **other)) == BAD


def with_count(line: str, more: int) -> str:
    parts = line.split(",")
    parts[6] = str(int(parts[6]) + more)
    parts[7:9] = ["0", "9999999"]
    return ",".join(parts)


def negative(line: str) -> str:
    parts = line.split(",")
    parts[6], parts[7] = "-1", "-9"
    return ",".join(parts)


def outside(line: str) -> str:
    parts = line.split(",")
    parts[7] = parts[8] = str(int(parts[6]) + 1)
    return ",".join(parts)


Change = Callable[[list[str], int], list[str]]
CHANGES: dict[str, Change] = {
    "one more": lambda lines, at: [*lines[:at], with_count(lines[at], 1), *lines[at + 1 :]],
    "below nothing": lambda lines, at: [*lines[:at], negative(lines[at]), *lines[at + 1 :]],
    "off its interval": lambda lines, at: [*lines[:at], outside(lines[at]), *lines[at + 1 :]],
    "missing": lambda lines, at: [*lines[:at], *lines[at + 1 :]],
    "there twice": lambda lines, at: [*lines[:at], lines[at], *lines[at:]],
    "of no area": lambda lines, at: [*lines, lines[at].replace(",99", ",88", 1)],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("release_id", "start"),
    [
        ("monthly-2026-11", "city,990100,participation,"),
        ("monthly-2026-11", "city,990100,smoking,current,"),
        ("monthly-2026-11", "district,"),
        ("quarterly-2026-q4", "street,"),
        ("communities-2026", "street,"),
        ("communities-2026", "community,"),
        ("annual-2026", "city,990100,participation,"),
        ("annual-2026", "district,990102,smoking,current,"),
    ],
)
def test_tables_that_do_not_add_up_are_not_good_even_when_signed(
    packed: dict[str, Path], release_id: str, start: str, change: str
) -> None:
    files = bundles.read(packed[release_id])
    lines = files["table.csv"].decode().split("\r\n")[:-1]
    places = [number for number, line in enumerate(lines) if line.startswith(start)]
    assert places
    for place in places[:: max(1, len(places) // 3)]:
        other = CHANGES[change](lines, place)
        table = "\r\n".join([*other, ""]).encode()
        manifest = json.loads(files["manifest.json"])
        manifest["table"]["rows"] = len(other) - 1
        assert verdicts(signed(files, manifest, table)) == BAD


def test_cells_that_are_not_published_are_not_judged(files: Files) -> None:
    lines = files["table.csv"].decode().split("\r\n")
    place = next(n for n, line in enumerate(lines) if line.startswith("district,990102,smoking"))
    lines[place] = ",".join([*lines[place].split(",")[:6], *[""] * 6, "not_published", ""])
    manifest = json.loads(files["manifest.json"])
    assert verdicts(signed(files, manifest, "\r\n".join(lines).encode())) == GOOD


class TestKeys:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))

    def trusts(self, files: Files, keys: Any) -> bool:
        """The verdict of both, which is one."""
        try:
            verifier["verify"](files, keys)
            theirs = True
        except Wrong:
            theirs = False
        try:
            bundles.verify(files, json.dumps(keys).encode())
        except IntegrityBroken:
            assert not theirs
            return False
        return theirs

    def test_only_a_key_of_the_set_is_trusted(self, files: Files) -> None:
        key = json.loads(files["key.json"])
        stranger = {**key, "x": encoded(self.other.public_key().public_bytes_raw()).decode()}
        assert self.trusts(files, {"keys": [{**key, "kid": "older"}, key]})
        for keys in ([stranger], [], [key, stranger], [{**key, "kid": "another"}]):
            assert not self.trusts(files, {"keys": keys})
        for odd in ({}, [], {"keys": None}, {"keys": [3]}):
            assert not self.trusts(files, odd)

    def test_another_key_in_the_file_does_not_fit(self, files: Files) -> None:
        key = json.loads(files["key.json"])
        public = encoded(self.other.public_key().public_bytes_raw()).decode()
        for change in ({"x": public}, {"kid": "another"}, {"kty": "EC"}, {"crv": "X25519"}):
            assert verdicts({**files, "key.json": json.dumps(key | change).encode()}) == BAD
        for odd in (b"", b"[]", b"3", b"{}", json.dumps(key | {"x": None}).encode()):
            assert verdicts({**files, "key.json": odd}) == BAD


def test_two_files_of_one_name_are_refused(files: Files, tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as twice:
        for name, body in files.items():
            twice.writestr(name, body)
        with pytest.warns(UserWarning, match="Duplicate"):
            twice.writestr("table.csv", b"level\r\n")
    path = tmp_path / "twice.zip"
    path.write_bytes(content.getvalue())
    with pytest.raises(Wrong):
        verifier["read"](path)
    with pytest.raises(IntegrityBroken):
        bundles.read(path)


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "no.zip"
    path.write_bytes(b"PK\x03\x04 no")
    with pytest.raises(IntegrityBroken):
        bundles.read(path)


class TestOnTheCommandLine:
    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(SCRIPT), *map(str, words)], capture_output=True, text=True
        )

    def test_a_good_release(self, packed: dict[str, Path], files: Files, tmp_path: Path) -> None:
        keys = tmp_path / "jwks.json"
        keys.write_text(json.dumps({"keys": [json.loads(files["key.json"])]}))
        done = self.run(packed["annual-2026"], keys)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("annual-2026: genuine")

    def test_a_bad_one_and_none_say_so(self, files: Files, tmp_path: Path) -> None:
        for name, body in {**files, "table.csv": files["table.csv"] + b"\r\n"}.items():
            (tmp_path / name).write_bytes(body)
        for words in ([tmp_path], [tmp_path / "none.zip"], []):
            done = self.run(*words)
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr.startswith("NOT a good release: ")


def test_it_is_one_page_and_shares_nothing_with_the_service() -> None:
    text = SCRIPT.read_text("utf-8")
    assert text.count("\n") < 100
    for node in ast.walk(ast.parse(text)):
        names = (
            [one.name for one in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        for name in names:
            top = name.partition(".")[0]
            assert top in sys.stdlib_module_names or top == "cryptography"
