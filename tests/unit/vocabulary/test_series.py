"""Series: what is accepted, merged, stored in few bytes, and refused when damaged."""

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.vocabulary import series
from service.domain.vocabulary.frames import FRAME_RESERVE
from service.domain.vocabulary.measures import MEASURES
from service.domain.vocabulary.series import Columns, Damaged, SeriesDay, columns
from service.domain.vocabulary.varints import decode_varints, encode_varints

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)  # noon in Shanghai
BORN = date(1980, 5, 17)
HEART = MEASURES["heart_rate"]
DAY = {"measure": "heart_rate", "day": "2026-11-21", "t": [60, 0], "v": [70, 68]}


def judged(**changes: Any) -> SeriesDay | list[Any]:
    return series.check({**DAY, **changes}, birth_date=BORN, sex="male", now=NOW)


def rows(samples: Columns) -> list[tuple[int, float]]:
    return list(zip(samples.t.tolist(), samples.v.tolist(), strict=True))


def test_samples_are_put_in_order() -> None:
    found = judged()
    assert isinstance(found, SeriesDay)
    assert rows(found.samples) == [(0, 68.0), (60, 70.0)]


def test_a_unit_speaks_for_all_values() -> None:
    found = judged(measure="spo2", v=[0.97, 0.985], unit="1")
    assert isinstance(found, SeriesDay)
    assert rows(found.samples) == [(0, 98.5), (60, 97.0)]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"extra": 1}, ("/extra", "unknown-field")),
        ({"measure": "aura"}, ("/measure", "unknown-measure")),
        ({"measure": "body_weight"}, ("/measure", "not-a-series")),
        ({"day": "21.11.2026"}, ("/day", "bad-day")),
        ({"day": "2026-11-31"}, ("/day", "bad-day")),
        ({"day": "2026-11-23"}, ("/day", "future")),
        ({"day": "1980-05-16"}, ("/day", "before-birth")),
        ({"day": "2026-11-22", "t": [0, 12 * 3600 + 301]}, ("/t", "future")),
        ({"t": [0]}, ("/v", "length-mismatch")),
        ({"t": "00"}, ("/t", "wrong-type")),
        ({"v": None}, ("/v", "wrong-type")),
        ({"t": [0, 86_400]}, ("/t/1", "not-a-second")),
        ({"t": [-1, 0]}, ("/t/0", "not-a-second")),
        ({"t": [0, 1.0]}, ("/t/1", "not-a-second")),
        ({"t": [True, 2]}, ("/t/0", "not-a-second")),
        ({"v": [70, True]}, ("/v/1", "not-a-number")),
        ({"v": [70, "70"]}, ("/v/1", "not-a-number")),
        ({"v": [float("nan"), 70]}, ("/v/0", "not-a-number")),
        ({"v": [70, 301]}, ("/v/1", "out-of-range")),
        ({"v": [70, 1e308]}, ("/v/1", "out-of-range")),
        ({"unit": "cm"}, ("/unit", "unknown-unit")),
        ({"unit": 4}, ("/unit", "wrong-type")),
        ({"t": [0] * 100_001, "v": [60] * 100_001}, ("/t", "too-many")),
    ],
)
def test_a_fault_names_its_place(changes: dict[str, Any], fault: tuple[str, str]) -> None:
    found = judged(**changes)
    assert isinstance(found, list)
    assert fault in {(f.pointer, f.code) for f in found}


def test_today_up_to_now_is_accepted() -> None:
    assert isinstance(judged(day="2026-11-22", t=[0, 12 * 3600 + 300]), SeriesDay)


SAMPLES = st.lists(
    st.tuples(st.integers(0, 86_399), st.integers(-(10**8), 10**8).map(lambda n: n / 1000)),
    max_size=200,
)


def of(samples: list[tuple[int, float]]) -> Columns:
    return columns([t for t, _ in samples], [v for _, v in samples])


@given(SAMPLES)
def test_decoding_gives_back_what_was_encoded(samples: list[tuple[int, float]]) -> None:
    there = of(samples)
    assert rows(series.decode(series.encode(there))) == rows(there) == sorted(dict(samples).items())


@given(SAMPLES, SAMPLES)
def test_merging_is_a_dictionary_update(
    old: list[tuple[int, float]], new: list[tuple[int, float]]
) -> None:
    merged = rows(series.merge(of(old), of(new)))
    assert merged == sorted({**dict(old), **dict(new)}.items())


@given(SAMPLES)
def test_merging_the_same_twice_changes_nothing(samples: list[tuple[int, float]]) -> None:
    once = of(samples)
    assert rows(series.merge(once, once)) == rows(once)


@given(SAMPLES, st.data())
def test_a_flipped_or_missing_bit_is_never_other_samples(
    samples: list[tuple[int, float]], data: st.DataObject
) -> None:
    text = series.encode(of(samples))
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(Damaged):
        series.decode(text[:cut])
    bit = data.draw(st.integers(0, 8 * len(text) - 1))
    flipped = bytearray(text)
    flipped[bit // 8] ^= 1 << bit % 8
    try:
        found = series.decode(bytes(flipped))
    except Damaged:
        return
    # Deflate leaves a few padding bits that mean nothing.
    assert rows(found) == rows(of(samples))


@given(st.binary(max_size=200))
def test_foreign_bytes_are_damage(text: bytes) -> None:
    with pytest.raises(Damaged):
        series.decode(text)


def test_a_tail_is_damage() -> None:
    with pytest.raises(Damaged):
        series.decode(series.encode(of([(0, 1.0)])) + b"x")


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_varints_hold_every_whole_number(numbers: list[int]) -> None:
    column = np.array(numbers, np.int64)
    assert decode_varints(encode_varints(column)).tolist() == numbers


def heart_day() -> Columns:
    dice = np.random.default_rng(7)
    wander = np.cumsum(dice.normal(0, 0.15, 17_280))
    beats = np.clip(72 + wander + dice.normal(0, 1.2, 17_280), 40, 180).round()
    return columns(range(0, 86_400, 5), beats.tolist())


def step_day() -> Columns:
    dice = np.random.default_rng(7)
    walked = np.where(dice.random(1440) < 0.25, dice.poisson(70, 1440), 0)
    return columns(range(0, 86_400, 60), walked.tolist())


@pytest.mark.parametrize(("code", "day"), [("heart_rate", heart_day()), ("steps", step_day())])
def test_a_dense_day_takes_at_most_a_byte_and_a_half_a_sample(code: str, day: Columns) -> None:
    frames = series.encode_frames(MEASURES[code], day)
    assert len(frames) * series.frame_bytes(MEASURES[code]) <= 1.5 * day.t.size
    assert rows(series.decode_frames(frames)) == rows(day)


def lively_steps(seconds: int) -> Columns:
    """Somebody who is up from seven to ten and walks two minutes in five."""
    dice = np.random.default_rng(seconds)
    t = np.arange(0, 86_400, seconds)
    walks = (t > 7 * 3600) & (t < 22 * 3600) & (dice.random(t.size) < 0.4)
    walked = np.where(walks, dice.integers(0, int(2.2 * seconds) + 1, t.size), 0)
    return columns(t.tolist(), walked.tolist())


def lively_heart(seconds: int) -> Columns:
    dice = np.random.default_rng(seconds)
    t = np.arange(0, 86_400, seconds)
    trained = 65 + 60 * np.maximum(0, np.sin(t / 86_400 * 2 * np.pi - 1))
    beats = trained + 0.3 * np.cumsum(dice.normal(0, 1.5, t.size))
    return columns(t.tolist(), np.clip(beats, 40, 190).round().tolist())


@pytest.mark.parametrize("seconds", [300, 60, 30, 15, 10, 5, 1])
@pytest.mark.parametrize(
    ("code", "lively"), [("steps", lively_steps), ("heart_rate", lively_heart)]
)
def test_a_quiet_day_takes_the_frames_of_a_lively_one(
    code: str, lively: Callable[[int], Columns], seconds: int
) -> None:
    """Rows are counted by whoever steals the store: they tell the device, not the person."""
    day = lively(seconds)
    quiet = Columns(day.t, np.full(day.t.size, day.v[0]))
    frames = [len(series.encode_frames(MEASURES[code], one)) for one in (quiet, day)]
    assert frames[0] == frames[1]
    assert rows(series.decode_frames(series.encode_frames(MEASURES[code], quiet))) == rows(quiet)


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.sampled_from([m.code for m in MEASURES.values() if m.frame]))
def test_frames_never_outgrow_their_size(seed: int, code: str) -> None:
    m = MEASURES[code]
    dice = np.random.default_rng(seed)
    seconds = np.sort(dice.choice(86_400, 6000, replace=False))
    day = columns(seconds.tolist(), dice.uniform(0, 300, 6000).tolist())
    frames = series.encode_frames(m, day)
    assert len(frames) > 1
    assert max(map(len, frames)) <= series.frame_bytes(m) - FRAME_RESERVE
    assert rows(series.decode_frames(frames)) == rows(day)


def test_an_empty_day_is_one_frame() -> None:
    assert len(series.encode_frames(HEART, series.columns([], []))) == 1
    assert rows(series.decode_frames([])) == []


def test_buckets_hold_the_extremes_the_mean_and_the_number() -> None:
    day = of([(0, 60.0), (30, 80.0), (60, 75.0), (7200, 90.0)])
    minutes = series.resample(day, "minute")
    assert minutes.t.tolist() == [0, 60, 7200]
    assert (minutes.min.tolist(), minutes.max.tolist()) == ([60, 75, 90], [80, 75, 90])
    assert (minutes.mean.tolist(), minutes.n.tolist()) == ([70, 75, 90], [2, 1, 1])
    assert series.resample(day, "hour").t.tolist() == [0, 7200]
    assert series.resample(day, "day").n.tolist() == [4]
    assert series.resample(of([]), "day").n.tolist() == []


@given(SAMPLES.filter(bool), st.sampled_from(["minute", "hour", "day"]))
def test_buckets_lose_no_sample(samples: list[tuple[int, float]], resolution: Any) -> None:
    day = of(samples)
    buckets = series.resample(day, resolution)
    assert int(buckets.n.sum()) == day.t.size
    assert float(buckets.min.min()) == float(day.v.min())
    assert float(buckets.max.max()) == float(day.v.max())


def test_a_dense_day_is_stored_and_read_without_a_step_a_sample() -> None:
    """5 ms on a quiet machine; a loop over the samples would take ten times as long."""
    day, steps = heart_day(), 0

    def counting(*_: Any) -> Any:
        nonlocal steps
        steps += 1
        return counting

    before = sys.gettrace()
    sys.settrace(counting)
    try:
        series.decode_frames(series.encode_frames(HEART, day))
    finally:
        sys.settrace(before)
    assert 0 < steps < day.t.size / 2
