"""A frame holds what assessments look at, in a fixed size, whatever is put into it."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from service.prompts import frames
from service.prompts.frames import ROOM, Entry, Frame, keep

NAMES = st.sampled_from(
    ["systolic_bp", "body_weight", "ldl_c", "egfr", "smoking_status", "condition:stroke"]
)
VALUES = st.one_of(
    st.integers(1, 300), st.floats(0.1, 300, allow_nan=False), st.sampled_from(["never", "former"])
)
ENTRIES = st.lists(
    st.builds(
        Entry,
        st.integers(0, 2**40 - 1).map(lambda n: f"{n:010x}"),
        st.integers(0, 2_000_000_000_000),
        st.dictionaries(NAMES, VALUES, min_size=1),
    ),
    max_size=60,
    unique_by=lambda entry: entry.key,
)


def told(frame: Frame, name: str) -> list[object]:
    return [entry.values[name] for entry in frame.entries if name in entry.values]


@given(ENTRIES)
def test_a_packed_frame_fits_and_comes_back(entries: list[Entry]) -> None:
    frame = frames.with_entries(Frame(), entries)
    text = frames.pack(frame)
    assert len(text) <= ROOM
    back = frames.unpack(text)
    if not back.cut:
        assert back == frame


@given(ENTRIES)
def test_the_newest_readings_of_every_measure_are_kept(entries: list[Entry]) -> None:
    frame = frames.with_entries(Frame(), entries)
    newest_first = sorted(entries, key=lambda entry: -entry.at)
    for name in {name for entry in entries for name in entry.values}:
        expected = [e.values[name] for e in newest_first if name in e.values][: keep(name)]
        assert len(told(frame, name)) == len(expected)
        times = [e.at for e in frame.entries if name in e.values]
        assert times == [e.at for e in newest_first if name in e.values][: keep(name)]


@given(ENTRIES, st.integers(0, 60))
def test_one_at_a_time_ends_where_all_at_once_does(entries: list[Entry], cut: int) -> None:
    # Instants that differ, so that order does not decide between equals.
    spread = [entry._replace(at=n * 1000) for n, entry in enumerate(entries)]
    whole = frames.with_entries(Frame(), spread)
    first = frames.with_entries(Frame(), spread[:cut])
    assert frames.with_entries(first, spread[cut:]) == whole


@given(ENTRIES)
def test_forgetting_is_noticed_exactly_where_something_may_come_back(
    entries: list[Entry],
) -> None:
    spread = [entry._replace(at=n * 1000) for n, entry in enumerate(entries)]
    frame = frames.with_entries(Frame(), spread)
    for gone in spread:
        rest = [entry for entry in spread if entry.key != gone.key]
        plain = frames.with_entries(frame, [gone._replace(values={})])
        if not frames.forgets(frame, [gone.key]):
            assert plain == frames.with_entries(Frame(), rest)


def test_an_overfull_frame_lets_go_of_repetitions_first() -> None:
    chance = Random(5)
    names = [f"measure_{n}" for n in range(25)]
    entries = [
        Entry(
            chance.randbytes(5).hex(),
            1_700_000_000_000 + chance.randrange(10**9),
            {name: round(chance.uniform(1, 300), 1)},
        )
        for name in names
        for _ in range(2)
    ]
    frame = frames.unpack(frames.pack(frames.with_entries(Frame(), entries)))
    assert frame.cut
    assert {name for entry in frame.entries for name in entry.values} == set(names)


def test_an_empty_frame_is_an_empty_frame() -> None:
    assert frames.unpack(b"") == Frame()
    assert frames.unpack(frames.pack(Frame())) == Frame()
