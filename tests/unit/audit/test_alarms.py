"""Which looks are unusual: each rule at its edges, and told once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consent.rules import SENTENCES
from service.watch.alarms import ALARMS, Before, Look, is_crossing, news, raised, usual

# Noon in the city.
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


def look(seq: int, at: datetime = NOON, **changes: Any) -> Look:
    made = Look(seq, at, "practitioner", "zhou", "allow", "signed-doctor")
    return made._replace(**changes)


def log(*looks: Look) -> Before:
    firsts: dict[str, int] = {}
    for one in looks:
        if one.decision == "allow":
            firsts.setdefault(one.actor_id, one.seq)
    return Before(firsts, looks)


def ids(one: Look, before: Before) -> list[str]:
    return [alarm.id for alarm in raised(one, before)]


def test_an_ordinary_look_raises_nothing() -> None:
    before = log(look(1), look(2))
    assert ids(before.looks[1], before) == []


def test_the_first_permitted_look_of_a_person_is_marked_and_no_later_one() -> None:
    before = log(look(1, decision="deny"), look(2), look(3), look(4, actor_id="li"))
    assert [ids(one, before) for one in before.looks] == [[], ["first-look"], [], ["first-look"]]


@pytest.mark.parametrize(
    ("hour", "minute", "marked"),
    [(22, 59, False), (23, 0, True), (0, 0, True), (4, 59, True), (5, 0, False), (12, 0, False)],
)
def test_the_night_is_that_of_the_city(hour: int, minute: int, marked: bool) -> None:
    at = datetime(2026, 11, 20, hour, minute, tzinfo=UTC) - timedelta(hours=8)
    before = log(look(1, at - timedelta(days=3)), look(2, at))
    assert ("at-night" in ids(before.looks[1], before)) is marked


def test_the_eleventh_look_of_a_person_in_a_day_is_marked() -> None:
    same = [look(n, NOON + timedelta(minutes=n)) for n in range(1, 12)]
    before = log(*same)
    assert ["many-looks" in ids(one, before) for one in same] == [False] * 10 + [True]
    # Another person's looks, refusals and those of yesterday do not count.
    mixed = [look(n, NOON - timedelta(days=1)) for n in range(1, 6)]
    mixed += [look(n, actor_id="li") for n in range(6, 12)]
    mixed += [look(n, decision="deny") for n in range(12, 20)]
    mixed += [look(n) for n in range(20, 30)]
    assert "many-looks" not in ids(mixed[-1], log(*mixed))


@pytest.mark.parametrize("rule", ["named-doctor", "clinic-grant", "role-grant"])
def test_somebody_other_than_the_signed_doctor_is_marked(rule: str) -> None:
    before = log(look(1), look(2, rule=rule))
    assert ids(before.looks[1], before) == ["not-the-signed-doctor"]


def test_an_emergency_is_marked() -> None:
    before = log(look(1), look(2, rule="break-glass"))
    assert ids(before.looks[1], before) == ["emergency"]


def test_the_third_refusal_within_an_hour_is_marked_whoever_tried() -> None:
    tries = [
        look(n, NOON + timedelta(minutes=step), decision="deny", actor_id=f"somebody {n}")
        for n, step in ((1, 0), (2, 30), (3, 60), (4, 121))
    ]
    before = log(*tries)
    assert [ids(one, before) for one in tries] == [[], [], ["refused-repeatedly"], []]


def test_each_alarm_is_told_once_a_day_and_person() -> None:
    night = datetime(2026, 11, 20, 17, tzinfo=UTC)
    looks = [look(1, night - timedelta(days=5))]
    looks += [look(n, night + timedelta(minutes=n)) for n in range(2, 6)]
    looks += [look(6, night + timedelta(minutes=9), actor_id="li")]
    looks += [look(7, night + timedelta(days=1))]
    before = log(*looks)
    told = [[alarm.id for alarm in news(one, before)] for one in looks[1:]]
    assert told == [["at-night"], [], [], [], ["first-look", "at-night"], ["at-night"]]


def test_what_needs_no_notice_is_not_told() -> None:
    before = log(look(1), look(2, rule="named-doctor"))
    assert news(before.looks[1], before) == []


def test_every_rule_that_an_alarm_names_exists() -> None:
    assert {"named-doctor", "clinic-grant", "role-grant", "break-glass"} <= set(SENTENCES)
    assert len({alarm.id for alarm in ALARMS}) == len(ALARMS) == 6
    assert all(alarm.text.zh and alarm.text.en for alarm in ALARMS)


def test_three_times_the_usual_number_of_patients_is_crossed_once() -> None:
    assert usual([]) == usual([500]) == 30
    assert usual([10, 10, 10]) == 30
    assert usual([40, 50, 60]) == 50
    past = [40, 50, 60]
    assert not is_crossing(149, 150, past)
    assert is_crossing(150, 151, past)
    assert is_crossing(20, 151, past)
    assert not is_crossing(151, 200, past)
