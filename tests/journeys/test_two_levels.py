"""A county publishes, a city pulls: real servers and commands, over a line that may be crooked."""

import base64
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.cli.demo import city as fictional
from service.cli.releases import publish_now
from service.cli.rooms import open_house
from service.house import REGIONS_FILE, prepare
from service.identity import actions as identity
from service.releases import artifact as artifacts
from service.releases.nodes import pull as pulls
from service.releases.nodes import store
from tests.databases import lay_sqlite
from tests.journeys.crooked import Answer, crooked
from tests.journeys.server import KANGMA, Installation, serving

MONTHS = ("2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30")
LISTED = "/v1/city/releases"


class Levels:
    """A county behind a crooked line, and a city that trusts its key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.county = installed(folder / "county", "9902")
        self.city = installed(folder / "city", "9901")
        self.secret = folder / "secret"
        self.admit()
        self.first = self.publish(self.county, MONTHS[0])
        self.key = folder / "key.json"
        with open_house(self.county.settings()) as house:
            signer = house.system.signing_key("release")
        public = artifacts.raw_public_key(artifacts.Signer(signer.kid, signer.private))
        self.key.write_text(json.dumps(artifacts.jwk(public, signer.kid)), "utf-8")

    def admit(self, key: Literal["generate"] | None = None) -> None:
        """Let the city's machine in at the county."""
        with open_house(self.county.settings()) as house:
            made = house.db.write(
                lambda conn: identity.add_client(
                    conn, house.system, role="city", name="City", now=house.clock(), key=key
                )
            )
        self.client = made["client_id"]
        told = made["client_secret" if key is None else "private_key"]
        self.secret.write_text(told, "utf-8")

    def trust(self, name: str, url: str, key: Path) -> dict[str, Any]:
        return self.city.kangma("releases", "trust", name, url, "--key", str(key))

    def publish(self, where: Installation, month: str) -> str:
        """As `kangma releases publish` does, in this process."""
        with open_house(where.settings()) as house:
            made = publish_now(house, datetime.fromisoformat(month), "monthly")
        release: str = made["release_id"]
        return release

    @property
    def words(self) -> tuple[str, ...]:
        """The command that pulls."""
        asked = ("--client", self.client, "--secret", str(self.secret))
        return ("releases", "pull", self.line.url, *asked)

    def pull(self) -> list[str]:
        new: list[str] = self.city.kangma(*self.words)["new"]
        return new

    def refused(self) -> str:
        return self.city.refused(*self.words)

    def held(self) -> list[str]:
        """What the city has of the county, oldest first, every chain and byte checked."""
        with open_house(self.city.settings()) as house:
            checked = pulls.verify(house.db)["county"]
            names = [one.release_id for one in house.db.read(lambda c: store.chain(c, "county"))]
        assert len(names) == len(set(names)) == checked
        return names


def installed(folder: Path, stem: str) -> Installation:
    """A deployment as `kangma init` and `regions load` leave it, under codes of its own."""
    environment = {
        **os.environ,
        "KANGMA_DATA": str(folder / "data"),
        "KANGMA_DATABASE_URL": f"sqlite:///{folder / 'k.db'}",
        "KANGMA_KEYSTORE_URL": f"sqlite:///{folder / 'y.db'}",
        "KANGMA_KEK": f"file:{folder / 'keys' / 'kek.json'}",
        "KANGMA_PROFILE": "test",
    }
    folder.mkdir()
    made = Installation(folder, environment)
    lay_sqlite(made.settings())
    prepare(made.settings())
    regions = json.dumps(fictional.regions(), ensure_ascii=False).replace('"9901', f'"{stem}')
    (folder / "data" / REGIONS_FILE).write_text(regions, "utf-8")
    return made


def ask(where: Installation, path: str) -> httpx.Response:
    """As a machine client of the city there."""
    with open_house(where.settings()) as house:
        made = house.db.write(
            lambda conn: identity.add_client(
                conn, house.system, role="city", name="Reader", now=house.clock()
            )
        )
    form = {"grant_type": "client_credentials", **made}
    token = httpx.post(f"{where.url}/v1/auth/token", data=form, timeout=120).json()["access_token"]
    return httpx.get(where.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=120)


@pytest.fixture
def levels(tmp_path: Path) -> Iterator[Levels]:
    made = Levels(tmp_path)
    with serving(made.county) as served, crooked(served.url) as line:
        made.line = line
        made.trust("county", line.url, made.key)
        yield made


def test_a_county_goes_on_alone_and_every_release_arrives_once(levels: Levels) -> None:
    first = levels.first
    assert levels.pull() == [first]
    assert levels.pull() == []
    # Cut off, the county goes on.
    others = [levels.publish(levels.county, month) for month in MONTHS[1:]]
    levels.line.behind, reachable = "http://127.0.0.1:9", levels.line.behind
    assert "did not answer" in levels.refused()
    levels.line.behind = reachable
    # The line drops in the middle of the second of the three tables that are missing.
    levels.line.cut = {f"{LISTED}/{others[1]}/table?format=csv"}
    assert "did not answer" in levels.refused()
    assert levels.held() == [first, others[0]]
    levels.line.honest()
    levels.line.seen.clear()
    assert levels.pull() == others[1:]
    assert not any(others[0] in path for path in levels.line.seen)
    assert levels.held() == [first, *others]


def test_a_pull_that_is_killed_goes_on_where_it_stopped(levels: Levels) -> None:
    names = [levels.first, *(levels.publish(levels.county, month) for month in MONTHS[1:3])]
    pulling: list[subprocess.Popen[bytes]] = []

    def kill(path: str) -> None:
        if path.endswith(f"{names[1]}/signature"):
            pulling[0].send_signal(signal.SIGKILL)
            pulling[0].wait()

    levels.line.before = kill
    pulling.append(
        subprocess.Popen(
            [KANGMA, *levels.words], env=levels.city.environment, cwd=levels.city.folder
        )
    )
    assert pulling[0].wait(300) == -signal.SIGKILL
    levels.line.honest()
    both = [
        subprocess.Popen(
            [KANGMA, *levels.words], env=levels.city.environment, cwd=levels.city.folder
        )
        for _ in range(2)
    ]
    assert [one.wait(300) for one in both] == [0, 0]
    assert levels.held() == names


def test_what_is_not_the_countys_word_is_refused_and_named(levels: Levels) -> None:
    first = levels.first
    second = levels.publish(levels.county, MONTHS[1])
    levels.line.cut = {f"{LISTED}/{second}/signature"}
    levels.refused()
    levels.line.honest()
    for bend, words in (
        (changed(f"{second}/table"), "another table than the signed one"),
        (resigned(second), "not signed with the key"),
        (instead(levels, second, first), "another release"),
        (without(first), f"{first} of the node county: it was pulled and is no longer listed"),
        (with_other_hash(first), f"{first} of the node county: it is not what was pulled"),
        (moved, "answered with status 302"),
        (too_much(second), "too much"),
    ):
        levels.line.bend = bend
        said = levels.refused()
        assert words in said
        assert "county" in said
    levels.line.honest()
    assert levels.held() == [first]
    third = levels.publish(levels.county, MONTHS[2])
    levels.line.bend = without(second)
    assert f"{third} of the node county: it does not follow" in levels.refused()
    levels.line.honest()
    assert levels.pull() == [second, third]


def test_whom_to_trust_is_pinned(levels: Levels, tmp_path: Path) -> None:
    key, foreign = levels.key, tmp_path / "foreign.json"
    assert levels.trust("county", levels.line.url, key)["node"] == "county"
    words = ("releases", "trust")
    for name, url, file in (
        ("other", "https://elsewhere.example", key),
        ("county", "https://elsewhere.example", key),
        ("own", "https://elsewhere.example", key),
        ("plain", "http://elsewhere.example", key),
        ("path", "https://elsewhere.example/a", key),
        ("none", "https://elsewhere.example", levels.secret),
    ):
        levels.city.refused(*words, name, url, "--key", str(file))
    stranger = dict(json.loads(key.read_text("utf-8")))
    stranger["x"] = base64.urlsafe_b64encode(bytes(range(32))).rstrip(b"=").decode()
    foreign.write_text(json.dumps(stranger), "utf-8")
    # Its name is taken by the county's true key, which nothing replaces.
    levels.city.refused(*words, "county", levels.line.url, "--key", str(foreign))
    asked = ("--client", levels.client, "--secret", str(levels.secret))
    assert "not trusted" in levels.city.refused("releases", "pull", "https://no.example", *asked)
    levels.secret.write_text("wrong", "utf-8")
    assert "does not accept the credential" in levels.refused()


def test_a_machine_with_a_key_of_its_own_pulls(levels: Levels) -> None:
    levels.admit("generate")
    # A proof names the address it is for, so the county must know the one it is asked at.
    levels.county.environment["KANGMA_PUBLIC_URL"] = levels.line.url
    with serving(levels.county) as served:
        levels.line.behind = served.url
        assert levels.pull() == ["monthly-2026-01"]


def test_the_city_sees_county_cells_beside_its_own_and_added(levels: Levels) -> None:
    release = levels.first
    later = levels.publish(levels.county, MONTHS[1])
    levels.publish(levels.city, MONTHS[0])
    levels.pull()
    theirs = ask(levels.county, f"{LISTED}/{release}/table").content
    with serving(levels.city):
        there = f"/v1/city/nodes/county/releases/{release}"
        assert ask(levels.city, f"{there}/table").content == theirs
        parts = [
            ask(levels.city, f"/v1/city/nodes/{node}/releases/{release}/cells?level=city")
            for node in ("own", "county")
        ]
        whole = ask(levels.city, f"/v1/city/merged/{release}").json()
        lone = ask(levels.city, f"/v1/city/merged/{later}").json()
        assert ask(levels.city, "/v1/city/merged/monthly-1999-01").status_code == 404
    made = levels.city.kangma("releases", "report", "--year", "2026", "--to", str(levels.folder))
    page = Path(made["file"]).read_bytes()
    assert artifacts.sha256(page) == made["sha256"]
    assert release.encode() in page
    same = ("releases", "report", "--to", str(levels.folder))
    assert "there already" in levels.city.refused(*same)
    assert (whole["complete"], whole["missing"]) == (True, [])
    assert [one["region"] for one in whole["sources"]] == ["990100", "990200"]
    own, pulled = (part.json()["items"] for part in parts)
    assert len(whole["items"]) == len(own) == len(pulled)
    for cell, one, other in zip(whole["items"], own, pulled, strict=True):
        assert cell["count"] == one["count"] + other["count"]
        assert cell["low"] <= cell["count"] <= cell["high"]
    assert (lone["complete"], lone["missing"]) == (False, ["own"])
    assert [one["node"] for one in lone["sources"]] == ["county"]


def changed(place: str) -> Any:
    def bend(path: str, answer: Answer) -> Answer:
        status, headers, body = answer
        if place in path:
            # One bit of the last digit: another number, and nothing else.
            place_of = max(body.rfind(b"%d" % digit) for digit in range(10))
            body = body[:place_of] + bytes([body[place_of] ^ 1]) + body[place_of + 1 :]
        return status, headers, body

    return bend


def resigned(release: str) -> Any:
    """Signed by somebody else under the county's own name for its key."""

    def bend(path: str, answer: Answer) -> Answer:
        status, headers, body = answer
        if path.endswith(f"{release}/signature"):
            told = json.loads(body)
            signer = artifacts.Signer(told["kid"], Ed25519PrivateKey.generate())
            told["jws"] = artifacts.sign(artifacts.payload_of(told["jws"]), signer)
            told["key"] = artifacts.jwk(artifacts.raw_public_key(signer), told["kid"])
            body = json.dumps(told).encode()
        return status, headers, body

    return bend


def instead(levels: Levels, wanted: str, given: str) -> Any:
    """An old release in the place of a new one, honestly signed."""
    old = ask(levels.county, f"{LISTED}/{given}/signature").content

    def bend(path: str, answer: Answer) -> Answer:
        return (*answer[:2], old if path.endswith(f"{wanted}/signature") else answer[2])

    return bend


def listing(change: Any) -> Any:
    def bend(path: str, answer: Answer) -> Answer:
        if path != LISTED:
            return answer
        told = json.loads(answer[2])
        told["items"] = change(told["items"])
        return (*answer[:2], json.dumps(told).encode())

    return bend


def without(release: str) -> Any:
    return listing(lambda items: [one for one in items if one["release_id"] != release])


def with_other_hash(release: str) -> Any:
    return listing(
        lambda items: [
            one | ({"manifest_sha256": "0" * 64} if one["release_id"] == release else {})
            for one in items
        ]
    )


def moved(path: str, answer: Answer) -> Answer:
    return (302, {"location": "https://elsewhere.example/"}, b"") if path == LISTED else answer


def too_much(release: str) -> Any:
    def bend(path: str, answer: Answer) -> Answer:
        large = path.endswith(f"{release}/signature")
        return (*answer[:2], b" " * (17 << 20) if large else answer[2])

    return bend
