"""A check that a screen advises and that was done: the advice changes, the level does not."""

from datetime import UTC, datetime, timedelta

import pytest

from service.domain.care.checks import CHECKS
from service.domain.risk.assess import assess
from service.domain.risk.current import RULES
from service.domain.risk.done import NAMES as CHECKS_DONE
from service.domain.risk.person import Reading
from tests.unit.risk.people import NOW
from tests.unit.risk.test_assess import born, told
from tests.unit.risk.test_screens import WOMAN_OF_70, advised

SMOKER_OF_55 = (born(55), told(smoking_status="former", systolic_bp=118))
COPD_OF_60 = (born(60, conditions=frozenset({"copd"})), told(systolic_bp=118))
SHORT_OF_BREATH = (born(45), told(copd_ps_total=6, systolic_bp=118))
LIGHT_OF_70 = (WOMAN_OF_70, told(post_menopausal="yes", body_weight=48))
ADVISED_CHECKS = {
    "procedure:colonoscopy": (*SMOKER_OF_55, "bowel-high", "bowel-done"),
    "procedure:low_dose_ct_chest": (*COPD_OF_60, "lung-ct", "lung-ct-done"),
    "fev1": (*SHORT_OF_BREATH, "lung-function", "lung-function-done"),
    "fev1_fvc": (*SHORT_OF_BREATH, "lung-function", "lung-function-done"),
    "dxa_t_hip": (*LIGHT_OF_70, "bone-high", "bone-done"),
    "dxa_t_lumbar": (*LIGHT_OF_70, "bone-high", "bone-done"),
}


def test_every_check_that_is_known_to_be_done_stands_here() -> None:
    assert ADVISED_CHECKS.keys() == CHECKS_DONE


@pytest.mark.parametrize("name", sorted(ADVISED_CHECKS))
def test_a_check_that_was_done_changes_the_advice_and_not_the_level(name: str) -> None:
    person, found, asks, says = ADVISED_CHECKS[name]
    before = assess(person, found, NOW)
    assert asks in advised(before)
    assert says not in advised(before)
    value_: float | str = "active" if ":" in name else 1.0
    last = NOW - timedelta(days=30)
    after = assess(person, {**found, name: [Reading(value_, last)]}, NOW)
    assert (after.level, after.causes) == (before.level, before.causes)
    assert asks not in advised(after)
    (text,) = [one["text"] for one in after.actions if one["id"] == says]
    assert f"{last.date()}" in text["zh"]
    assert f"Last: {last.date()}." in text["en"]
    # A day that has not come is not done.
    planned = {**found, name: [Reading(value_, NOW + timedelta(days=1))]}
    assert asks in advised(assess(person, planned, NOW))


@pytest.mark.parametrize(
    ("last", "done", "again"),
    [
        (datetime(2025, 11, 23, 15, tzinfo=UTC), True, "2026-11-23"),
        # In the city it was the 23rd already, and it is due again on the 22nd of the 22nd.
        (datetime(2025, 11, 22, 16, tzinfo=UTC), True, "2026-11-23"),
        (datetime(2025, 11, 22, 15, 59, tzinfo=UTC), False, None),
        (datetime(2024, 1, 1, tzinfo=UTC), False, None),
    ],
)
def test_a_yearly_scan_is_asked_again_on_the_day_its_interval_is_over(
    last: datetime, done: bool, again: str | None
) -> None:
    person, found, asks, says = ADVISED_CHECKS["procedure:low_dose_ct_chest"]
    readings_ = {**found, "procedure:low_dose_ct_chest": [Reading("active", last)]}
    assessment = assess(person, readings_, NOW)
    assert (says in advised(assessment)) is done
    assert (asks in advised(assessment)) is not done
    if again is not None:
        (text,) = [one["text"]["en"] for one in assessment.actions if one["id"] == says]
        assert text.endswith(f"Next: from {again}.")


def test_the_plan_and_the_advice_agree_on_the_interval_of_a_check() -> None:
    """Names and months of `done` are those of the plan's rows."""
    rows = {check.item: check for check in CHECKS}
    planned = {
        "bowel_screening": "colorectal_screening",
        "lung_screening": "lung_screening",
        "lung_function": "copd_spirometry",
        "bone_density": "bone_density",
    }
    assert planned.keys() == RULES["done"].keys()
    for cause, item in planned.items():
        assert rows[item].groups == (tuple(RULES["done"][cause]["names"]),)
        assert rows[item].months == RULES["done"][cause]["months"]
