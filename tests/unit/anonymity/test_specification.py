"""The specification says one consistent thing and costs no more than a year allows."""

import pytest

from service.domain.anonymity import noise, specification
from service.domain.anonymity.count import METRIC_SLOTS
from service.domain.anonymity.specification import NANO
from service.domain.care import counted
from service.domain.risk import change
from service.domain.risk.categories import CATEGORIES
from service.domain.vocabulary.indicators import INDICATORS

CURRENT = specification.current()


def test_a_release_costs_at_most_the_year() -> None:
    assert CURRENT.release_nano_rho <= CURRENT.budget.year_nano_rho == 14_973_000
    assert CURRENT.release_nano_rho > 0.999 * CURRENT.budget.year_nano_rho


def test_noise_costs_what_the_ledger_is_charged() -> None:
    """Summed over all tables by opendp's own accounting."""
    tables = len(CURRENT.metrics) + 1
    spent = sum(
        tables * noise.cost(noise.sigma(CURRENT.nano_rho(family))) for family in CURRENT.families
    )
    assert spent * NANO <= CURRENT.release_nano_rho
    assert spent * NANO > 0.999 * CURRENT.release_nano_rho


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
        ("share = 0.25", "share = 0.35"),
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
