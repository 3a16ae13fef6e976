"""What an operator does with a release as a file, as real commands."""

import json
import runpy
from pathlib import Path

from service.api.auth.published import PUBLISHED
from service.house import build
from service.kit.tokens import jwks
from tests.journeys.server import install

VERIFIER = Path(__file__).resolve().parents[2] / "clients" / "verifiers" / "release.py"


def test_a_release_leaves_as_one_file_that_anybody_checks(tmp_path: Path) -> None:
    there = install(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", f"sqlite:///{tmp_path / 'y.db'}")
    made = there.kangma("releases", "publish", "--as-of", "2026-06-30")
    releases = [one["release_id"] for one in made["releases"]]
    own = {"releases": len(releases), "intact": True, "pulled": {}}
    assert there.kangma("releases", "verify") == own
    house = build(there.settings())
    keys = jwks(key for name in PUBLISHED for key in house.system.signing_keys(name))
    house.close()
    (tmp_path / "jwks.json").write_text(json.dumps(keys))
    verifier = runpy.run_path(str(VERIFIER))
    for release_id in releases:
        file = tmp_path / f"{release_id}.zip"
        told = there.kangma("releases", "export", release_id, "--to", str(file))
        assert (told["release_id"], told["bytes"]) == (release_id, file.stat().st_size)
        manifest, _, _ = verifier["verify"](verifier["read"](file), keys)
        assert manifest["release_id"] == release_id
    known = {"release_id": releases[-1], "intact": True, "key_known": True}
    trusted = ("--keys", str(tmp_path / "jwks.json"))
    assert there.kangma("releases", "verify", str(file), *trusted) == known
    assert not there.kangma("releases", "verify", str(file))["key_known"]

    assert "there already" in there.refused("releases", "export", releases[0], "--to", str(file))
    there.refused("releases", "export", "annual-1999", "--to", str(tmp_path / "none.zip"))
    (tmp_path / "jwks.json").write_text('{"keys": []}')
    there.refused("releases", "verify", str(file), *trusted)
    file.write_bytes(file.read_bytes()[:-1])
    there.refused("releases", "verify", str(file))
