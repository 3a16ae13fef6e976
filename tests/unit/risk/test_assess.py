"""The rules of an assessment, one by one."""

from datetime import date, timedelta
from typing import Any

import pytest

from service.domain.anonymity import specification
from service.domain.risk.assess import Assessment, assess, assess_level, what_if
from service.domain.risk.categories import CATEGORIES, UNKNOWN
from service.domain.risk.person import Person, Reading
from tests.unit.risk.people import NOW, Readings

HYPERTENSION = frozenset({"hypertension"})
DIABETES = frozenset({"diabetes_type_2"})


def born(years: int, sex: str = "male", **more: Any) -> Person:
    return Person(sex, date(NOW.year - years, 1, 1), north=True, urban=True, **more)


def told(days: float = 3, **values: float | str) -> Readings:
    """Every value once, and a blood pressure twice, as it is to be taken."""
    at = NOW - timedelta(days=days)
    return {
        code: [Reading(v, at), Reading(v, at - timedelta(minutes=1))][: 2 if "_bp" in code else 1]
        for code, v in values.items()
    }


def pressures(*pairs: tuple[float, float, float]) -> Readings:
    """(days ago, systolic, diastolic), newest first."""
    at = [NOW - timedelta(days=days) for days, _, _ in pairs]
    return {
        "systolic_bp": [Reading(s, t) for (_, s, _), t in zip(pairs, at, strict=True)],
        "diastolic_bp": [Reading(d, t) for (_, _, d), t in zip(pairs, at, strict=True)],
    }


def factor(assessment: Assessment, name: str) -> dict[str, Any]:
    return next(f for f in assessment.as_prompt()["factors"] if f["factor"] == name)


def test_pressure_is_the_mean_of_three_pairs_of_one_week() -> None:
    found = pressures((1, 150, 90), (2, 140, 84), (6, 136, 87), (7, 200, 100), (30, 90, 60))
    inputs = factor(assess(born(50), found, NOW), "blood_pressure")["inputs"]
    assert inputs == {"systolic_bp": 142, "diastolic_bp": 87}
    # One of a week is no mean: the one before it is taken with it, however long ago while fresh.
    later = pressures((1, 150, 90), (9, 120, 70), (10, 90, 60))
    inputs = factor(assess(born(50), later, NOW), "blood_pressure")["inputs"]
    assert inputs == {"systolic_bp": 135, "diastolic_bp": 80}


def test_a_single_reading_says_to_measure_again_and_makes_no_level() -> None:
    single = assess(born(50), pressures((1, 168, 98)), NOW)
    assert (single.level, single.urgent) == (None, None)
    assert single.missing[:2] == ("systolic_bp", "diastolic_bp")
    assert single.categories()["bp"] == UNKNOWN
    assert not [one for one in single.models if one["model"] == "china_par_10y"]
    shown = factor(single, "blood_pressure")
    assert (shown["index"], shown["level"]) == (None, None)
    assert shown["inputs"] == {"systolic_bp": 168, "diastolic_bp": 98}
    assert "仅一次读数" in shown["why"]["zh"]
    assert [one["id"] for one in single.actions] == ["repeat-single-pressure"]
    assert assess(born(50), pressures((1, 138, 88)), NOW).actions == ()
    twice = assess(born(50), pressures((0.5, 166, 96), (1, 168, 98)), NOW)
    assert twice.level is not None
    assert twice.level >= 3
    assert factor(twice, "blood_pressure")["inputs"] == {"systolic_bp": 167, "diastolic_bp": 97}


def test_a_single_reading_leaves_a_low_level_provisional_and_diagnoses_nothing() -> None:
    rest = told(smoking_status="never", glucose_fasting=5.0, waist_circumference=80, ldl_c=2.5)
    high = {**rest, **pressures((1, 178, 108))}
    alone, with_it = assess(born(50), rest, NOW), assess(born(50), high, NOW)
    assert (with_it.level, with_it.provisional) == (alone.level, True)
    assert with_it.index == alone.index
    assert "cn_stroke_8_2" not in {model["model"] for model in with_it.models}


def test_what_a_practitioner_measured_counts_alone() -> None:
    found = {
        "systolic_bp": [Reading(168, NOW, True), Reading(110, NOW - timedelta(days=40))],
        "diastolic_bp": [Reading(98, NOW, True), Reading(70, NOW - timedelta(days=40))],
    }
    inputs = factor(assess(born(50), found, NOW), "blood_pressure")["inputs"]
    assert inputs == {"systolic_bp": 168, "diastolic_bp": 98}


def test_a_single_alarming_reading_warns_at_once_and_shows_the_way_out() -> None:
    alarm = assess(born(50), pressures((0.1, 186, 104)), NOW)
    assert (alarm.level, alarm.causes) == (5, ("blood_pressure",))
    assert alarm.urgent is not None
    (way,) = alarm.path[-1:]
    assert {change["measure"]: change["from"] for change in way["changes"]} == {
        "systolic_bp": 186,
        "diastolic_bp": 104,
    }
    values = {change["measure"]: change["to"] for change in way["changes"]}
    after = what_if(born(50), pressures((0.1, 186, 104)), values, NOW)
    assert after.level is not None
    assert after.level <= way["to_level"]


def test_systolic_and_diastolic_of_different_instants_are_no_pair() -> None:
    found = {
        "systolic_bp": [
            Reading(v, NOW - timedelta(days=d)) for d, v in ((0, 150), (1, 130), (2, 120))
        ],
        "diastolic_bp": [Reading(80, NOW - timedelta(days=d)) for d in (1, 2)],
    }
    inputs = factor(assess(born(50), found, NOW), "blood_pressure")["inputs"]
    assert inputs == {"systolic_bp": 125, "diastolic_bp": 80}


def test_stale_readings_count_as_missing() -> None:
    fresh, stale = (
        told(364, systolic_bp=118, diastolic_bp=76),
        told(366, systolic_bp=118, diastolic_bp=76),
    )
    assert assess(born(50), fresh, NOW).level == 1
    assessment = assess(born(50), stale, NOW)
    assert assessment.level is None
    assert "systolic_bp" in assessment.missing
    assert assess(born(50), told(729, glucose_fasting=5.0), NOW).level == 1
    assert assess(born(50), told(731, glucose_fasting=5.0), NOW).level is None


def test_reading_of_the_future_is_not_there() -> None:
    assert assess(born(50), told(-1, systolic_bp=190, diastolic_bp=80), NOW).level is None


def test_low_level_is_provisional_until_the_key_facts_are_known() -> None:
    some = assess(born(50), told(systolic_bp=118, diastolic_bp=76), NOW)
    assert (some.level, some.provisional) == (1, True)
    assert some.missing[0] == "smoking_status"
    full = told(
        systolic_bp=118,
        diastolic_bp=76,
        smoking_status="never",
        glucose_fasting=5.0,
        waist_circumference=80,
    )
    assert assess(born(50), full, NOW).provisional is False


@pytest.mark.parametrize(
    ("values", "reading"),
    [
        ({"systolic_bp": 180, "diastolic_bp": 80}, "blood_pressure"),
        ({"systolic_bp": 150, "diastolic_bp": 110}, "blood_pressure"),
        ({"glucose_random": 16.7}, "glucose_high"),
        ({"glucose_capillary": 3.9}, "glucose_low"),
    ],
)
def test_alarming_reading_is_level_5_and_says_what_to_do(
    values: dict[str, float], reading: str
) -> None:
    assessment = assess(born(50), told(**values), NOW)
    assert assessment.level == 5
    assert assessment.urgent is not None
    assert assessment.urgent["reading"] == reading
    assert "120" in assessment.urgent["text"]["zh"]


@pytest.mark.parametrize(
    "values",
    [
        {"systolic_bp": 179, "diastolic_bp": 109},
        {"glucose_random": 16.6},
        {"glucose_capillary": 4.0},
    ],
)
def test_reading_short_of_the_alarm_is_not_urgent(values: dict[str, float]) -> None:
    assert assess(born(50), told(**values), NOW).urgent is None


def test_repeated_normal_reading_ends_an_alarm() -> None:
    alarm = pressures((0.5, 185, 100))
    assert assess(born(50), alarm, NOW).urgent is not None
    assert assess(born(50), pressures((0.1, 150, 90), (0.5, 185, 100)), NOW).urgent is None


def test_one_alarming_reading_is_not_averaged_away() -> None:
    found = pressures((0.1, 184, 90), (1, 120, 70), (2, 120, 70))
    assert assess(born(50), found, NOW).level == 5


def test_child_gets_no_adult_level_but_an_alarm_is_answered() -> None:
    assessment = assess(born(12), told(systolic_bp=118, glucose_capillary=3.0), NOW)
    assert assessment.level is None
    assert assessment.reason is not None
    assert "儿童" in assessment.reason.zh
    assert assessment.models == ()
    assert assessment.urgent is not None
    assert set(assessment.categories().values()) == {UNKNOWN}
    assert assess_level(born(17), told(systolic_bp=190), NOW).level is None


ORDINARY = told(
    systolic_bp=146,
    diastolic_bp=88,
    total_cholesterol=5.4,
    hdl_c=1.3,
    ldl_c=3.2,
    waist_circumference=88,
    body_weight=72,
    body_height=160,
    smoking_status="every day",
    glucose_fasting=5.0,
)


def test_pregnancy_runs_no_china_par_and_advises_no_weight_loss() -> None:
    woman = born(36, "female")
    before = assess(woman, ORDINARY, NOW)
    assert "china_par_10y" in {model["model"] for model in before.models}
    after = assess(woman, {**ORDINARY, **told(pregnancy_status="pregnant")}, NOW)
    assert after.life_stage == "pregnant"
    assert after.provisional
    models = {model["model"] for model in after.models}
    assert models.isdisjoint({"china_par_10y", "cn_lipid_2023", "ncdrs", "cn_stroke_8_2"})
    changed = {change["measure"] for way in after.path for change in way["changes"]}
    assert changed.isdisjoint({"body_weight", "waist_circumference", "ldl_c"})
    assert "weight" not in {action["id"] for action in after.actions}


def test_china_par_below_35_is_flagged_and_moves_nothing() -> None:
    young = assess(born(30), ORDINARY, NOW)
    entry = next(model for model in young.models if model["model"] == "china_par_10y")
    assert entry["valid"] is False
    assert assess(born(80), ORDINARY, NOW).level is not None


def test_ncdrs_alone_never_exceeds_level_2() -> None:
    found = told(
        body_weight=95, body_height=170, waist_circumference=104, systolic_bp=118, diastolic_bp=76
    )
    assessment = assess(born(66, family_history=frozenset({"diabetes"})), found, NOW)
    score = next(model for model in assessment.models if model["model"] == "ncdrs")
    assert score["value"] >= 25
    assert assessment.level == 2
    assert "ogtt" in {action["id"] for action in assessment.actions}


def test_hba1c_in_the_american_band_is_attention_not_prediabetes() -> None:
    assessment = assess(born(50), told(hba1c=6.0), NOW)
    assert assessment.level == 1
    assert "关注" in factor(assessment, "glucose")["why"]["zh"]


def test_underweight_is_not_scored() -> None:
    body = factor(assess(born(30), told(body_weight=45, body_height=170), NOW), "body")
    assert body["index"] is None
    assert "体重过轻" in body["why"]["zh"]


def test_control_relief_lowers_once_and_only_for_non_smokers() -> None:
    found = told(systolic_bp=132, diastolic_bp=84, smoking_status="never", bmi=23)
    person = born(50, conditions=HYPERTENSION | DIABETES)
    # 130-139 with diabetes prints 中/高危 (level 4); controlled and not smoking gives 3.
    calm = {**found, **told(hba1c=6.5)}
    assert assess(person, calm, NOW).level == 4  # lipids: diabetes from 40 stays high unmet
    met = {**calm, **told(ldl_c=1.7, total_cholesterol=3.6, hdl_c=1.2)}
    assert assess(person, met, NOW).level == 3
    smoking = {**met, **told(smoking_status="every day")}
    assert assess(person, smoking, NOW).level == 4


def test_prior_disease_is_level_5_and_4_with_every_target_met() -> None:
    person = born(60, conditions=frozenset({"coronary_heart_disease"}))
    assert assess(person, told(systolic_bp=120, diastolic_bp=70), NOW).level == 5
    met = told(systolic_bp=118, diastolic_bp=70, smoking_status="never", ldl_c=1.6, hba1c=5.4)
    assert assess(person, met, NOW).level == 4


def test_chronic_disease_is_never_green() -> None:
    found = told(systolic_bp=112, diastolic_bp=70, smoking_status="never", ldl_c=1.9, hdl_c=1.5)
    assert assess(born(38, conditions=HYPERTENSION), found, NOW).level == 2
    assert assess(born(38), found, NOW).level == 1


def test_single_low_egfr_moves_nothing_but_two_three_months_apart_do() -> None:
    once = {"egfr": [Reading(40, NOW)], **told(systolic_bp=118, diastolic_bp=76)}
    assert assess(born(50), once, NOW).level == 1
    twice = {**once, "egfr": [Reading(40, NOW), Reading(42, NOW - timedelta(days=91))]}
    assessment = assess(born(50), twice, NOW)
    assert assessment.level == 4
    assert "kidney" in assessment.causes


def test_male_waist_stays_frozen_inside_china_par() -> None:
    man = born(55)
    observed = _par(assess(man, ORDINARY, NOW))
    assert _par(what_if(man, ORDINARY, {"waist_circumference": 70}, NOW)) == observed
    # Really measured, the negative coefficient shows: the trap that what-if avoids.
    measured = {**ORDINARY, **told(waist_circumference=70)}
    assert _par(assess(man, measured, NOW)) > observed
    woman = born(55, "female")
    assert _par(what_if(woman, ORDINARY, {"waist_circumference": 70}, NOW)) < _par(
        assess(woman, ORDINARY, NOW)
    )


def _par(assessment: Assessment) -> float:
    entry = next(model for model in assessment.models if model["model"] == "china_par_10y")
    value = entry["value"]
    assert isinstance(value, float)
    return value


def test_half_a_pressure_in_what_if_keeps_the_other_half() -> None:
    after = what_if(born(50), ORDINARY, {"systolic_bp": 118}, NOW)
    assert factor(after, "blood_pressure")["inputs"] == {"systolic_bp": 118, "diastolic_bp": 88}


def test_advice_leaves_119_out_on_treatment_and_from_65() -> None:
    def goals(person: Person) -> set[float]:
        ways = assess(person, ORDINARY, NOW).path
        return {
            change["to"]
            for way in ways
            for change in way["changes"]
            if change["measure"] == "systolic_bp"
        }

    treated = born(55, conditions=HYPERTENSION, medications=frozenset({"antihypertensive"}))
    assert 119 not in goals(treated) | goals(born(66))


def test_causes_name_what_can_be_done() -> None:
    assessment = assess(born(55), ORDINARY, NOW)
    assert assessment.causes[0] == "blood_pressure"
    assert "smoking" in assessment.causes
    ids = [action["id"] for action in assessment.actions]
    assert "stop-smoking" in ids
    assert all(action["citation"] for action in assessment.actions)


def test_categories_are_those_of_the_city_specification() -> None:
    metrics = {m.key: m.categories for m in specification.current().metrics if m.key != "contract"}
    counted = {key: (*known, UNKNOWN) for key, known in CATEGORIES.items() if key in metrics}
    assert counted == {key: metrics[key] for key in counted}
    # These are judged for the prompt, and counted through control and follow-up instead.
    assert CATEGORIES.keys() - metrics.keys() == {"bp", "glucose"}


def test_reading_beyond_every_scale_is_not_there() -> None:
    assessment = assess(born(50), told(vigorous_activity_week=1e308, systolic_bp=118), NOW)
    assert assessment.level == 1
    assert "moderate_activity_week" in assessment.missing


@pytest.mark.parametrize(
    ("values", "item"),
    [
        ({"systolic_bp": 186, "diastolic_bp": 112}, "blood_pressure"),
        ({"glucose_capillary": 3.1}, "glucose_low"),
    ],
)
def test_an_alarm_is_no_row_of_the_level_once_a_clinician_entered_something(
    values: dict[str, float], item: str
) -> None:
    """Urgent rows expire after a clinician's entry (`stability` of the five-level mapping)."""
    alarm = told(0.5, **values)
    assert assess_level(born(50), alarm, NOW).alarm == 5
    for days, expected in ((0.6, 5), (0.4, None), (-1, 5)):
        entry = Reading("active", NOW - timedelta(days=days), clinical=True)
        found = {**alarm, "medication:antihypertensive": [entry]}
        assert assess_level(born(50), found, NOW).alarm == expected
        urgent = assess(born(50), found, NOW).urgent
        assert urgent is not None
        assert urgent["reading"] == item
    # What the clinician measured is an alarm itself.
    measured = {code: [Reading(v, NOW, clinical=True)] for code, v in values.items()}
    assert assess_level(born(50), measured, NOW).alarm == 5


def test_the_level_is_the_worse_of_what_lasts_and_of_an_alarm() -> None:
    found = {**pressures((1, 150, 90)), **told(glucose_capillary=3.2)}
    brief = assess_level(born(50), found, NOW)
    assert brief.alarm == 5
    assert brief.level == 5
    assert brief.lasting == assess_level(born(50), pressures((1, 150, 90)), NOW).level
