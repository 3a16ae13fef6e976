"""Dense samples merge into their day and come back as columns; frames have one size."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import delete, select

from consent.vocabulary import DataClass
from service.domain.vocabulary.measures import MEASURES
from service.domain.vocabulary.series import frame_bytes
from service.kit.db import Database
from service.kit.errors import IntegrityBroken, Invalid
from service.records import series
from service.records.series import Appended, Series
from service.records.tables import series_days
from service.residents.store import Withdrawn, bump_consent, state
from tests.guarded_room import carrying
from tests.record_room import PROFILE, Home

SEALING = 40


@pytest.fixture
def home(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Home]:
    made = Home(database, keystore_url, tmp_path)
    yield made
    made.keystore.close()


def day_of(
    t: list[int], v: list[float], day: str = "2026-11-10", measure: str = "heart_rate"
) -> dict[str, Any]:
    return {"measure": measure, "day": day, "source": {"kind": "device"}, "t": t, "v": v}


def append(home: Home, resident: UUID, *entries: Any) -> list[Appended]:
    return home.write(
        lambda conn: series.append(
            conn, home.vault, home.own(conn, resident), entries, home.now, profile=PROFILE
        )
    )


def read(home: Home, resident: UUID, measure: str = "heart_rate", **span: Any) -> Series:
    return home.read(
        lambda conn: series.read(
            conn, home.vault, home.own(conn, resident), MEASURES[measure], **span
        )
    )


def columns(found: Series) -> tuple[list[int], list[float]]:
    return found.samples.t.tolist(), found.samples.v.tolist()


def test_samples_come_back_on_the_clock_of_their_day(home: Home) -> None:
    resident = home.resident()
    (result,) = append(home, resident, day_of([0, 60, 86_399], [61, 62.5, 63]))
    assert (result.status, result.samples) == ("created", 3)
    found = read(home, resident)
    assert found.day == date(2026, 11, 10)
    assert columns(found) == ([0, 60, 86_399], [61, 62.5, 63])


def test_the_same_samples_again_change_nothing(home: Home) -> None:
    resident = home.resident()
    sent = day_of([0, 60], [61, 62])
    append(home, resident, sent)
    before = home.read(lambda conn: state(conn, resident))
    (again,) = append(home, resident, sent)
    assert again.status == "unchanged"
    assert home.read(lambda conn: state(conn, resident)) == before


def test_later_samples_merge_into_the_day_and_a_newer_value_wins(home: Home) -> None:
    resident = home.resident()
    append(home, resident, day_of([60, 120], [61, 62]))
    results = append(home, resident, day_of([0, 120], [60, 99]), day_of([180], [70]))
    assert [one.status for one in results] == ["updated", "updated"]
    assert columns(read(home, resident)) == ([0, 60, 120, 180], [60, 61, 99, 70])


def test_several_days_are_one_column_from_the_first_midnight(home: Home) -> None:
    resident = home.resident()
    append(
        home,
        resident,
        day_of([10], [1], "2026-11-08", "steps"),
        day_of([20], [2], "2026-11-10", "steps"),
        day_of([30], [3], "2026-11-12", "steps"),
    )
    assert columns(read(home, resident, "steps"))[0] == [10, 2 * 86_400 + 20, 4 * 86_400 + 30]
    span = read(
        home,
        resident,
        "steps",
        since=datetime.fromisoformat("2026-11-09"),
        until=datetime.fromisoformat("2026-11-11"),
    )
    assert span.day == date(2026, 11, 9)
    assert columns(span) == ([86_400 + 20], [2])
    part = read(
        home,
        resident,
        "steps",
        since=datetime.fromisoformat("2026-11-10T00:00:20"),
        until=datetime.fromisoformat("2026-11-12T00:00:30"),
    )
    assert columns(part) == ([20], [2])


def test_a_bad_day_is_rejected_with_its_place_and_harms_no_other(home: Home) -> None:
    resident = home.resident()
    results = append(
        home,
        resident,
        day_of([0], [61]),
        day_of([0], [True], "2026-11-11"),
        day_of([0, 1], [61], "2026-11-11"),
        day_of([0], [61], "2026-11-11", "systolic_bp"),
        day_of([86_400], [61], "2026-11-11"),
        day_of([0], [61], "2027-01-01"),
        "no object",
    )
    assert [one.status for one in results] == ["created", *["rejected"] * 6]
    for number, one in enumerate(results[1:], start=1):
        assert all(fault.pointer.startswith(f"/series/{number}") for fault in one.faults)
        assert one.faults
    assert columns(read(home, resident)) == ([0], [61])


def test_more_than_a_hundred_thousand_samples_a_call_are_refused(home: Home) -> None:
    resident = home.resident()
    entry = day_of(list(range(60_000)), [1] * 60_000)
    with pytest.raises(Invalid):
        append(home, resident, entry, {**entry, "day": "2026-11-11"})


def stored_lengths(home: Home, resident: UUID) -> list[int]:
    query = select(series_days.c.sealed).where(series_days.c.resident_id == resident)
    return [
        len(bytes(sealed)) for sealed in home.read(lambda conn: conn.execute(query).scalars().all())
    ]


def test_an_active_and_a_bedridden_day_have_one_size_in_the_store(home: Home) -> None:
    lively, still = home.resident(), home.resident()
    chance = np.random.default_rng(3)
    minutes = list(range(0, 86_400, 60))
    append(home, lively, day_of(minutes, chance.integers(0, 140, 1440).tolist(), measure="steps"))
    append(home, still, day_of([40_000], [12], measure="steps"))
    size = frame_bytes(MEASURES["steps"]) + SEALING
    assert stored_lengths(home, still) == [size]
    assert set(stored_lengths(home, lively)) == {size}


def test_a_day_that_outgrows_its_frame_goes_on_in_the_next(home: Home) -> None:
    resident = home.resident()
    chance = np.random.default_rng(4)
    t = list(range(0, 86_400, 2))
    v = (chance.integers(400, 1800, len(t)) / 10).tolist()
    append(home, resident, day_of(t, v))
    assert len(stored_lengths(home, resident)) > 1
    assert columns(read(home, resident)) == (t, v)
    # A frame that was taken away is noticed: how many there are is part of every seal.
    last = len(stored_lengths(home, resident)) - 1
    home.write(lambda conn: conn.execute(delete(series_days).where(series_days.c.frame_no == last)))
    with pytest.raises(IntegrityBroken):
        read(home, resident)


def test_readers_outside_class_window_or_revision_get_no_sample(home: Home) -> None:
    resident = home.resident()
    days = ["2026-11-09", "2026-11-10", "2026-11-11"]
    append(home, resident, *[day_of([0], [61], day) for day in days])

    def seen(classes: set[DataClass], **window: date) -> list[int]:
        found = home.read(
            lambda conn: series.read(
                conn,
                home.vault,
                home.doctor(conn, resident, classes, **window),
                MEASURES["heart_rate"],
            )
        )
        return columns(found)[0]

    assert len(seen({DataClass.BODY})) == 3
    assert seen({DataClass.LIFESTYLE}) == []
    assert len(seen({DataClass.BODY}, first=date(2026, 11, 10), last=date(2026, 11, 10))) == 1
    permit = home.read(lambda conn: home.doctor(conn, resident, {DataClass.BODY}))
    home.write(lambda conn: bump_consent(conn, resident))
    with pytest.raises(Withdrawn):
        home.read(
            carrying(
                permit, lambda conn: series.read(conn, home.vault, permit, MEASURES["heart_rate"])
            )
        )


def test_a_day_moved_to_another_day_does_not_open(home: Home) -> None:
    resident = home.resident()
    append(home, resident, day_of([0], [61]))
    home.write(lambda conn: conn.execute(series_days.update().values(day=series_days.c.day + 1)))
    with pytest.raises(IntegrityBroken):
        read(home, resident)
