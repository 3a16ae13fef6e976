"""Budgets in rho and epsilon agree with the published figures and with opendp's accountant."""

import opendp.prelude as dp
import pytest

from service.domain.anonymity import zcdp

DELTA = 1e-9
PUBLISHED = [(0.5, 0.003953), (1.0, 0.014973), (2.0, 0.056131), (4.0, 0.206313)]


@pytest.mark.parametrize(("epsilon", "rho"), PUBLISHED)
def test_rho_and_epsilon_match_the_published_table(epsilon: float, rho: float) -> None:
    assert zcdp.rho_of(epsilon, DELTA) == pytest.approx(rho, abs=1e-6)
    assert zcdp.epsilon_of(rho, DELTA) == pytest.approx(epsilon, abs=2e-5)


@pytest.mark.parametrize("rho", [0.0003, 0.003953, 0.014973, 0.2, 1.0])
def test_epsilon_agrees_with_opendp(rho: float) -> None:
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64")
    mechanism = dp.m.make_gaussian(*space, scale=zcdp.sigma_of(rho))
    oracle = dp.c.make_zCDP_to_approxDP(mechanism).map(1.0).epsilon(DELTA)
    assert zcdp.epsilon_of(rho, DELTA) == pytest.approx(oracle, rel=1e-6)


def test_nothing_spent_gives_nothing_away() -> None:
    assert zcdp.epsilon_of(0, DELTA) == 0
    assert zcdp.best_guess(0) == 0.5


def test_the_best_guess_is_the_figure_told_to_people() -> None:
    assert zcdp.best_guess(0.014973) == pytest.approx(0.534, abs=0.001)
