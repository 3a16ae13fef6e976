"""From 7 to 17 years: the daily hour, sight and teeth, and no judgement without a bound."""

from datetime import timedelta
from typing import Any

import pytest

from service.domain.care import asked
from service.domain.care.sources import Unsourced
from service.domain.care.youth import NAMES, parsed, youth
from tests.unit.care.room import TODAY, born, done, somebody


def entries(**values: Any) -> dict[str, dict[str, Any]]:
    who = somebody(born(12), deeds=(done(TODAY, **values),))
    return {one["item"]: one for one in youth(who)}


@pytest.mark.parametrize(
    ("years", "days", "lines"), [(7, -1, 0), (7, 0, 3), (18, -1, 3), (18, 0, 0)]
)
def test_they_are_shown_from_the_seventh_birthday_to_the_eighteenth(
    years: int, days: int, lines: int
) -> None:
    who = somebody(born(years, days=days))
    assert len(youth(who)) == lines
    wanted = {name for one in asked.wanted(who) for name in one.names}
    assert ("school_sport_minutes" in wanted) is (lines > 0)


@pytest.mark.parametrize(("minutes", "met"), [(59, False), (60, True), (61, True)])
def test_an_hour_is_sixty_minutes(minutes: int, met: bool) -> None:
    hour = entries(school_sport_minutes=minutes)["daily_hour"]
    assert (hour["at_least"], hour["met"]) == (60, met)
    assert hour["values"] == [
        {
            "measure": "school_sport_minutes",
            "value": minutes,
            "unit": "min/d",
            "day": TODAY.isoformat(),
        }
    ]
    assert "健康湘潭2030" in hour["source"]


@pytest.mark.parametrize(("teeth", "met"), [(0, True), (1, False)])
def test_one_tooth_is_caries(teeth: int, met: bool) -> None:
    assert entries(caries_dmft=teeth)["teeth"]["met"] is met


def test_sight_is_shown_and_not_judged() -> None:
    sight = entries(visual_acuity_right=4.6, refraction_sphere_right=-2.5)["sight"]
    assert [one["value"] for one in sight["values"]] == [4.6, -2.5]
    assert (sight["at_least"], sight["at_most"], sight["met"]) == (None, None, None)
    assert sight["caveat"]["zh"]


def test_the_newest_value_up_to_today_speaks() -> None:
    who = somebody(
        born(12),
        deeds=(
            done(TODAY + timedelta(days=1), school_sport_minutes=0),
            done(TODAY - timedelta(days=2), school_sport_minutes=70),
            done(TODAY - timedelta(days=3), school_sport_minutes=10),
        ),
    )
    (hour,) = (one for one in youth(who) if one["item"] == "daily_hour")
    assert (hour["values"][0]["value"], hour["met"]) == (70, True)
    assert all(one["met"] is None for one in youth(somebody(born(12))))


def test_an_entry_without_a_source_does_not_load() -> None:
    row = {"item": "x", "name": ["x", "x"], "measures": sorted(NAMES)}
    with pytest.raises(Unsourced):
        parsed(row)
