"""What is a record, and what is said about everything else."""

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.vocabulary import DataClass
from service.domain.vocabulary.measures import MEASURES
from service.domain.vocabulary.records import Record, canonical_json, check, join, shape, split

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
BORN = date(1980, 5, 17)
ID = "0198f3c2-0000-7000-8000-000000000001"
READING = {
    "id": ID,
    "kind": "observation",
    "start": "2026-11-20T08:00:00+08:00",
    "end": None,
    "values": {"systolic_bp": 128, "diastolic_bp": 82},
    "units": {},
    "source": {"kind": "device", "name": "Omron J750"},
    "note": None,
    "rev": 7,
}


def judged(sex: str = "male", born: date = BORN, **changes: Any) -> Record | list[Any]:
    return check({**READING, **changes}, birth_date=born, sex=sex, now=NOW)


def faults(sex: str = "male", born: date = BORN, **changes: Any) -> set[tuple[str, str]]:
    found = judged(sex, born, **changes)
    assert isinstance(found, list), found
    return {(fault.pointer, fault.code) for fault in found}


def record(**changes: Any) -> Record:
    found = judged(**changes)
    assert isinstance(found, Record), found
    return found


def test_the_example_of_the_contract_is_a_record() -> None:
    found = record()
    assert found.id == UUID(ID)
    assert found.start == datetime(2026, 11, 20, tzinfo=UTC)
    assert found.values == {"diastolic_bp": 82, "systolic_bp": 128}
    assert shape(found)["start"] == "2026-11-20T00:00:00Z"


def test_values_are_converted_and_kept_fine_enough_for_borders() -> None:
    found = record(values={"glucose_fasting": 126}, units={"glucose_fasting": "mg/dL"})
    assert found.values["glucose_fasting"] == 6.993783


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"colour": "red"}, ("/colour", "unknown-field")),
        ({"id": "not-a-uuid"}, ("/id", "bad-id")),
        ({"id": 7}, ("/id", "bad-id")),
        ({"kind": None}, ("/kind", "required")),
        ({"kind": "horoscope"}, ("/kind", "unknown-kind")),
        ({"kind": ["observation"]}, ("/kind", "unknown-kind")),
        ({"start": None}, ("/start", "required")),
        ({"start": "2026-11-20T08:00:00"}, ("/start", "bad-time")),
        ({"start": "2026-11-20"}, ("/start", "bad-time")),
        ({"start": "2026-13-20T08:00:00Z"}, ("/start", "bad-time")),
        ({"start": "0001-01-01T00:00:00+14:00"}, ("/start", "bad-time")),
        ({"start": "9999-12-31T23:59:59-12:00"}, ("/start", "bad-time")),
        ({"start": 1763600000}, ("/start", "bad-time")),
        ({"start": "2026-11-22T04:06:00Z"}, ("/start", "future")),
        ({"start": "1980-05-16T15:59:59Z"}, ("/start", "before-birth")),
        ({"end": "2026-11-20T07:59:59+08:00"}, ("/end", "end-before-start")),
        ({"end": "2026-11-23T00:00:00Z"}, ("/end", "future")),
        ({"values": {}}, ("/values", "no-values")),
        ({"values": [1]}, ("/values", "wrong-type")),
        ({"values": {"aura": 1}}, ("/values/aura", "unknown-measure")),
        ({"values": {"a/b ~ 77": 1}}, ("/values", "unknown-measure")),
        ({"values": {"heart_rate": True}}, ("/values/heart_rate", "not-a-number")),
        ({"values": {"heart_rate": "72"}}, ("/values/heart_rate", "not-a-number")),
        ({"values": {"heart_rate": None}}, ("/values/heart_rate", "not-a-number")),
        ({"values": {"heart_rate": float("nan")}}, ("/values/heart_rate", "not-a-number")),
        ({"values": {"heart_rate": float("inf")}}, ("/values/heart_rate", "not-a-number")),
        ({"values": {"heart_rate": 10**400}}, ("/values/heart_rate", "not-a-number")),
        ({"values": {"heart_rate": 301}}, ("/values/heart_rate", "out-of-range")),
        (
            {"values": {"body_height": 1e308}, "units": {"body_height": "m"}},
            ("/values/body_height", "out-of-range"),
        ),
        ({"values": {"smoking_status": "sometimes"}}, ("/values/smoking_status", "unknown-option")),
        ({"values": {"smoking_status": 1}}, ("/values/smoking_status", "wrong-type")),
        ({"values": {"gestational_age": 20}}, ("/values/gestational_age", "wrong-sex")),
        ({"values": {"frail_total": 1}}, ("/values/frail_total", "wrong-age")),
        (
            {"values": {"systolic_bp": 80, "diastolic_bp": 80}},
            ("/values/systolic_bp", "pressure-order"),
        ),
        ({"units": {"body_weight": "kg"}}, ("/units/body_weight", "unit-without-value")),
        ({"units": {"systolic_bp": "cm"}}, ("/units/systolic_bp", "unknown-unit")),
        ({"units": {"systolic_bp": 3}}, ("/units/systolic_bp", "wrong-type")),
        ({"source": {"kind": "dream"}}, ("/source/kind", "unknown-source")),
        ({"source": {"name": "x"}}, ("/source/kind", "required")),
        ({"source": {"kind": "manual", "model": 1}}, ("/source/model", "unknown-field")),
        ({"note": "x" * 2001}, ("/note", "too-long")),
        ({"note": "a\x00b"}, ("/note", "bad-text")),
        ({"note": "a\ud800b"}, ("/note", "bad-text")),
        ({"note": 5}, ("/note", "wrong-type")),
        ({"code": "hypertension"}, ("/code", "not-allowed")),
        ({"status": "active"}, ("/status", "not-allowed")),
        ({"questionnaire": "phq9"}, ("/questionnaire", "not-allowed")),
        ({"kind": "condition"}, ("/code", "required")),
        ({"kind": "condition", "code": "bad luck"}, ("/code", "unknown-code")),
        ({"kind": "condition", "code": "stroke", "status": "gone"}, ("/status", "unknown-status")),
        ({"kind": "workout", "status": "active"}, ("/status", "not-allowed")),
        ({"kind": "questionnaire"}, ("/questionnaire", "required")),
        (
            {"kind": "questionnaire", "questionnaire": "tarot"},
            ("/questionnaire", "unknown-questionnaire"),
        ),
    ],
)  # fmt: skip
def test_a_fault_names_its_place(changes: dict[str, Any], fault: tuple[str, str]) -> None:
    assert fault in faults(**changes)


@pytest.mark.parametrize("raw", [None, [], "x", 3, True])
def test_anything_but_an_object_is_one_fault(raw: Any) -> None:
    found = check(raw, birth_date=BORN, sex="male", now=NOW)
    assert isinstance(found, list)
    assert [(fault.pointer, fault.code) for fault in found] == [("", "wrong-type")]


def test_all_faults_are_told_at_once() -> None:
    assert len(faults(kind="x", start="y", values={"aura": 1}, note=7)) == 4


def test_clocks_may_run_five_minutes_ahead() -> None:
    assert isinstance(judged(start="2026-11-22T04:05:00Z"), Record)


def test_birth_is_local_midnight() -> None:
    assert isinstance(judged(start="1980-05-16T16:00:00Z"), Record)


def test_age_counts_on_the_day_of_the_record() -> None:
    born = date(1961, 11, 21)
    before = {"start": "2021-11-20T08:00:00+08:00", "values": {"frail_total": 1}}
    assert ("/values/frail_total", "wrong-age") in faults(born=born, **before)
    assert isinstance(judged(born=born, **{**before, "start": "2021-11-21T08:00:00+08:00"}), Record)


def test_computed_measures_come_from_machines_and_clinics_only() -> None:
    by_hand = {"values": {"bmi": 23.5}, "source": {"kind": "manual"}}
    assert faults(**by_hand) == {("/values/bmi", "derived-measure")}
    assert isinstance(judged(values={"bmi": 23.5}), Record)
    assert isinstance(judged(values={"bmi": 23.5}, source={"kind": "practitioner"}), Record)


def test_a_single_value_of_a_series_is_welcome() -> None:
    assert record(values={"steps": 8000, "heart_rate": 72}).values["steps"] == 8000


def test_a_missing_id_is_made() -> None:
    fixed = UUID(int=5)
    raw = {**READING, "id": None}
    found = check(raw, birth_date=BORN, sex="male", now=NOW, new_id=lambda: fixed)
    assert isinstance(found, Record)
    assert found.id == fixed


def test_questionnaires_are_checked_item_by_item() -> None:
    answers = {f"phq9_{n}": 1 for n in range(1, 10)}
    base = {"kind": "questionnaire", "questionnaire": "phq9", "values": {}}
    assert isinstance(judged(**base, answers=answers), Record)
    assert faults(**base, answers={"phq9_1": 1}) == {("/answers", "incomplete")}
    assert faults(**base, answers={**answers, "phq9_1": 4}) == {("/answers/phq9_1", "bad-answer")}
    assert faults(**base, answers={**answers, "phq9_1": True}) == {
        ("/answers/phq9_1", "bad-answer")
    }
    assert ("/answers/mood", "unknown-item") in faults(**base, answers={**answers, "mood": 1})
    assert faults(**base) == {("/answers", "required")}


def test_a_total_alone_is_a_record_where_items_may_not_be_shown() -> None:
    base = {"kind": "questionnaire", "questionnaire": "mmse", "source": {"kind": "practitioner"}}
    assert isinstance(judged(**base, values={"mmse_total": 27}), Record)
    assert faults(**base, values={}) == {("/answers", "required")}


def test_a_goal_is_not_an_observation() -> None:
    goal = record(kind="goal", code="lower_weight", values={"body_weight": 62})
    assert goal.observed == {}
    assert goal.values == {"body_weight": 62}


CANARY = "canary-7731"


@given(
    st.dictionaries(
        st.sampled_from([*READING, "code", "status", "questionnaire", "answers", "extra"]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.just(CANARY) | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["systolic_bp", "kind", "x"]) | st.text(), inner)
            ),
            max_leaves=6,
        ),
    )
)
def test_any_json_is_a_record_or_faults_that_echo_nothing(raw: dict[str, Any]) -> None:
    found = check(raw, birth_date=BORN, sex="female", now=NOW)
    if isinstance(found, list):
        assert found
        assert CANARY not in repr([(f.code, f.detail) for f in found])


# Splitting and joining


def mixed() -> Record:
    return record(
        sex="female",
        kind="condition",
        code="hiv_infection",
        values={"body_weight": 61.5, "hba1c": 5.4, "systolic_bp": 120, "mood": 4},
        note="随访",
    )


def test_each_class_gets_its_own_values_and_nothing_else() -> None:
    parts = split(mixed())
    assert set(parts) == {
        DataClass.INFECTIOUS, DataClass.BODY, DataClass.SCREENING, DataClass.MENTAL,
    }  # fmt: skip
    assert parts[DataClass.BODY]["values"] == {"body_weight": 61.5, "systolic_bp": 120}
    for data_class, part in parts.items():
        assert ("code" in part) == (data_class is DataClass.INFECTIOUS)
        assert ("note" in part) == (data_class is DataClass.INFECTIOUS)


def test_joining_all_parts_gives_the_record_back_through_its_bytes() -> None:
    whole = mixed()
    parts = [json.loads(canonical_json(part)) for part in split(whole).values()]
    assert join(parts) == whole
    assert join(reversed(parts)) == whole
    assert join(split(whole)) == whole


def test_a_reader_with_fewer_classes_gets_a_record_without_those_values() -> None:
    part = split(mixed())[DataClass.BODY]
    seen = join([part])
    assert seen.values == {"body_weight": 61.5, "systolic_bp": 120}
    assert (seen.note, seen.code) == (None, None)


def test_a_record_without_values_has_the_class_of_what_it_states() -> None:
    assert set(split(record(kind="family_history", code="stroke", values={}))) == {
        DataClass.GENETIC
    }
    assert set(split(record(kind="workout", values={}))) == {DataClass.FITNESS}
    assert set(split(record(kind="sleep", values={}))) == {DataClass.LIFESTYLE}


def test_canonical_json_is_one_spelling() -> None:
    assert canonical_json({"b": 1, "a": "码"}) == '{"a":"码","b":1}'.encode()
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})


NUMBERS = [
    m.code for m in MEASURES.values() if not m.coded and m.sex is None and m.ages == (None, None)
]


def within(code: str, share: float) -> float:
    low, high = MEASURES[code].plausible
    assert low is not None
    assert high is not None
    return low + share * (high - low)


@given(st.dictionaries(st.sampled_from(NUMBERS), st.floats(0, 1), min_size=1, max_size=8))
def test_any_accepted_record_survives_split_and_join(shares: dict[str, float]) -> None:
    values = {code: within(code, share) for code, share in shares.items()}
    found = judged(values=values)
    if isinstance(found, list):
        assert {fault.code for fault in found} == {"pressure-order"}
        return
    assert join([json.loads(canonical_json(part)) for part in split(found).values()]) == found
    again = check(shape(found), birth_date=BORN, sex="male", now=NOW)
    assert again == found
