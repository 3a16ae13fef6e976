"""Checkpoints and exports over HTTP, checked by the scripts that share no code with the service."""

import base64
import json
import runpy
from collections.abc import Callable, Iterator
from copy import deepcopy
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from service.audit import tree
from service.grants import receipts
from service.jobs import checkpoint
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.house_room import Person, Town, town

VERIFIERS = Path(__file__).resolve().parents[2] / "clients" / "verifiers"
CHECK_MINE = runpy.run_path(str(VERIFIERS / "access_log.py"))["check"]
CHECK_ALL = runpy.run_path(str(VERIFIERS / "whole_log.py"))["check"]


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def get(here: Town, path: str, who: Person | None = None) -> Any:
    answer = here.doors.get(path, headers={} if who is None else who.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def sign(here: Town, resident: Person, doctor: Person) -> None:
    wish = {"doctor_id": doctor.id, "package": "basic", "data_classes": ["body"]}
    answer = here.doors.post("/v1/me/contract", json=wish, headers=resident.headers)
    assert answer.status_code == 201, answer.text


def looks(here: Town, doctor: Person, *residents: Person) -> None:
    for one in residents:
        get(here, f"/v1/doctor/patients/{one.id}", doctor)


def mark(here: Town) -> str:
    made = checkpoint.make(here.house, now=here.house.clock())
    assert made is not None
    return made.text


@pytest.fixture
def busy(here: Town) -> tuple[Town, Person, Person]:
    """A town with looks at two residents, some under a checkpoint and some behind it."""
    lin, mei, zhou = here.resident(), here.resident("mei"), here.doctor()
    sign(here, lin, zhou)
    sign(here, mei, zhou)
    looks(here, zhou, lin, mei, lin)
    mark(here)
    looks(here, zhou, mei, lin)
    return here, lin, zhou


def test_the_checkpoint_is_public_and_goes_on_from_one_kept_before(here: Town) -> None:
    refused = here.doors.get("/v1/audit/checkpoint")
    assert (refused.status_code, refused.json()["code"]) == (404, "not-found")
    lin, zhou = here.resident(), here.doctor()
    sign(here, lin, zhou)
    looks(here, zhou, lin, lin, lin)
    mark(here)
    kept = get(here, "/v1/audit/checkpoint")
    assert (kept["number"], kept["size"], kept["consistency"]) == (1, 3, None)
    looks(here, zhou, lin, lin)
    mark(here)
    now = get(here, f"/v1/audit/checkpoint?since={kept['size']}")
    roots = [bytes.fromhex(claims(one["checkpoint"])["root"]) for one in (kept, now)]
    path = [bytes.fromhex(one) for one in now["consistency"]]
    assert tree.is_consistent(3, 5, *roots, path)
    for since, status in ((6, 400), (0, 400), (5, 200)):
        answer = here.doors.get(f"/v1/audit/checkpoint?since={since}")
        assert answer.status_code == status, answer.text
    for secret in (lin.id, zhou.id, "周医生"):
        assert secret not in json.dumps(claims(now["checkpoint"]))


def claims(text: str) -> dict[str, Any]:
    body = text.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def test_a_resident_can_check_their_export_without_the_service(busy: Any) -> None:
    here, lin, _ = busy
    export = get(here, "/v1/me/access-log/export", lin)["export"]
    jwks = get(here, "/.well-known/jwks.json")
    kept = get(here, "/v1/audit/checkpoint")["checkpoint"]
    assert CHECK_MINE(export, jwks, [kept]) == (3, 2)
    mark(here)
    assert CHECK_MINE(get(here, "/v1/me/access-log/export", lin)["export"], jwks, [kept]) == (3, 3)


def test_an_export_before_any_checkpoint_proves_the_chain_alone(here: Town) -> None:
    lin, zhou = here.resident(), here.doctor()
    jwks = get(here, "/.well-known/jwks.json")
    assert CHECK_MINE(get(here, "/v1/me/access-log/export", lin)["export"], jwks) == (0, 0)
    sign(here, lin, zhou)
    looks(here, zhou, lin)
    assert CHECK_MINE(get(here, "/v1/me/access-log/export", lin)["export"], jwks) == (1, 0)


def _drop_last_proven(said: dict[str, Any]) -> None:
    """Hide the newest entry under the checkpoint and prove the one before as if it were last."""
    del said["entries"][1:]
    said["proof"]["inclusion"]["seq"] = 1


SERVICE_LIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "first entry hidden": lambda said: said["entries"].pop(0),
    "middle entry hidden": lambda said: said["entries"].pop(1),
    "last entry under the checkpoint hidden": _drop_last_proven,
    "actor changed": lambda said: said["entries"][0]["actor"].update(name="别人"),
    "time changed": lambda said: said["entries"][1].update(at="2026-11-20T01:00:01Z"),
    "decision changed": lambda said: said["entries"][1].update(decision="deny"),
    "rows changed": lambda said: said["entries"][1].update(rows=0),
    "order changed": lambda said: said["entries"].reverse(),
    "another subject": lambda said: said.update(sub="00000000-0000-4000-8000-000000000000"),
    "path changed": lambda said: said["proof"]["inclusion"]["path"].append("00" * 32),
    "head path changed": lambda said: said["proof"]["head"]["over_buckets"].pop(),
    "head place changed": lambda said: said["proof"]["head"].update(index=1),
}


def test_an_export_that_the_service_itself_forges_is_found_out(busy: Any) -> None:
    """Signed with the genuine key, but not the log that the published checkpoint binds it to."""
    here, lin, _ = busy
    jwks = get(here, "/.well-known/jwks.json")
    honest = claims(get(here, "/v1/me/access-log/export", lin)["export"])

    def signed(said: dict[str, Any]) -> str:
        key, issuer = here.house.system.signing_key("audit"), here.house.settings.issuer
        return receipts.signed(said, key=key, typ="access-log+jwt", issuer=issuer)

    assert CHECK_MINE(signed(honest), jwks) == (3, 2)
    for name, lie in SERVICE_LIES.items():
        said = deepcopy(honest)
        lie(said)
        with pytest.raises((ValueError, IndexError, KeyError)):
            pytest.fail(f"{name}: {CHECK_MINE(signed(said), jwks)}")


def test_each_changed_byte_of_an_export_fails(busy: Any) -> None:
    here, lin, _ = busy
    jwks = get(here, "/.well-known/jwks.json")
    export = get(here, "/v1/me/access-log/export", lin)["export"]
    for place in range(0, len(export) - 1, 41):
        spoilt = export[:place] + ("A" if export[place] != "A" else "B") + export[place + 1 :]
        with pytest.raises((ValueError, KeyError, InvalidSignature)):
            CHECK_MINE(spoilt, jwks)


def test_a_forked_checkpoint_is_told_from_the_copy(busy: Any) -> None:
    here, lin, _ = busy
    jwks = get(here, "/.well-known/jwks.json")
    export = get(here, "/v1/me/access-log/export", lin)["export"]
    other = claims(get(here, "/v1/audit/checkpoint")["checkpoint"]) | {"size": 4}
    key, issuer = here.house.system.signing_key("audit"), here.house.settings.issuer
    forged = receipts.signed(other, key=key, typ="audit-checkpoint+jwt", issuer=issuer)
    with pytest.raises(ValueError, match="forked"):
        CHECK_MINE(export, jwks, [forged])


def test_an_auditor_can_check_the_whole_log_without_the_service(busy: Any) -> None:
    here, _, _ = busy
    jwks = get(here, "/.well-known/jwks.json")
    file = StringIO()
    assert checkpoint.export(here.house, file, now=here.house.clock()) == 5
    assert CHECK_ALL(file.getvalue(), jwks) == (5, 1)
    lines = file.getvalue().splitlines()
    assert len(lines) == 5 + 1 + 1
    for place, line in enumerate(lines):
        gone = [*lines[:place], *lines[place + 1 :]]
        doubled = [*lines[: place + 1], *lines[place:]]
        spoilt = [*lines[:place], line.replace("e", "f", 1), *lines[place + 1 :]]
        for forged in (gone, doubled, spoilt):
            with pytest.raises((ValueError, KeyError, IndexError, InvalidSignature)):
                CHECK_ALL("\n".join(forged), jwks)


def test_the_whole_log_forged_with_the_export_key_fails_at_the_checkpoint(busy: Any) -> None:
    here, _, _ = busy
    jwks = get(here, "/.well-known/jwks.json")
    file = StringIO()
    checkpoint.export(here.house, file, now=here.house.clock())
    *lines, last = file.getvalue().splitlines()
    lines[1] = lines[1].replace("allow", "deny")
    text = "".join(f"{one}\n" for one in lines)
    said = claims(last) | {"sha256": sha256(text.encode()).hexdigest()}
    key, issuer = here.house.system.signing_key("audit"), here.house.settings.issuer
    forged = receipts.signed(said, key=key, typ="audit-export+jwt", issuer=issuer)
    with pytest.raises(ValueError, match="not the log of checkpoint 1"):
        CHECK_ALL(text + forged, jwks)
