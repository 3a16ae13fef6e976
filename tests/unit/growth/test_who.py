"""WHO's z-scores: the grids are whole, boundary days fall on the right side, order is kept."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.growth import zscores
from service.domain.growth.assess import Child, Finding, assess
from service.domain.growth.tables import Sex, between, grid
from service.domain.growth.zscores import adjusted, at_deviation, by_day, by_month, by_size

SEXES: tuple[Sex, Sex] = ("female", "male")
TABLES = {
    "weight_for_age": (0, 1826), "length_height_for_age": (0, 1826), "bmi_for_age": (0, 1826),
    "head_circumference_for_age": (0, 1826), "weight_for_length": (450, 1100),
    "weight_for_height": (650, 1200), "height_for_age_5_19": (60, 229),
    "bmi_for_age_5_19": (60, 229), "weight_for_age_5_19": (60, 121),
}  # fmt: skip
BY_DAY = [name for name, ends in TABLES.items() if ends == (0, 1826)]
sexes = st.sampled_from(SEXES)


@pytest.mark.parametrize("sex", SEXES)
@pytest.mark.parametrize("table", TABLES)
def test_no_row_is_missing_and_medians_move_smoothly(table: str, sex: Sex) -> None:
    rows = grid(table, sex)
    assert (rows.first, rows.last) == TABLES[table]
    medians = [rows.row(place).m for place in range(rows.first, rows.last + 1)]
    assert all(0.95 < high / low < 1.05 for low, high in pairwise(medians))
    for place in (rows.first - 1, rows.last + 1):
        with pytest.raises(KeyError):
            rows.row(place)


@pytest.mark.parametrize("sex", SEXES)
@pytest.mark.parametrize("indicator", BY_DAY)
def test_printed_deviations_are_found_again(indicator: str, sex: Sex) -> None:
    """Three deviations and less need no restriction, and four are as far again as the third."""
    for day in (0, 1, 365, 730, 731, 1826):
        lms = grid(indicator, sex).row(day)
        for k in (-3, -2, -1, 0, 1, 2, 3):
            assert by_day(indicator, sex, day, at_deviation(lms, k)) == pytest.approx(k, abs=0.011)
        if indicator in zscores.RESTRICTED:
            step = at_deviation(lms, 3) - at_deviation(lms, 2)
            far = at_deviation(lms, 3) + step
            assert by_day(indicator, sex, day, far) == pytest.approx(4, abs=0.011)
            step = at_deviation(lms, -2) - at_deviation(lms, -3)
            far = at_deviation(lms, -3) - step
            assert by_day(indicator, sex, day, far) == pytest.approx(-4, abs=0.011)


def test_lying_and_standing_are_seven_millimetres_apart() -> None:
    assert adjusted(80, 730, "standing") == 80.7
    assert adjusted(80, 730, "lying") == 80
    assert adjusted(80, 731, "lying") == pytest.approx(79.3)
    assert adjusted(80, 731, "standing") == 80
    assert adjusted(80, 730, None) == adjusted(80, 731, None) == 80


def names(found: tuple[Finding, ...]) -> set[str]:
    return {one.indicator for one in found}


def test_length_becomes_height_on_day_731() -> None:
    before = assess(Child("female", age_days=730, height=84, weight=11))
    after = assess(Child("female", age_days=731, height=84, weight=11))
    assert "weight_for_length" in names(before)
    assert "weight_for_height" in names(after)


def test_the_tables_change_below_sixty_months() -> None:
    child = {"height": 109.0, "weight": 18.0}
    assert "length_height_for_age" in names(assess(Child("male", age_days=1826, **child)))
    assert names(assess(Child("male", age_days=1827, **child))) == {
        "height_for_age", "weight_for_age", "bmi_for_age",
    }  # fmt: skip
    assert "length_height_for_age" in names(assess(Child("male", age_months=59.99, **child)))
    assert "height_for_age" in names(assess(Child("male", age_months=60, **child)))


def test_weight_for_age_ends_at_ten_years_and_everything_at_nineteen() -> None:
    child = {"height": 140.0, "weight": 30.0}
    assert "weight_for_age" in names(assess(Child("male", age_months=120, **child)))
    assert "weight_for_age" not in names(assess(Child("male", age_months=120.01, **child)))
    assert names(assess(Child("male", age_months=228, **child))) == {
        "height_for_age", "bmi_for_age",
    }  # fmt: skip
    with pytest.raises(KeyError):
        by_month("height_for_age", "male", 228.01, 170)


def test_months_are_interpolated() -> None:
    low, high = (between("bmi_for_age_5_19", "male", at) for at in (100, 101))
    half = between("bmi_for_age_5_19", "male", 100.5)
    assert half.m == pytest.approx((low.m + high.m) / 2)


def test_a_height_that_no_table_has_leaves_the_other_indicators() -> None:
    found = names(assess(Child("male", age_days=100, height=44.0, weight=2.5)))
    assert found == {"length_height_for_age", "weight_for_age", "bmi_for_age"}
    with pytest.raises(KeyError):
        by_size("weight_for_length", "male", 110.1, 20)
    assert by_size("weight_for_length", "male", 45.04, 2.441) == 0


def test_an_implausible_score_is_flagged_and_not_judged() -> None:
    (found,) = assess(Child("male", age_days=365, weight=96.0))
    assert (found.plausible, found.category) == (False, None)


@pytest.mark.parametrize(
    ("indicator", "edges"),
    [("length_height_for_age", (6.0, 6.01, -6.0, -6.01)),
     ("weight_for_age", (5.0, 5.01, -6, -6.01)), ("bmi_for_age", (5.0, 5.01, -5, -5.01))],
)  # fmt: skip
def test_flags_at_their_edges(indicator: str, edges: tuple[float, ...]) -> None:
    judged = [zscores.plausible(indicator, z) for z in edges]
    assert judged == [True, False, True, False]


@given(sexes, st.sampled_from(BY_DAY), st.integers(0, 1826), st.data())
def test_more_is_never_a_lower_score(
    sex: Sex, indicator: str, day: int, data: st.DataObject
) -> None:
    median = grid(indicator, sex).row(day).m
    some, more = sorted(data.draw(st.floats(0.3, 3)) * median for _ in range(2))
    assert by_day(indicator, sex, day, some) <= by_day(indicator, sex, day, more)


@given(
    sexes,
    st.integers(0, 6939) | st.floats(0, 228),
    st.none() | st.floats(30, 250),
    st.none() | st.floats(0.3, 400),
    st.none() | st.floats(20, 70),
    st.sampled_from([None, "lying", "standing"]),
)
def test_every_child_has_an_answer(
    sex: Sex,
    age: float,
    height: float | None,
    weight: float | None,
    head: float | None,
    position: Any,
) -> None:
    given: dict[str, Any] = {"age_days": age} if isinstance(age, int) else {"age_months": age}
    found = assess(Child(sex, height=height, weight=weight, head=head, position=position, **given))
    for one in found:
        assert one.z == round(one.z, 2)
        assert one.plausible or one.category is None
