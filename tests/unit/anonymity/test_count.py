"""Counting puts each resident in exactly one cell of each table, and knows every cell before."""

from collections import Counter

import numpy as np
import pytest

from service.domain.anonymity.cells import Universe
from service.domain.anonymity.geography import Geography
from service.domain.anonymity.specification import current
from tests.city_room import YEAR, Division, People, counted, regions, universe


def test_the_universe_is_a_function_of_specification_and_regions() -> None:
    cells = list(universe().cells())
    assert cells == list(universe().cells())
    strata = 1 + 2 * 7
    sizes = [(metric.tier, len(metric.categories)) for metric in current().metrics]
    everywhere = 1 + sum(size for tier, size in sizes if tier == "all")
    # Four districts, and a row for whoever told the city alone.
    rows = (1 + 4 + 1) * everywhere + sum(size for tier, size in sizes if tier == "city")
    assert len(cells) == strata * rows
    assert len({cell[:6] for cell in cells}) == len(cells)


def test_the_order_of_the_region_file_does_not_matter() -> None:
    tree = Geography.of(reversed(regions()), current().minimum_population)
    backwards = Universe(current(), current().cadence("annual"), tree)
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
    tables = people.tables
    for cell in of.cells():
        if cell.level == "district" and cell.sex != "all" and cell.metric != "participation":
            found = tables[cell.metric][cell.area, cell.group, cell.code]
            assert found == plain[cell.metric, cell.category, cell.region, cell.sex, cell.age]


def test_batches_do_not_change_the_count() -> None:
    of = universe()
    people = People.random(of, 1_000)
    parts = counted(np.array_split(people.batch, 7), of)
    for table, counts in people.tally.tables.items():
        assert (parts.tables[table] == counts).all()


def test_one_resident_moves_each_table_by_one_cell() -> None:
    of = universe()
    people = People.random(of, 500)
    without = counted([people.batch[1:]], of)
    for table, counts in people.tally.tables.items():
        moved = counts - without.tables[table]
        assert moved.sum() == 1
        assert np.abs(moved).sum() == 1


def test_someone_from_elsewhere_is_in_no_table() -> None:
    of = universe()
    batch = People.random(of, 3).batch.copy()
    batch["region"] = [b"110101", b"990101001001", b""]
    tables = counted([batch], of).tables
    assert tables["participation"].sum() == 1


def test_odd_codes_count_as_unknown_and_odd_years_stay_inside() -> None:
    of = universe()
    batch = People.random(of, 2).batch.copy()
    batch["codes"] = 255
    batch["birth_year"] = [0, 65535]
    tables = counted([batch], of).tables
    assert tables["level"][:, :, -1].sum() == 2
    assert tables["participation"].sum() == 2


def test_an_empty_city_has_all_its_cells_at_zero() -> None:
    tables = counted([], universe()).tables
    assert set(tables) == {"participation", *(metric.id for metric in current().metrics)}
    assert all(not counts.any() for counts in tables.values())


def test_a_tally_does_not_print_its_numbers() -> None:
    assert repr(People.random(universe(), 10).tally) == "<tally>"


@pytest.mark.parametrize("broken", [[], regions()[1:], [regions()[0]]])
def test_a_tree_without_one_city_and_districts_is_refused(broken: list[Division]) -> None:
    with pytest.raises(ValueError):
        Geography.of(broken, 3_000)
