"""A service founded with suite 2 (SM4-GCM, SM3), by its doors: no row holds anything of suite 1."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from runpy import run_path
from typing import Any
from uuid import UUID

import jwt
import pytest
from sqlalchemy import select, type_coerce
from sqlalchemy.types import LargeBinary

from consent.vocabulary import DataClass
from service.audit.tables import access_heads, access_log
from service.cli.releases import publish_now
from service.jobs import checkpoint, renewal, rewrap
from service.jobs.contribute import contribute
from service.jobs.reconcile import reconcile
from service.kit.audience import speaking_for
from service.kit.clock import city_day
from service.kit.crypto.aead import read_header
from service.kit.engines import metadata
from service.kit.errors import Gone
from service.kit.settings import Settings
from service.records.tables import record_parts
from service.releases import bundles
from service.tallies import actions as tallies
from service.upkeep.columns import COLUMNS, DATA
from service.upkeep.verify import verify
from tests.conftest import MovingClock
from tests.contract.test_sealed_columns import KEYED_ELSEWHERE
from tests.emergency_room import SAMPLES
from tests.family_room import ok
from tests.house_room import PASSWORD, Person, Town, town
from tests.record_room import observation, pressure
from tests.security.asks import grant
from tests.standing_room import AS_OF
from tests.standing_room import settings as settings_of

VERIFIER = Path(__file__).resolve().parents[2] / "clients" / "verifiers" / "release.py"
FORMAT, SUITE = 1, 2
OF_THE_SERVICE = 1
"""What the service seals under keys of its own stays AES-256-GCM, whatever the suite."""


@pytest.fixture(params=["sqlite", "postgresql"])
def here(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, clock: MovingClock
) -> Iterator[Town]:
    with ExitStack() as stack:
        made = settings_of(tmp_path_factory.mktemp("suite"), request.param, stack)
        where = Settings(**{**made.model_dump(), "suite": SUITE})
        yield stack.enter_context(town(where, clock))


def stored(here: Town) -> dict[str, list[bytes]]:
    """Every ciphertext of every column, as it lies in the store."""
    found: dict[str, list[bytes]] = {}
    with here.beneath.connect() as conn:
        for one in COLUMNS:
            rows = conn.execute(select(type_coerce(one.column, LargeBinary))).scalars()
            found[one.name] = [bytes(row) for row in rows if row]
    return found


def faults(here: Town) -> list[tuple[str, str]]:
    house = here.house
    seen = verify(house.db, house.vault, house.system.secret("statistics"))
    return [(one.table, one.fault) for one in seen.faults]


def asked(here: Town, who: Person, path: str, status: int = 200) -> Any:
    return ok(here.doors.get(path, headers=who.headers), status)


def test_a_service_of_suite_two_serves_and_keeps_nothing_of_suite_one(here: Town) -> None:
    lin, zhou = here.resident(), here.doctor()
    records = [pressure(142), pressure(139), observation({"hba1c": 5.4, "phq9_total": 4})]
    sent = here.doors.post("/v1/me/records", json={"records": records}, headers=lin.headers)
    assert {one["status"] for one in ok(sent)["results"]} == {"created"}
    assert asked(here, lin, "/v1/me/prompt")["rule_pack"]
    wish = {"doctor_id": zhou.id, "package": "basic", "data_classes": ["body", "screening"]}
    contract = here.doors.post("/v1/me/contract", json=wish, headers=lin.headers)
    ok(contract, 201)
    page = asked(here, zhou, f"/v1/doctor/patients/{lin.id}/records")
    seen = {name for one in page["items"] for name in one["values"]}
    assert {"systolic_bp", "diastolic_bp", "hba1c"} <= seen
    assert "phq9_total" not in seen
    asked(here, zhou, "/v1/doctor/panel")
    assert asked(here, lin, "/v1/me/access-log")["items"]

    kept = stored(here)
    filled = {column for column, values in kept.items() if values}
    assert {"record_parts.sealed", "latest.sealed", "prompt_now.sealed", "grants.sealed_body",
            "contracts.sealed_body", "residents.sealed_profile", "access_log.classes",
            "panel_cards.sealed_card"} <= filled  # fmt: skip
    heads = {value[:2] for values in kept.values() for value in values}
    assert heads == {bytes([FORMAT, SUITE])}
    assert faults(here) == []

    with here.beneath.begin() as conn:
        row = conn.execute(select(record_parts)).first()
        assert row is not None
        spoilt = bytes(row.sealed[:-1]) + bytes([row.sealed[-1] ^ 1])
        conn.execute(
            record_parts.update()
            .where(
                record_parts.c.resident_id == row.resident_id,
                record_parts.c.record_key == row.record_key,
                record_parts.c.class_tag == row.class_tag,
            )
            .values(sealed=spoilt)
        )
    assert faults(here) == [("record_parts", "broken")]


def test_a_class_and_then_the_person_are_erased(here: Town) -> None:
    lin, zhou = signed(here)
    receipt = ok(here.doors.delete("/v1/me/data-classes/body", headers=lin.headers))["receipt"]
    assert genuine(here, receipt)
    values = [set(one["values"]) for one in asked(here, lin, "/v1/me/records")["items"]]
    assert values == [{"hba1c"}]
    seen = asked(here, zhou, f"/v1/doctor/patients/{lin.id}/records")["items"]
    assert [set(one["values"]) for one in seen] == [{"hba1c"}]
    assert faults(here) == []

    receipt = ok(here.doors.delete("/v1/me", headers=lin.headers))["receipt"]
    assert genuine(here, receipt)
    asked(here, zhou, f"/v1/doctor/patients/{lin.id}", 404)
    assert here.token(grant_type="password", username=lin.login, password=PASSWORD).is_error
    kept = stored(here)
    assert not any(kept[one.name] for one in DATA)
    assert faults(here) == []
    with pytest.raises(Gone):
        here.house.keystore.load(UUID(lin.id))


def test_what_was_withdrawn_is_not_read_again(here: Town) -> None:
    lin, zhou = signed(here)
    other = here.doctor("dr.other")
    for path in ("", "/records", "/series/heart_rate"):
        asked(here, zhou, f"/v1/doctor/patients/{lin.id}{path}")
    ok(here.doors.delete("/v1/me/contract", headers=lin.headers))
    for path in ("", "/records", "/series/heart_rate"):
        told = asked(here, zhou, f"/v1/doctor/patients/{lin.id}{path}", 403)
        # Whoever was let in once is told why not any more; nobody else learns that there is a lin.
        assert told["rule"] == "withdrawn"
        asked(here, other, f"/v1/doctor/patients/{lin.id}{path}", 404)
    assert faults(here) == []


def test_keys_are_renewed_and_wrapped_anew_under_suite_two(here: Town, clock: MovingClock) -> None:
    lin, zhou = signed(here)
    house = here.house
    for body, internal in ((DataClass.BODY, False), (None, True)):
        assert renewal.begin(house, None, body, internal=internal, now=clock()) > 0
    clock.advance(timedelta(hours=1))
    *_, last = renewal.reseal(house, now=clock())
    assert last.sealed > 0
    *_, wrapped = rewrap.run(house)
    assert (wrapped.left, len(wrapped.broken)) == (0, 0)
    kept = stored(here)
    heads = [read_header(value) for values in kept.values() for value in values]
    assert {one.suite for one in heads} == {SUITE}
    # Of the records one class was renewed of two.
    assert {read_header(one).epoch for one in kept["record_parts.sealed"]} == {1, 2}
    assert {read_header(one).epoch for one in kept["grants.sealed_body"]} == {2}
    assert {read_header(one).epoch for one in kept["prompt_now.sealed"]} == {2}
    lin, zhou = here.sign_in("lin"), here.strong(zhou)
    (seen,) = asked(here, lin, "/v1/me/records?measure=systolic_bp")["items"]
    assert seen["values"]["systolic_bp"] == 142
    assert asked(here, zhou, f"/v1/doctor/patients/{lin.id}/records")["items"]
    assert faults(here) == []


def test_what_is_not_of_the_suite_is_what_the_service_keeps_for_itself(here: Town) -> None:
    """Only what residents' keys seal is of the suite (ADR 8); the rest is the same in every house.

    Sealed by keys of the service: contributions, their grounds, tallies and marks of days, under
    AES-256-GCM. Digests of the access log are SHA-256, and what is signed is signed by Ed25519.
    """
    lin, zhou = signed(here)
    house = here.house
    ok(here.doors.post("/v1/me/grants", json=grant(), headers=lin.headers), 201)
    contribute(house, now=house.clock())
    asked(here, zhou, f"/v1/doctor/patients/{lin.id}")
    day = city_day(house.clock())
    assert reconcile(house, day).sound
    with speaking_for("chores"):
        assert house.db.write(lambda conn: tallies.begin(conn, day, now=house.clock()))
        house.db.write(lambda conn: tallies.end(conn, house.system, day))
    elsewhere = {name: bytes_of(here, name) for name in KEYED_ELSEWHERE}
    assert all(elsewhere.values()), elsewhere
    heads = {value[:2] for values in elsewhere.values() for value in values}
    assert heads == {bytes([FORMAT, OF_THE_SERVICE])}

    assert checkpoint.make(house, now=house.clock()) is not None
    assert checkpoint.prove(house) is None
    with here.beneath.connect() as conn:
        one = conn.execute(select(access_log).order_by(access_log.c.leaf)).all()[-1]
        head = conn.execute(
            select(access_heads.c.hash).where(access_heads.c.resident_id == one.resident_id)
        ).scalar_one()
    assert bytes(head) == bytes(one.hash)
    (kept,) = [one for one in asked(here, lin, "/v1/me/grants")["items"] if is_care(one)]
    assert genuine(here, asked(here, lin, f"/v1/me/grants/{kept['id']}/receipt")["receipt"])
    release = publish_now(house, AS_OF)["release_id"]
    packed = here.house.settings.data / "release.zip"
    packed.write_bytes(house.db.read(lambda conn: bundles.pack(conn, release)))
    # The verifier that is not ours knows Ed25519 and SHA-256 and nothing else; it raises.
    run_path(str(VERIFIER))["verify"](bundles.read(packed))


def is_care(given: dict[str, Any]) -> bool:
    return given["purposes"] == ["care"]


def bytes_of(here: Town, name: str) -> list[bytes]:
    table, column = name.split(".")
    found = select(type_coerce(metadata.tables[table].c[column], LargeBinary))
    with here.beneath.connect() as conn:
        return [bytes(row) for row in conn.execute(found).scalars() if row]


def genuine(here: Town, token: str) -> bool:
    """A JWS that the published keys verify, by EdDSA."""
    head = jwt.get_unverified_header(token)
    keys = {one["kid"]: one for one in ok(here.doors.get("/.well-known/jwks.json"))["keys"]}
    key = jwt.PyJWK(keys[head["kid"]])
    jwt.api_jws.decode_complete(token, key, algorithms=["EdDSA"])
    return bool(head["alg"] == "EdDSA")


def signed(here: Town) -> tuple[Person, Person]:
    """Somebody with records, a series and a contract, and their doctor."""
    lin, zhou = here.resident(), here.doctor()
    records = [pressure(142), observation({"hba1c": 5.4})]
    ok(here.doors.post("/v1/me/records", json={"records": records}, headers=lin.headers))
    ok(here.doors.post("/v1/me/series", json={"series": [SAMPLES]}, headers=lin.headers))
    asked(here, lin, "/v1/me/prompt")
    wish = {"doctor_id": zhou.id, "package": "basic", "data_classes": ["body", "screening"]}
    ok(here.doors.post("/v1/me/contract", json=wish, headers=lin.headers), 201)
    return lin, zhou
