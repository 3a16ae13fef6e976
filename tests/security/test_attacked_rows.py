"""Somebody who can write to the data store moves, re-dates, flips and rolls back ciphertexts.

Each attack fails closed on the ordinary way of reading (problem `integrity`, nobody else touched,
an alert in the log and in a metric), and `kangma db verify` names the row and nothing else.
"""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import structlog
from sqlalchemy import select

from service.contributions.tables import contributions
from service.domain.anonymity import specification
from service.records.tables import record_parts, series_days
from service.residents.tables import resident_state
from service.upkeep import columns
from service.upkeep.columns import COLUMNS
from tests.attacked_rows_room import (
    WAYS,
    Attack,
    Change,
    Target,
    attacked,
    expect,
    look,
    rows_of,
    target,
)
from tests.record_room import observation, pressure

HEADER, NONCE, TEXT, TAG = 3, 15, 30, -1


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def here(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    with target(tmp_path_factory.mktemp("attacked"), request.param) as opened:
        yield opened


def flip(at: int) -> Change:
    def change(on: Attack) -> None:
        data = bytearray(on.bytes_of(on.mine[0]))
        data[at] ^= 0x10
        on.seal(on.mine[0], bytes(data))

    return change


def test_nothing_is_found_where_nothing_was_done(here: Target) -> None:
    assert look(here) == ()


@pytest.mark.parametrize("table", [*WAYS, "panel_cards"])
def test_a_flipped_bit_of_every_part_is_noticed_in_every_table(here: Target, table: str) -> None:
    with attacked(here, table, flip(TEXT)) as row:
        expect(here, table, row)
    for at in (HEADER, NONCE, TAG):
        with attacked(here, table, flip(at)) as row:
            assert [one.table for one in look(here)] == [table]


@pytest.mark.parametrize("suite", [0, 2, 3])
def test_a_flipped_suite_is_noticed(here: Target, suite: int) -> None:
    def change(on: Attack) -> None:
        data = on.bytes_of(on.mine[0])
        on.seal(on.mine[0], data[:1] + bytes([suite]) + data[2:])

    with attacked(here, "record_parts", change) as row:
        expect(here, "record_parts", row)


@pytest.mark.parametrize("table", [name for name in WAYS if name not in ("contracts", "residents")])
def test_two_swapped_rows_of_one_person_are_both_named(here: Target, table: str) -> None:
    def change(on: Attack) -> None:
        one, two = on.mine[0], on.mine[1]
        on.seal(one, on.bytes_of(two))
        on.seal(two, on.bytes_of(one))

    column = next(one for one in COLUMNS if one.table.name == table)
    with here.town.beneath.connect() as conn:
        if len(rows_of(conn, column, UUID(here.resident.id))) < 2:
            pytest.skip("there is one row of it a person, so there is nothing to swap it with")
    with attacked(here, table, change) as row:
        expect(here, table, row, more=1)


@pytest.mark.parametrize("table", [*WAYS, "panel_cards"])
def test_the_row_of_another_person_does_not_open(here: Target, table: str) -> None:
    with attacked(here, table, lambda on: on.seal(on.mine[0], on.bytes_of(on.others[0]))) as row:
        expect(here, table, row)


def test_the_ciphertext_of_another_table_does_not_open(here: Target) -> None:
    """Same person, same class, same revision: the table alone differs."""
    with here.town.beneath.connect() as conn:
        frame = rows_of(conn, columns.COLUMNS[3], UUID(here.resident.id))[0]
    with attacked(here, "record_parts", lambda on: on.seal(on.mine[0], bytes(frame.sealed))) as row:
        expect(here, "record_parts", row)


@pytest.mark.parametrize("table", ["record_parts", "series_days"])
def test_another_day_is_noticed(here: Target, table: str) -> None:
    """A record from last week must not pass as today's."""

    def change(on: Attack) -> None:
        row = on.mine[0]
        on.put(row, day=row.day + 40)

    with attacked(here, table, change) as row:
        moved = {"day": str(row.day + 40)} if table == "series_days" else {}
        found = look(here)
        assert [(one.table, one.fault) for one in found] == [(table, "broken")]
        assert moved.items() <= found[0].key.items()
        answer = here.town.doors.get(WAYS[table], headers=here.resident.headers)
        assert answer.json()["code"] == "integrity"


def test_another_class_is_noticed(here: Target) -> None:
    def change(on: Attack) -> None:
        tags = {bytes(row.class_tag) for row in on.mine}
        keys = [bytes(row.record_key) for row in on.mine]
        row = next(row for row in on.mine if keys.count(bytes(row.record_key)) == 1)
        on.put(row, class_tag=next(tag for tag in tags if tag != bytes(row.class_tag)))

    with attacked(here, "record_parts", change):
        assert [(one.table, one.fault) for one in look(here)] == [("record_parts", "broken")]


@pytest.mark.parametrize(
    ("table", "clear"),
    [
        ("grants", {"status": "withdrawn"}),
        ("grants", {"grantee_id": "statistics"}),
        ("contracts", {"practitioner_id": UUID(int=7)}),
    ],
)
def test_a_column_in_the_clear_that_is_not_what_is_sealed_is_noticed(
    here: Target, table: str, clear: dict[str, Any]
) -> None:
    with attacked(here, table, lambda on: on.put(on.mine[0], **clear)) as row:
        expect(here, table, row)


def test_a_contract_that_is_put_in_force_again_is_noticed(here: Target) -> None:
    """Its resident ended it, and so the doctor is on their panel no more."""
    doors, mei = here.town.doors, here.other
    ended = doors.delete("/v1/me/contract", headers=mei.headers)
    assert ended.status_code == 200, ended.text
    try:
        assert look(here) == ()
        with attacked(here, "contracts", lambda on: on.put(on.others[0], active=True)):
            (fault,) = look(here)
            assert (fault.table, fault.fault) == ("contracts", "broken")
            assert fault.key["resident_id"] == mei.id
            answer = doors.get("/v1/me/contract", headers=mei.headers)
            assert (answer.status_code, answer.json()["code"]) == (500, "integrity")
    finally:
        wish = {"doctor_id": here.doctor.id, "package": "basic", "data_classes": ["body"]}
        assert doors.post("/v1/me/contract", json=wish, headers=mei.headers).status_code == 201


@pytest.mark.parametrize("table", ["emergency_sessions", "consent_requests"])
def test_what_was_closed_and_is_open_again_is_noticed(here: Target, table: str) -> None:
    doors, town, lin = here.town.doors, here.town, here.resident
    headers = town.strong(here.doctor).headers
    patient = f"/v1/doctor/patients/{lin.id}"
    if table == "emergency_sessions":
        why = {"reason": "found unconscious by the road"}
        assert doors.post(f"{patient}/emergency", json=why, headers=headers).status_code == 201
        assert doors.delete(f"{patient}/emergency", headers=headers).status_code == 200
    else:
        wish = {"data_classes": ["lifestyle"]}
        asked = doors.post(f"{patient}/requests", json=wish, headers=headers).json()["request_id"]
        refuse = f"/v1/me/requests/{asked}/refuse"
        assert doors.post(refuse, headers=lin.headers).status_code == 200
    flag = "open" if table == "emergency_sessions" else "pending"
    with attacked(here, table, lambda on: on.put(on.mine[0], **{flag: True})) as row:
        expect(here, table, row)


def test_an_older_text_in_a_newer_row_is_noticed(here: Target) -> None:
    """The ciphertext as it was before an amendment, the revision as it is after it."""
    doors, lin = here.town.doors, here.resident
    record = pressure(150)
    doors.post("/v1/me/records", json={"records": [record]}, headers=lin.headers)
    with here.town.beneath.connect() as conn:
        newest = record_parts.c.rev.desc()
        old = conn.execute(select(record_parts).order_by(newest)).first()
    assert old is not None
    record["values"]["systolic_bp"] = 120  # type: ignore[index]
    doors.post("/v1/me/records", json={"records": [record]}, headers=lin.headers)

    def change(on: Attack) -> None:
        row = next(row for row in on.mine if row.record_key == old.record_key)
        on.seal(row, bytes(old.sealed))

    with attacked(here, "record_parts", change):
        answer = doors.get("/v1/me/records", headers=lin.headers)
        assert answer.json()["code"] == "integrity"
        (fault,) = look(here)
        assert (fault.key["record_key"], fault.fault) == (bytes(old.record_key).hex(), "broken")


def test_one_part_of_a_record_rolled_back_whole_is_torn(here: Target) -> None:
    """Row and revision together: it opens, and its neighbours of the same record give it away."""
    doors, lin = here.town.doors, here.resident
    record = observation({"systolic_bp": 150, "hba1c": 6.1})
    doors.post("/v1/me/records", json={"records": [record]}, headers=lin.headers)
    with here.town.beneath.connect() as conn:
        rows = conn.execute(select(record_parts).order_by(record_parts.c.rev.desc())).all()
    old = rows[0]
    record["values"]["hba1c"] = 5.0
    doors.post("/v1/me/records", json={"records": [record]}, headers=lin.headers)

    def change(on: Attack) -> None:
        row = next(
            row
            for row in on.mine
            if (row.record_key, row.class_tag) == (old.record_key, old.class_tag)
        )
        on.put(row, rev=old.rev, sealed=bytes(old.sealed), day=old.day)

    with attacked(here, "record_parts", change):
        assert {one.fault for one in look(here)} == {"torn"}


def test_a_counter_that_was_put_back_is_noticed(here: Target) -> None:
    writing = here.town.beneath.execution_options(kangma_writes=True)
    mine = resident_state.c.resident_id == UUID(here.resident.id)
    with writing.begin() as conn:
        now = conn.execute(select(resident_state.c.rev).where(mine)).scalar_one()
        conn.execute(resident_state.update().where(mine).values(rev=1))
    try:
        assert {one.fault for one in look(here)} == {"ahead"}
    finally:
        with writing.begin() as conn:
            conn.execute(resident_state.update().where(mine).values(rev=now))


def test_a_frame_taken_out_of_a_day_is_noticed(here: Target) -> None:
    """How many frames a day has is sealed with each of them."""

    def change(on: Attack) -> None:
        row = dict(on.mine[0]._mapping) | {"frame_no": 1}
        on.conn.execute(series_days.insert().values(row))

    with attacked(here, "series_days", change):
        assert [one.fault for one in look(here)] == ["broken", "broken"]


def test_a_row_that_belongs_to_nobody_is_named(here: Target) -> None:
    def change(on: Attack) -> None:
        on.put(on.mine[0], resident_id=UUID(int=7))

    with attacked(here, "record_parts", change):
        (fault,) = look(here)
        assert (fault.fault, fault.key["resident_id"]) == ("no-owner", str(UUID(int=7)))


def test_a_swapped_contribution_is_named(here: Target) -> None:
    writing = here.town.beneath.execution_options(kangma_writes=True)
    with writing.begin() as conn:
        schema = specification.current().contribution_schema.to_bytes(2, "big")
        forged = {"pseudonym": b"p" * 16, "sealed": b"\1\1" + bytes(7) + schema + bytes(93)}
        conn.execute(contributions.insert().values(forged))
    try:
        (fault,) = look(here)
        assert (fault.table, fault.key) == ("contributions", {"pseudonym": (b"p" * 16).hex()})
    finally:
        with writing.begin() as conn:
            conn.execute(contributions.delete())


def test_the_verification_shows_and_logs_no_value(here: Target) -> None:
    with attacked(here, "record_parts", flip(TEXT)), structlog.testing.capture_logs() as lines:
        found = look(here)
    # How many were opened may by chance be the number of a value.
    told = f"{found} {[{k: v for k, v in line.items() if k != 'opened'} for line in lines]}"
    # Ids in hexadecimal may hold the digits of a value inside longer words.
    words = set(re.findall(r"\w+", told))
    assert words.isdisjoint({"141", "119", "71", "hba1c", "systolic_bp", "林梅"})
    # That it went from resident to resident is a line of its own, with the reason.
    own = [line for line in lines if line["event"] != "crossing"]
    assert [line["event"] for line in own] == [
        "data store verification begun",
        "data store verified",
    ]
    assert {key for line in own for key in line} == {"event", "log_level", "opened", "faults"}
