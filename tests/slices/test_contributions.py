"""Contributions: one sealed blob of one size, replaced, removed, opened only to count."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError

from service.contributions import actions, store
from service.contributions.blob import SEALED_BYTES, Blobs, Contribution
from service.contributions.tables import contributions
from service.domain.anonymity.count import count
from service.domain.anonymity.specification import current
from service.kit.db import Database
from service.kit.errors import IntegrityBroken
from tests.city_room import (
    STATISTICS_KEY,
    YEAR,
    contribute,
    geography,
    make_tables,
    someone,
)


@pytest.fixture
def db(database: Database) -> Database:
    make_tables(database)
    return database


def _read(db: Database, key: bytes = STATISTICS_KEY) -> np.ndarray:
    batches = db.read(lambda conn: list(actions.read_all(conn, statistics_key=key)))
    return np.concatenate(batches) if batches else np.array([])


def _rows(db: Database) -> list[tuple[bytes, bytes]]:
    found = select(contributions.c.pseudonym, contributions.c.sealed)
    return [(bytes(p), bytes(s)) for p, s in db.read(lambda conn: conn.execute(found).all())]


def test_what_is_put_is_what_is_counted(db: Database) -> None:
    given = Contribution("990101001001", "male", 1961, {"bmi": "obese", "contract": "yes"})
    contribute(db, [("someone", given)])
    (row,) = _read(db)
    assert (row["region"], row["sex"], row["birth_year"]) == (b"990101001001", 1, 1961)
    said = {
        metric.id: metric.categories[code]
        for metric, code in zip(current().metrics, row["codes"], strict=False)
    }
    assert said["bmi"] == "obese"
    assert said["contract"] == "yes"
    del said["bmi"], said["contract"]
    assert set(said.values()) == {"unknown"}


def test_joining_again_replaces_and_never_adds(db: Database) -> None:
    for level in ("1", "5", "3"):
        contribute(db, [("someone", someone(1, level=level))])
    assert db.read(actions.count) == 1
    assert _read(db)["codes"][0, 0] == 2


def test_removal_is_at_once_and_complete(db: Database) -> None:
    contribute(db, [("leaver", someone(1)), ("stayer", someone(2))])

    def remove(conn: object) -> bool:
        return actions.remove(conn, statistics_key=STATISTICS_KEY, identity=b"leaver")  # type: ignore[arg-type]

    assert db.write(remove) is True
    assert db.write(remove) is False
    assert db.read(actions.count) == 1

    def stays(identity: bytes) -> bool:
        return db.read(
            lambda conn: actions.contributes(conn, statistics_key=STATISTICS_KEY, identity=identity)
        )

    assert stays(b"stayer")
    assert not stays(b"leaver")


def test_all_blobs_have_one_size_whatever_they_say(db: Database) -> None:
    full = {metric.key: metric.categories[0] for metric in current().metrics}
    contribute(
        db,
        [
            ("silent", Contribution("9", "female", 2026)),
            ("talkative", Contribution("9901010010010001", "male", 1900, full)),
        ],
    )
    assert {len(sealed) for _, sealed in _rows(db)} == {SEALED_BYTES}


def test_a_dump_names_nobody_and_tells_nothing(db: Database) -> None:
    contribute(db, [("13800000001", Contribution("990101001001", "male", 1961))] * 1)
    (row,) = _rows(db)
    dump = row[0] + row[1]
    assert b"13800000001" not in dump
    assert b"990101" not in dump


def test_equal_contributions_look_unalike(db: Database) -> None:
    contribute(db, [(str(number), someone(1)) for number in range(20)])
    starts = {sealed[12:] for _, sealed in _rows(db)}
    assert len(starts) == 20


@pytest.mark.parametrize("number", [0, 1, 9, 10, 11, 35])
def test_batches_give_every_row_once(db: Database, number: int) -> None:
    contribute(db, [(str(n), someone(n)) for n in range(number)])
    batches = db.read(lambda conn: list(store.batches(conn, size=10)))
    records = [
        batch[at : at + store.RECORD]
        for batch in batches
        for at in range(0, len(batch), store.RECORD)
    ]
    pseudonyms = [record[: store.PSEUDONYM_BYTES] for record in records]
    assert sorted(records) == sorted(pseudonym + sealed for pseudonym, sealed in _rows(db))
    assert len(pseudonyms) == len(set(pseudonyms)) == number
    assert all(len(batch) <= 10 * store.RECORD for batch in batches)


def test_a_blob_opens_only_under_its_own_pseudonym(db: Database) -> None:
    contribute(db, [("a", someone(1)), ("b", someone(2))])
    (first, first_sealed), (second, _) = _rows(db)
    moved = update(contributions).where(contributions.c.pseudonym == second)
    db.write(lambda conn: conn.execute(moved.values(sealed=first_sealed)).rowcount)
    assert first != second
    with pytest.raises(IntegrityBroken):
        _read(db)


def test_one_changed_bit_or_another_key_does_not_open(db: Database) -> None:
    contribute(db, [("a", someone(1))])
    with pytest.raises(IntegrityBroken):
        _read(db, key=bytes(32))
    (pseudonym, sealed) = _rows(db)[0]
    # All but the two octets of the schema, which make it one that waits.
    for at in sorted(set(range(len(sealed))) - {9, 10}):
        broken = bytearray(sealed)
        broken[at] ^= 1
        with pytest.raises(IntegrityBroken):
            Blobs(STATISTICS_KEY, current()).open_records(pseudonym + bytes(broken))


def test_an_older_specification_waits_to_be_contributed_anew(db: Database) -> None:
    contribute(db, [("a", someone(1))])
    pseudonym, sealed = _rows(db)[0]
    older = bytearray(sealed)
    older[9:11] = (0).to_bytes(2, "big")
    assert len(Blobs(STATISTICS_KEY, current()).open_records(pseudonym + bytes(older))) == 0


@pytest.mark.parametrize(
    ("pseudonym", "sealed"), [(b"short", bytes(104)), (bytes(16), bytes(103)), (bytes(16), b"")]
)
def test_the_database_refuses_rows_of_another_shape(
    db: Database, pseudonym: bytes, sealed: bytes
) -> None:
    row = insert(contributions).values(pseudonym=pseudonym, sealed=sealed)
    with pytest.raises(DBAPIError):
        db.write(lambda conn: conn.execute(row).rowcount)


ANY_WORD = st.one_of(
    st.none(), st.text(max_size=30), st.integers(), st.sampled_from(["5-5", "yes", "unknown"])
)


@given(
    region=st.text(max_size=40) | st.just("990101001001"),
    sex=st.sampled_from(["female", "male"]) | st.text(max_size=8),
    birth_year=st.integers(-(10**30), 10**30),
    told=st.dictionaries(
        st.sampled_from([metric.key for metric in current().metrics]) | st.text(), ANY_WORD
    ),
)
@settings(max_examples=200, deadline=None)
def test_whatever_is_told_fits_one_blob_and_counts_once_a_metric(
    region: str, sex: Any, birth_year: int, told: dict[str, Any]
) -> None:
    blobs, of = Blobs(STATISTICS_KEY, current()), geography()
    name = blobs.pseudonym(b"someone")
    sealed = blobs.seal(name, Contribution(region, sex, birth_year, told))
    assert len(sealed) == SEALED_BYTES
    batch = blobs.open_records(name + sealed)
    inside = region in of.place_of and sex in current().sexes
    for metric in current().metrics:
        assert batch["codes"][0, metric_slot(metric.id)] < len(metric.categories)
    counted = count([batch], current(), of, year=YEAR)
    assert {int(table.sum()) for table in counted.tables.values()} == {int(inside)}


def metric_slot(name: str) -> int:
    return [metric.id for metric in current().metrics].index(name)


def test_a_word_of_the_list_is_told_and_any_other_is_unknown() -> None:
    blobs = Blobs(STATISTICS_KEY, current())
    name = blobs.pseudonym(b"someone")
    for metric in current().metrics:
        for place, word in enumerate(metric.categories):
            sealed = blobs.seal(name, Contribution("9901", "male", 1980, {metric.key: word}))
            codes = blobs.open_records(name + sealed)["codes"][0]
            assert codes[metric_slot(metric.id)] == place
            assert codes.sum() == place + sum(
                len(other.categories) - 1 for other in current().metrics if other is not metric
            )


def test_printing_a_contribution_tells_nothing() -> None:
    assert f"{someone(1)} {someone(1)!r}" == "<contribution> <contribution>"
