"""What an operator does with the log, the reviews, the keys and the backups, as real commands.

People act through a town in this process; every command is a process of its own over the same two
databases. The access log's files are checked by the scripts that share no code with the service.
"""

import json
import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest

from service.kit.clock import city_day, utc_now
from tests.house_room import PASSWORD, Person, Town, town
from tests.journeys.server import Installation, install
from tests.record_room import observation, pressure

VERIFIERS = Path(__file__).resolve().parents[2] / "clients" / "verifiers"
CHECK_ALL = runpy.run_path(str(VERIFIERS / "whole_log.py"))["check"]
REASON = "unconscious on the street, no papers"
NOBODY = "8d1f9d6c-0000-4000-8000-000000000000"


@pytest.fixture
def there(database_url: str, keystore_url: str, tmp_path: Path) -> Installation:
    return install(tmp_path, database_url, keystore_url)


@pytest.fixture
def small(tmp_path: Path) -> Installation:
    """On SQLite alone, for what does not ask which database it is."""
    return install(tmp_path, f"sqlite:///{tmp_path / 'k.db'}", f"sqlite:///{tmp_path / 'y.db'}")


@contextmanager
def open_town(there: Installation) -> Iterator[Town]:
    with town(there.settings(), utc_now) as here:
        yield here


def ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def keep(here: Town, who: Person, *records: dict[str, Any]) -> None:
    ok(here.doors.post("/v1/me/records", json={"records": records}, headers=who.headers))


def looked_at(here: Town, name: str) -> Person:
    """A resident with two records, into whose file a doctor looked in an emergency."""
    who = here.resident(name)
    keep(here, who, pressure(130), observation({"hba1c": 5.1}))
    doctor = here.strong(here.doctor(f"dr.{name}"))
    address = f"/v1/doctor/patients/{who.id}"
    opening = here.doors.post(
        f"{address}/emergency", json={"reason": REASON}, headers=doctor.headers
    )
    ok(opening, 201)
    ok(here.doors.get(address, headers=doctor.headers))
    return who


def values(here: Town, login: str) -> list[str]:
    headers = here.sign_in(login).headers
    items = ok(here.doors.get("/v1/me/records", headers=headers))["items"]
    return sorted(measure for item in items for measure in item["values"])


def today() -> date:
    return city_day(utc_now())


def reconciled(there: Installation, begun: date) -> dict[str, Any]:
    """What is found of today and, where midnight came meanwhile, of the day when it begun."""
    days = sorted({begun, today()})
    found = [there.kangma("audit", "reconcile", "--day", day.isoformat()) for day in days]
    numbers = ("opened", "logged", "difference", "erased")
    return {
        "sound": all(one["sound"] for one in found),
        **{name: sum(one[name] for one in found) for name in numbers},
    }


def test_the_log_is_proven_exported_and_reconciled(there: Installation, tmp_path: Path) -> None:
    begun = today()
    assert "empty so far" in there.refused("audit", "checkpoint")
    assert there.kangma("audit", "verify") == {"intact": True, "broken": None}
    with open_town(there) as here:
        looked_at(here, "lin")
        jwks = ok(here.doors.get("/.well-known/jwks.json"))
    made = there.kangma("audit", "checkpoint")
    kept = tmp_path / "kept.txt"
    kept.write_text(made["checkpoint"])
    assert there.kangma("audit", "verify", "--checkpoint", str(kept))["intact"] is True

    file = tmp_path / "log.txt"
    assert there.kangma("audit", "export", str(file))["entries"] == made["size"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert CHECK_ALL(file.read_text("utf-8"), jwks) == (made["size"], 1)
    before = file.read_bytes()
    assert "there already" in there.refused("audit", "export", str(file))
    assert "there already" in there.refused("audit", "export", str(tmp_path / "no" / "log"))
    assert file.read_bytes() == before

    found = reconciled(there, begun)
    assert (found["sound"], found["difference"], found["erased"]) == (True, 0, 0)
    assert found["opened"] == found["logged"] > 0


def test_a_log_that_was_changed_or_rolled_back_is_refused(
    small: Installation, tmp_path: Path
) -> None:
    with open_town(small) as here:
        looked_at(here, "lin")
    data = tmp_path / "data-backup"
    small.kangma("db", "backup", str(data))
    with open_town(small) as here:
        looked_at(here, "mei")
    kept = tmp_path / "kept.txt"
    kept.write_text(small.kangma("audit", "checkpoint")["checkpoint"])
    small.kangma("db", "restore", str(data))
    # The log by itself is whole; that its end is missing, only the copy kept elsewhere tells.
    assert small.kangma("audit", "verify")["intact"] is True
    assert "integrity" in small.refused("audit", "verify", "--checkpoint", str(kept))
    with open_town(small) as here, here.beneath.begin() as conn:
        conn.exec_driver_sql("UPDATE access_log SET row_count = row_count + 1 WHERE seq = 1")
    assert "integrity" in small.refused("audit", "verify")


def test_a_copy_that_is_no_checkpoint_is_refused(small: Installation, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for content, words in ((b"\xff\xfe\x00", "not text"), (b"not-a-checkpoint", "integrity")):
        copy.write_bytes(content)
        assert words in small.refused("audit", "verify", "--checkpoint", str(copy))


def test_reviews_are_listed_and_closed_once(small: Installation) -> None:
    assert small.kangma("reviews", "list") == {"reviews": []}
    with open_town(small) as here:
        looked_at(here, "lin")
        looked_at(here, "mei")
    first, second = small.kangma("reviews", "list")["reviews"]
    assert REASON not in json.dumps([first, second])
    outcome = ["--outcome", "unjustified", "--by", "anna"]
    closed = small.kangma("reviews", "close", "--id", first["review_id"], *outcome)
    assert (closed["outcome"], closed["reviewer"]) == ("unjustified", "anna")
    assert small.kangma("reviews", "list")["reviews"] == [second]
    assert len(small.kangma("reviews", "list", "--all")["reviews"]) == 2
    with open_town(small) as here:
        headers = here.sign_in("lin").headers
        told = ok(here.doors.get("/v1/me/notices", headers=headers))["items"]
    assert "emergency-unjustified" in {one["kind"] for one in told}

    close = ("reviews", "close", "--id")
    assert "no such review" in small.refused(*close, first["review_id"], *outcome)
    assert "no such review" in small.refused(*close, NOBODY, *outcome)
    said = small.refused(*close, second["review_id"], "--outcome", "maybe", "--by", " ")
    assert "justified or unjustified" in said
    assert "reviewer" in said
    assert small.kangma("reviews", "list")["reviews"] == [second]


def test_what_was_shredded_stays_so_after_a_restore(there: Installation, tmp_path: Path) -> None:
    begun = today()
    with open_town(there) as here:
        people = {name: looked_at(here, name) for name in ("lin", "zhao", "mei")}
        receipts = ok(here.doors.get("/.well-known/jwks.json"))
    checkpoint = tmp_path / "kept.txt"
    checkpoint.write_text(there.kangma("audit", "checkpoint")["checkpoint"])
    data, keys = tmp_path / "data-backup", tmp_path / "keys-backup"
    assert there.kangma("db", "backup", str(data))["store"] == "data"
    assert there.kangma("db", "backup", "--keystore", str(keys))["store"] == "keystore"

    whole = there.kangma("keys", "shred", "--resident", people["zhao"].id)
    part = there.kangma("keys", "shred", "--resident", people["mei"].id, "--class", "body")
    for told, event in ((whole, "erased"), (part, "class-erased")):
        key = jwt.PyJWKSet.from_dict(receipts)[jwt.get_unverified_header(told["receipt"])["kid"]]
        said = jwt.decode(told["receipt"], key, algorithms=["EdDSA"])
        assert (said["event"], said["sub"]) == (event, told["resident_id"])
    for who in (people["zhao"].id, NOBODY):
        there.refused("keys", "shred", "--resident", who)
        there.refused("keys", "shred", "--resident", who, "--class", "body")

    def as_shredded() -> None:
        with open_town(there) as here:
            assert values(here, "lin") == ["diastolic_bp", "hba1c", "systolic_bp"]
            assert values(here, "mei") == ["hba1c"]
            gone = here.token(grant_type="password", username="zhao", password=PASSWORD)
            assert gone.status_code == 401

    as_shredded()
    # Entries about the erased stay in the log and in its proof, though nobody opens them again.
    assert there.kangma("audit", "verify", "--checkpoint", str(checkpoint))["intact"] is True
    found = reconciled(there, begun)
    assert found["sound"] is True
    assert found["erased"] > 0

    done = there.kangma("db", "restore", str(data))
    assert (done["persons"], done["classes"]) == (1, 1)
    as_shredded()
    assert there.kangma("db", "verify")["intact"] is True
    assert there.kangma("audit", "verify", "--checkpoint", str(checkpoint))["intact"] is True

    assert there.kangma("db", "restore", "--keystore", str(keys))["store"] == "keystore"
    assert there.kangma("keys", "check")["sound"] is True
    with open_town(there) as here:
        # The documented price of an older keystore: its keys are back until erased once more.
        assert here.house.keystore.load(UUID(people["zhao"].id)) is not None


def test_a_practitioner_who_forgot_a_password_gets_another_and_a_resident_none(
    there: Installation,
) -> None:
    hired = ("--login", "dr.zhou", "--name", "周医生", "--clinic", "河街卫生站")
    made = there.kangma("people", "add-doctor", *hired)
    given = there.kangma("people", "reset-password", "--login", "dr.zhou")
    assert given["practitioner_id"] == made["practitioner_id"]
    with open_town(there) as here:
        here.resident("lin")
        old = here.token(grant_type="password", username="dr.zhou", password=made["password"])
        assert old.status_code == 401
        assert here.sign_in("dr.zhou", given["password"]).id == made["practitioner_id"]
    for login in ("lin", "nobody"):
        said = there.refused("people", "reset-password", "--login", login)
        assert "No practitioner" in said
    with open_town(there) as here:
        assert here.sign_in("lin").id


def test_backups_are_refused_with_a_sentence(small: Installation, tmp_path: Path) -> None:
    data, keys = tmp_path / "data-backup", tmp_path / "keys-backup"
    small.kangma("db", "backup", str(data))
    small.kangma("db", "backup", "--keystore", str(keys))
    assert "not empty" in small.refused("db", "backup", str(data))
    file = tmp_path / "file"
    file.touch()
    for place in (file, file / "below"):
        assert "cannot be made" in small.refused("db", "backup", str(place))
    assert "other database" in small.refused("db", "restore", str(keys))
    assert "other database" in small.refused("db", "restore", "--keystore", str(data))
    assert "not whole" in small.refused("db", "restore", str(tmp_path / "none"))
    store = next(data.glob("store.*"))
    store.write_bytes(store.read_bytes() + b"x")
    assert "not whole" in small.refused("db", "restore", str(data))


COMMANDS = [
    ("audit", "export", "log.txt"),
    ("reviews", "list"),
    ("keys", "shred", "--resident", NOBODY),
    ("db", "backup", "backup"),
    ("db", "backup", "--keystore", "backup"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_without_a_deployment_every_command_says_so(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    environment = {
        "KANGMA_DATA": str(tmp_path / "none"),
        "KANGMA_KEK": f"file:{tmp_path / 'none.json'}",
    }
    nowhere = Installation(tmp_path, environment)
    nowhere.refused(*command)
    # And the refusal has made none either.
    assert not (tmp_path / "none").exists()


WRONG = {
    "PROFILE": ("strange", "KANGMA_PROFILE"),
    "SUITE": ("9", "KANGMA_SUITE"),
    "DATABASE_URL": ("postgresql+psycopg://kangma@127.0.0.1:1/none", "does not answer"),
}


def test_a_wrong_setting_is_named_and_not_quoted(small: Installation) -> None:
    right = dict(small.environment)
    for name, (value, words) in WRONG.items():
        small.environment = right | {f"KANGMA_{name}": value}
        said = small.refused("audit", "verify")
        assert words in said
        assert value not in said
