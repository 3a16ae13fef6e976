"""The specification says one consistent thing and costs no more than a year allows."""

import pytest

from service.domain.anonymity import noise, specification
from service.domain.anonymity.specification import NANO
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


def test_there_are_twelve_metrics_and_each_can_be_unknown() -> None:
    assert len(CURRENT.metrics) == 12
    assert all(metric.categories[-1] == "unknown" for metric in CURRENT.metrics)


@pytest.mark.parametrize("word", [None, "", "something else", "UNKNOWN"])
def test_words_outside_the_list_are_unknown(word: str | None) -> None:
    for metric in CURRENT.metrics:
        assert metric.categories[metric.code(word)] == "unknown"


def test_metrics_are_spelled_as_the_risk_assessment_spells_them() -> None:
    """Only `contract` does not come from the assessment: the contributing job says it."""
    for metric in CURRENT.metrics:
        if metric.key != "contract":
            assert metric.categories == (*CATEGORIES[metric.key], "unknown")
    assert {metric.key for metric in CURRENT.metrics} == {*CATEGORIES, "contract"}


def test_indicators_are_those_of_the_catalogue() -> None:
    assert {rule.id for rule in CURRENT.indicators} <= set(INDICATORS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("share = 0.25", "share = 0.35"),
        ('"central", "unknown"]', '"central"]'),
        ("from_age = 15", "from_age = 16"),
        ('numerator = ["yes"]', 'numerator = ["maybe"]'),
    ],
)
def test_a_specification_that_contradicts_itself_is_refused(old: str, new: str) -> None:
    source = CURRENT.source.decode()
    assert old in source
    with pytest.raises(ValueError):
        specification.parse(source.replace(old, new, 1).encode())
