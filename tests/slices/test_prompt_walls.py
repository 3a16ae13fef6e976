"""Who opens a prompt, what its stored rows tell, and what a question stores."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from consent.vocabulary import DataClass
from service.domain.risk.stability import Steady
from service.keys.vault import PermitLacksClass
from service.kit.db import Database
from service.kit.errors import IntegrityBroken
from service.panel.patient import see
from service.prompts import actions, history
from service.prompts.tables import latest, prompt_now
from service.residents.store import Withdrawn, bump_consent
from tests.guarded_room import carrying
from tests.prompt_room import SLOT_BYTES, SLOTS, days_ago, moments, prompt, readings
from tests.record_room import PROFILE, REGIONS, Home, observation, pressure, pressures


@pytest.fixture
def home(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Home]:
    made = Home(database, keystore_url, tmp_path)
    yield made
    made.keystore.close()


def test_only_the_owner_opens_prompt_and_history(home: Home) -> None:
    resident = home.resident()
    home.log(resident, *pressures())
    prompt(home, resident)
    every = frozenset(DataClass)
    for look in (
        lambda conn, permit: actions.current(conn, home.vault, permit, now=home.now),
        lambda conn, permit: history.between(conn, home.vault, permit),
    ):

        def job(conn: Connection, look: Any = look) -> object:
            return look(conn, home.doctor(conn, resident, every))

        with pytest.raises(PermitLacksClass):
            home.read(job)


def test_a_withdrawn_permit_reads_no_prompt(home: Home) -> None:
    resident = home.resident()
    permit = home.read(lambda conn: home.own(conn, resident))
    home.write(lambda conn: bump_consent(conn, resident))
    for look in (
        lambda conn: actions.current(conn, home.vault, permit, now=home.now),
        lambda conn: history.between(conn, home.vault, permit),
        lambda conn: actions.readings(conn, home.vault, permit, regions=REGIONS, profile=PROFILE),
    ):
        with pytest.raises(Withdrawn):
            home.read(carrying(permit, look))


def test_rows_of_the_ill_and_of_the_unmeasured_look_alike(home: Home) -> None:
    quiet, ill = home.resident(), home.resident()
    home.log(
        ill,
        *[pressure(190, 120, days_ago(home, n)) for n in range(20)],
        {"kind": "condition", "code": "stroke", "start": days_ago(home, 9)},
        observation({"pregnancy_status": "not_pregnant", "glucose_fasting": 17, "hba1c": 9}),
    )
    rows = home.read(lambda conn: conn.execute(select(latest.c.resident_id, latest.c.sealed)).all())
    for resident in (quiet, ill):
        assert [len(bytes(row.sealed)) for row in rows if row.resident_id == resident] == [
            SLOT_BYTES
        ] * SLOTS
        prompt(home, resident)
    whole = home.read(lambda conn: conn.execute(select(prompt_now.c.sealed)).scalars().all())
    assert len({len(bytes(row)) for row in whole}) == 1


def test_a_doctor_without_infections_learns_of_no_hepatitis_through_the_liver(home: Home) -> None:
    resident = home.resident()
    home.log(
        resident,
        *pressures(118, 76, days_ago(home, 2)),
        {"kind": "condition", "code": "chronic_hepatitis_b", "start": days_ago(home, 300)},
        observation({"alt": 64, "ast": 80, "platelets": 100, "albumin": 36, "bilirubin_total": 30}),
    )
    seldom = {DataClass.PROFILE, DataClass.BODY, DataClass.SCREENING, DataClass.CONDITIONS}

    def sight(classes: set[DataClass]) -> dict[str, Any]:
        def job(conn: Connection) -> dict[str, Any]:
            permit = home.doctor(conn, resident, classes)
            return see(conn, home.vault, permit, regions=REGIONS, now=home.now).prompt(Steady())

        return home.read(job)

    own, blind, trusted = (
        prompt(home, resident),
        sight(seldom),
        sight(seldom | {DataClass.INFECTIOUS}),
    )
    for open_eyed in (own, trusted):
        assert {"amap_hcc", "fib4"} <= {model["model"] for model in open_eyed["models"]}
        assert open_eyed["causes"] == ["liver"]
        assert open_eyed["level"] == 4
    # The values of the blood are theirs to see, the illness that gives them a meaning is not.
    assert {"amap_hcc", "fib4"}.isdisjoint(model["model"] for model in blind["models"])
    assert blind["level"] == 1
    for word in ("liver", "hepatitis", "肝"):
        assert word not in json.dumps(blind, ensure_ascii=False)


def test_an_older_frame_put_back_does_not_open(home: Home) -> None:
    resident = home.resident()
    home.log(resident, pressure(178, 110))
    tag = home.vault.class_tag(resident, DataClass.BODY)
    mine = (latest.c.resident_id == resident, latest.c.class_tag == tag)
    old = home.read(lambda conn: conn.execute(select(latest.c.sealed).where(*mine)).scalar_one())
    home.log(resident, pressure(120, 78, days_ago(home, 0)))
    home.write(lambda conn: conn.execute(update(latest).where(*mine).values(sealed=old)))
    with pytest.raises(IntegrityBroken):
        readings(home, resident)


def test_what_if_stores_nothing(home: Home) -> None:
    resident = home.resident()
    home.log(resident, *pressures(172, 104))
    before = prompt(home, resident)

    def imagine(conn: Connection) -> bytes:
        permit = home.own(conn, resident)
        values = {"systolic_bp": 118, "diastolic_bp": 76}
        return actions.what_if(conn, home.vault, permit, values, regions=REGIONS, now=home.now)

    imagined = json.loads(home.write(imagine))
    assert imagined["level"] < before["level"]
    assert prompt(home, resident) == before
    assert len(moments(home, resident)) == 1


def test_applying_a_path_gives_what_it_promises(home: Home) -> None:
    resident = home.resident()
    home.log(
        resident,
        *pressures(152, 95),
        observation(
            {
                "total_cholesterol": 5.8,
                "hdl_c": 1.1,
                "ldl_c": 3.9,
                "waist_circumference": 88,
                "body_weight": 70,
                "body_height": 160,
                "glucose_fasting": 5.9,
                "smoking_status": "never",
            }
        ),
    )
    found = prompt(home, resident)
    assert found["path"]
    for step in found["path"]:
        values = {change["measure"]: change["to"] for change in step["changes"]}

        def imagine(conn: Connection, values: Any = values) -> bytes:
            return actions.what_if(
                conn,
                home.vault,
                home.own(conn, resident),
                values,
                regions=REGIONS,
                now=home.now,
            )

        assert json.loads(home.read(imagine))["level"] <= step["to_level"]
