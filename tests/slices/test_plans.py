"""What a plan finds in the records: screenings that were done, goals, and nothing missed."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection

from consent.vocabulary import DataClass
from service.domain.care.checks import CHECKS
from service.domain.days import months_after
from service.kit.db import Database
from service.plans import actions as plans
from service.records import telling
from service.records.telling import Told
from service.residents.profile import Profile
from service.residents.store import Withdrawn, bump_consent
from tests.guarded_room import carrying
from tests.record_room import REGIONS, Home, observation

TODAY = date(2026, 11, 20)
WOMAN = Profile("林美", date(1970, 3, 9), "female", "330106")
MAN = Profile("王伟", date(1970, 3, 9), "male", "330106")
OLD = Profile("林奶奶", date(1950, 3, 9), "female", "330106")
SMOKES = observation({"smoking_status": "every day"}, "2026-10-01T08:00:00+08:00")
COPD = {"kind": "condition", "code": "copd", "start": "2020-01-01T08:00:00+08:00"}
LIGHT = observation({"body_weight": 40.0}, "2026-10-01T08:00:00+08:00")
HEPATITIS = {**COPD, "code": "chronic_hepatitis_b"}


@pytest.fixture
def home(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Home]:
    made = Home(database, keystore_url, tmp_path)
    yield made
    made.keystore.close()


def planned(home: Home, resident: UUID) -> dict[str, Any]:
    def job(conn: Connection) -> dict[str, Any]:
        permit = home.own(conn, resident)
        return plans.plan(conn, home.vault, permit, regions=REGIONS, now=home.now)

    return home.read(job)


def lines(found: dict[str, Any], part: str) -> dict[str, Any]:
    return {one["item"]: one for one in found[part]}


def on(day: date, **more: Any) -> dict[str, Any]:
    start = f"{day.isoformat()}T09:00:00+08:00"
    return {"kind": "observation", "start": start, "source": {"kind": "practitioner"}, **more}


SCREENINGS: dict[str, tuple[Profile, tuple[Any, ...], dict[str, Any]]] = {
    "colorectal_screening": (MAN, (SMOKES,), {"kind": "procedure", "code": "colonoscopy"}),
    "lung_screening": (MAN, (COPD,), {"kind": "procedure", "code": "low_dose_ct_chest"}),
    "cervical_hpv": (WOMAN, (), {"values": {"hpv_high_risk": "negative"}}),
    "breast_screening": (WOMAN, (), {"values": {"mammography": "1"}}),
    "bone_density": (WOMAN, (LIGHT,), {"values": {"dxa_t_hip": -1.2}}),
    "stroke_card": (
        WOMAN,
        (),
        {
            "values": {
                "systolic_bp": 120,
                "diastolic_bp": 76,
                "smoking_status": "never",
                "body_weight": 58,
                "ldl_c": 2.4,
                "hba1c": 5.2,
            }
        },
    ),
    "liver_cancer_risk": (
        WOMAN,
        (HEPATITIS,),
        {"values": {"bilirubin_total": 11, "albumin": 44, "platelets": 210}},
    ),
}
QUESTIONS: dict[str, tuple[Profile, tuple[Any, ...], dict[str, Any]]] = {
    "copd_questions": (MAN, (SMOKES,), {"values": {"fev1": 3.1}}),
    "lung_questions": (MAN, (SMOKES,), {"kind": "procedure", "code": "low_dose_ct_chest"}),
    "elder_falls": (OLD, (), {"values": {"falls_past_year": 0}}),
    "elder_cognition": (OLD, (), {"values": {"minicog_total": 5}}),
}
MONTHS = {check.item: max([check.months or 0, *check.longer.values()]) for check in CHECKS}


def test_every_screening_stands_here() -> None:
    assert SCREENINGS.keys() == {check.item for check in CHECKS if check.kind == "screening"}


@pytest.mark.parametrize("item", [*SCREENINGS, *QUESTIONS])
def test_a_screening_that_was_done_is_advised_when_its_interval_is_over(
    home: Home, item: str
) -> None:
    profile, before, deed = {**SCREENINGS, **QUESTIONS}[item]
    months, resident = MONTHS[item], home.resident(profile)
    home.log(resident, *before)
    assert item in lines(planned(home, resident), "due")
    # On the last day that it still counts, or where it does not come again, ten years ago.
    done = months_after(TODAY, -months) + timedelta(days=1) if months else date(2016, 3, 1)
    home.log(resident, on(done, **deed))
    found = planned(home, resident)
    assert item not in lines(found, "due")
    assert (item in lines(found, "later")) is bool(months)
    if months:
        home.now += timedelta(days=1)
        again = lines(planned(home, resident), "due")[item]
        assert (again["last"], again["overdue"]) == (done.isoformat(), True)


def test_what_is_looked_for_is_found_behind_thousands_of_other_records(home: Home) -> None:
    resident = home.resident(MAN)
    home.log(resident, SMOKES, on(date(2026, 1, 5), values={"fev1": 3.1}))
    begun = home.now - timedelta(hours=2)
    many = [
        observation({"uacr": 5 + n % 7}, (begun - timedelta(minutes=9 * n)).isoformat())
        for n in range(2200)
    ]
    for first in range(0, len(many), 550):
        home.log(resident, *many[first : first + 550], profile=MAN)
    assert "copd_questions" not in lines(planned(home, resident), "due")


def test_a_goal_begins_with_the_value_before_it_was_set(home: Home) -> None:
    resident = home.resident(WOMAN)
    weights = {date(2026, 2, 1): 70.0, date(2026, 5, 3): 68.0, date(2026, 11, 2): 64.0}
    home.log(resident, *[on(day, values={"body_weight": kg}) for day, kg in weights.items()])
    goal = {"kind": "goal", "code": "lower_weight", "values": {"body_weight": 60.0}}
    home.log(resident, on(date(2026, 5, 4), **goal))
    (line,) = (one for one in planned(home, resident)["goals"] if one["measure"] == "body_weight")
    assert (line["baseline"]["value"], line["latest"]["value"]) == (68.0, 64.0)
    # The wish itself is no value, and of one day the last counts.
    home.log(resident, on(date(2026, 11, 2), values={"body_weight": 63.5}, start=LATER))
    (line,) = (one for one in planned(home, resident)["goals"] if one["measure"] == "body_weight")
    assert line["latest"]["value"] == 63.5


LATER = "2026-11-02T20:00:00+08:00"


def told(home: Home, resident: UUID, names: set[str], since: date, **more: Any) -> list[list[Any]]:
    def job(conn: Connection) -> list[list[Any]]:
        permit = home.own(conn, resident)
        reader = Told(conn, home.vault, permit, DataClass.BODY)
        first = [day.records() for day in reader.days(names, since, **more)]
        # Asked once more, of what is opened already.
        assert first == [day.records() for day in reader.days(names, since, **more)]
        return [[one.values for one in day] for day in first]

    return home.read(job)


def test_records_come_newest_day_first_whatever_the_size_of_a_chunk(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident = home.resident()
    # Nine days of one to nine records, of which every other one names a weight.
    days = [TODAY - timedelta(days=3 * n) for n in range(9)]
    home.log(
        resident,
        *[
            observation(
                {("body_weight", "waist_circumference")[k % 2]: 60 + k}, f"{day}T0{k}:00:00Z"
            )
            for n, day in enumerate(days)
            for k in range(n + 1)
        ],
    )
    whole = told(home, resident, {"body_weight"}, days[-1])
    assert [len(one) for one in whole] == [1, 1, 2, 2, 3, 3, 4, 4, 5]
    assert whole[2] == [{"body_weight": 62}, {"body_weight": 60}]
    for chunk in (1, 2, 5, 20):
        monkeypatch.setattr(telling, "CHUNK", chunk)
        monkeypatch.setattr(telling, "MOST", chunk)
        assert told(home, resident, {"body_weight"}, days[-1]) == whole
        assert told(home, resident, {"body_weight"}, days[4]) == whole[:5]
        both = told(home, resident, {"body_weight", "waist_circumference"}, days[-1])
        assert [len(one) for one in both] == list(range(1, 10))
    assert told(home, resident, {"fev1"}, days[-1]) == []


def test_only_what_a_practice_says_is_read_where_that_is_asked(home: Home) -> None:
    resident = home.resident()
    mine, theirs = observation({"body_weight": 60}), on(TODAY, values={"body_weight": 61})
    home.log(resident, mine, theirs)
    found = told(home, resident, {"body_weight"}, TODAY, sources={"practitioner"})
    assert found == [[{"body_weight": 61}]]


def test_a_withdrawn_permit_reads_nothing(home: Home) -> None:
    resident = home.resident()
    permit = home.read(lambda conn: home.own(conn, resident))
    home.write(lambda conn: bump_consent(conn, resident))

    def look(conn: Connection) -> object:
        return list(Told(conn, home.vault, permit, DataClass.BODY).days({"bmi"}, TODAY))

    with pytest.raises(Withdrawn):
        home.read(carrying(permit, look))
