"""Counting puts each resident in exactly one cell of each table, and knows every cell before."""

from collections import Counter

import numpy as np
import pytest

from service.domain.anonymity.cells import Universe
from service.domain.anonymity.count import count
from service.domain.anonymity.geography import Geography
from service.domain.anonymity.specification import current
from tests.city_room import YEAR, Division, People, regions, universe


def test_the_universe_is_a_function_of_specification_and_regions() -> None:
    cells = list(universe().cells())
    assert cells == list(universe().cells())
    strata = 1 + 2 * 7
    categories = 1 + sum(len(metric.categories) for metric in current().metrics)
    assert len(cells) == (1 + 4) * strata * categories
    assert len({cell[:6] for cell in cells}) == len(cells)


def test_the_order_of_the_region_file_does_not_matter() -> None:
    backwards = Universe(current(), Geography.of(reversed(regions())))
    assert list(backwards.cells()) == list(universe().cells())
    assert backwards.geography.sha256 == universe().geography.sha256


def test_counts_agree_with_a_plain_walk() -> None:
    of = universe()
    people = People.random(of, 2_000)
    plain: Counter[tuple[str, ...]] = Counter()
    starts = current().age_starts
    for row in people.batch:
        age = YEAR - int(row["birth_year"])
        band = current().ages[sum(start <= age for start in starts) - 1]
        district = row["region"].decode()[:6]
        for slot, metric in enumerate(current().metrics):
            category = metric.categories[row["codes"][slot]]
            plain[metric.id, category, district, current().sexes[row["sex"]], band] += 1
    tables = people.tally.tables
    for cell in of.cells():
        if cell.level == "district" and cell.sex != "all" and cell.metric != "participation":
            counted = tables[cell.metric][cell.district, cell.group, cell.code]
            assert counted == plain[cell.metric, cell.category, cell.region, cell.sex, cell.age]


def test_batches_do_not_change_the_count() -> None:
    of = universe()
    people = People.random(of, 1_000)
    parts = count(np.array_split(people.batch, 7), of, year=YEAR)
    for table, counts in people.tally.tables.items():
        assert (parts.tables[table] == counts).all()


def test_one_resident_moves_each_table_by_one_cell() -> None:
    of = universe()
    people = People.random(of, 500)
    without = count([people.batch[1:]], of, year=YEAR)
    for table, counts in people.tally.tables.items():
        moved = counts - without.tables[table]
        assert moved.sum() == 1
        assert np.abs(moved).sum() == 1


def test_someone_from_elsewhere_is_in_no_table() -> None:
    of = universe()
    batch = People.random(of, 3).batch.copy()
    batch["region"] = [b"110101", b"990101001001", b""]
    tables = count([batch], of, year=YEAR).tables
    assert tables["participation"].sum() == 1


def test_odd_codes_count_as_unknown_and_odd_years_stay_inside() -> None:
    of = universe()
    batch = People.random(of, 2).batch.copy()
    batch["codes"] = 255
    batch["birth_year"] = [0, 65535]
    tables = count([batch], of, year=YEAR).tables
    assert tables["level"][:, :, -1].sum() == 2
    assert tables["participation"].sum() == 2


def test_an_empty_city_has_all_its_cells_at_zero() -> None:
    tables = count([], universe(), year=YEAR).tables
    assert set(tables) == {"participation", *(metric.id for metric in current().metrics)}
    assert all(not counts.any() for counts in tables.values())


def test_a_tally_does_not_print_its_numbers() -> None:
    assert repr(People.random(universe(), 10).tally) == "<tally>"


@pytest.mark.parametrize("broken", [[], regions()[1:], [regions()[0]]])
def test_a_tree_without_one_city_and_districts_is_refused(broken: list[Division]) -> None:
    with pytest.raises(ValueError):
        Geography.of(broken)
