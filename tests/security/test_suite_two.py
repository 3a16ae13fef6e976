"""A service founded with suite 2 (SM4-GCM, SM3), by its doors: no row holds anything of suite 1."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import select, type_coerce
from sqlalchemy.types import LargeBinary

from service.kit.settings import Settings
from service.records.tables import record_parts
from service.upkeep.columns import COLUMNS
from service.upkeep.verify import verify
from tests.conftest import MovingClock
from tests.family_room import ok
from tests.house_room import Person, Town, town
from tests.record_room import observation, pressure
from tests.standing_room import settings as settings_of

FORMAT, SUITE = 1, 2


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
            found[str(one.column)] = [bytes(row) for row in rows if row]
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


def test_a_class_is_erased_under_suite_two(here: Town) -> None:
    lin = here.resident()
    records = [pressure(142), observation({"hba1c": 5.4})]
    here.doors.post("/v1/me/records", json={"records": records}, headers=lin.headers)
    receipt = here.doors.delete("/v1/me/data-classes/body", headers=lin.headers)
    assert receipt.status_code == 200, receipt.text
    values = [set(one["values"]) for one in asked(here, lin, "/v1/me/records")["items"]]
    assert values == [{"hba1c"}]
    assert faults(here) == []
