"""The specification says one consistent thing and costs no more than a year allows."""

import numpy as np
import pytest

from service.domain.anonymity import noise, specification, zcdp
from service.domain.anonymity.count import METRIC_SLOTS
from service.domain.anonymity.specification import NANO, Cadence
from service.domain.care import counted
from service.domain.risk import change
from service.domain.risk.categories import CATEGORIES
from service.domain.vocabulary.indicators import INDICATORS
from tests.city_room import universe

CURRENT = specification.current()


def test_all_releases_of_a_year_cost_at_most_the_year() -> None:
    """Epsilon 1 at delta 1e-9 over all cadences, tables and divisions together."""
    assert CURRENT.year_nano_rho <= CURRENT.budget.year_nano_rho == 14_973_000
    assert CURRENT.year_nano_rho > 0.999 * CURRENT.budget.year_nano_rho
    assert zcdp.epsilon_of(CURRENT.year_nano_rho / NANO, CURRENT.budget.delta) <= 1


@pytest.mark.parametrize("cadence", CURRENT.cadences, ids=lambda cadence: cadence.id)
def test_noise_costs_what_the_ledger_is_charged(cadence: Cadence) -> None:
    """Summed over all tables and levels by opendp's own accounting."""
    sizes = [1, *(len(metric.categories) for metric in CURRENT.metrics)]
    spent = sum(
        noise.cost(noise.sigma(CURRENT.nano_rho(cadence, level), size), size)
        for size in sizes
        for level in cadence.families
    )
    charged = CURRENT.release_nano_rho(cadence)
    assert 0.999 * charged < spent * NANO <= charged


@pytest.mark.parametrize("cadence", CURRENT.cadences, ids=lambda cadence: cadence.id)
def test_every_way_from_the_city_to_a_leaf_costs_a_release(cadence: Cadence) -> None:
    """One resident is in the areas of one way only, so that is what a table costs a resident."""
    of = universe(cadence=cadence.id)
    parents = of.geography.tree.parents
    for table, shape in of.tables.items():
        budget = of.nano_rho(table)
        for leaf in shape.tree.leaves.tolist():
            way, row = 0, leaf
            while row >= 0:
                way, row = way + int(budget[row]), int(parents[row])
            assert way == sum(of.budgets.values())


def test_one_resident_moves_contrasts_as_far_as_said() -> None:
    """By brute force: the L2 distance of K x - T with and without a resident."""
    for size in range(2, 30):
        present = np.zeros(size, np.int64)
        present[size // 2] = 1
        distance = np.linalg.norm(noise.contrasts(present))
        assert distance == pytest.approx(noise.sensitivity(size))
    assert noise.contrasts(np.array([7])).tolist() == [7]


def test_there_are_twenty_metrics_and_each_can_be_unknown() -> None:
    assert len(CURRENT.metrics) == 20 <= METRIC_SLOTS
    assert all(metric.categories[-1] == "unknown" for metric in CURRENT.metrics)
    assert [metric.id for metric in CURRENT.metrics if metric.tier == "city"] == [
        "depression_screen"
    ]


def test_every_metric_names_its_source_and_the_unsure_ones_their_grade() -> None:
    assert all(metric.source for metric in CURRENT.metrics)
    for name in ("fitness", "literacy", "follow_up", "level_transition", "index_change"):
        assert "grade" in CURRENT.metric_by_id[name].source


@pytest.mark.parametrize("word", [None, "", "something else", "UNKNOWN"])
def test_words_outside_the_list_are_unknown(word: str | None) -> None:
    for metric in CURRENT.metrics:
        assert metric.categories[metric.code(word)] == "unknown"


def test_metrics_are_spelled_as_those_spell_them_who_tell_them() -> None:
    """Of the assessment, grades of pressure and glucose only feed the metrics of control."""
    told = {**CATEGORIES, **counted.CATEGORIES, **change.CATEGORIES}
    for metric in CURRENT.metrics:
        assert metric.categories == (*told[metric.key], "unknown")
    assert {metric.key for metric in CURRENT.metrics} == set(told) - {"bp", "glucose"}


def test_indicators_are_those_of_the_catalogue() -> None:
    assert {rule.id for rule in CURRENT.indicators} <= set(INDICATORS)
    assert all(INDICATORS[rule.id].computed_by == "product" for rule in CURRENT.indicators)


def test_no_metric_that_is_measured_for_the_city_alone_is_asked_for_by_district() -> None:
    for rule in CURRENT.indicators:
        assert CURRENT.metric_by_id[rule.metric].tier == "all" or not rule.districts


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("share = 0.27", "share = 0.37"),
        ("community = 0.88", "community = 0.8"),
        ('levels = ["city", "district", "street"]', 'levels = ["city", "street"]'),
        ("families = { street = 1.0 }", "families = { district = 1.0 }"),
        ('"central", "unknown"]', '"central"]'),
        ("from_age = 15", "from_age = 16"),
        ("to_age = 49", "to_age = 50"),
        ('numerator = ["yes"]', 'numerator = ["maybe"]'),
    ],
)
def test_a_specification_that_contradicts_itself_is_refused(old: str, new: str) -> None:
    source = CURRENT.source.decode()
    assert old in source
    with pytest.raises(ValueError):
        specification.parse(source.replace(old, new, 1).encode())
