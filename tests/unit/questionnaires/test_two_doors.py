"""The calculator and the questionnaire of the same instrument say the same of the same answers."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain.questionnaires.activity import KINDS
from service.domain.questionnaires.instruments import INSTRUMENTS
from service.domain.questionnaires.scoring import score
from service.domain.risk.models import MODELS, evaluate

days = st.integers(0, 7)
minutes = st.sampled_from([0, 9, 10, 19, 20, 29, 30, 62, 63, 180, 181, 400]) | st.integers(0, 500)


@given(days, minutes, days, minutes, days, minutes)
def test_ipaq(vd: int, vm: int, md: int, mm: int, wd: int, wm: int) -> None:
    answers = dict(zip((f"ipaq_{n}" for n in range(1, 7)), (vd, vm, md, mm, wd, wm), strict=True))
    # Nobody is asked for the time of what they never did.
    vm, mm, wm = vm * bool(vd), mm * bool(md), wm * bool(wd)
    told = score(INSTRUMENTS["ipaq_sf"], answers)
    found = evaluate(
        "physical_activity", {"vigorous": [vd, vm], "moderate": [md, mm], "walk": [wd, wm]}
    )
    assert found["valid"] == (told.state == "complete")
    if found["valid"]:
        assert found["value"]["met_min_truncated"] == told.total
        assert found["category"] == told.category


def test_the_method_that_is_published_is_the_one_that_is_computed_with() -> None:
    method, rules = INSTRUMENTS["ipaq_sf"].method, MODELS["physical_activity"].parameters
    tenths = {KINDS[kind]: tenths / 10 for kind, tenths in method["met_tenths"].items()}
    assert tenths == rules["met"]
    assert method["longest_day_min"] == rules["day_minutes_over"]
    assert method["least_min"] == rules["bout_minutes"]
    assert method["most_min"] == rules["day_minutes_cap"]


@given(st.tuples(*([st.integers(0, 4)] * 3)))
def test_audit_c(answers: tuple[int, int, int]) -> None:
    instrument = INSTRUMENTS["auditc"]
    told = score(instrument, dict(zip(instrument.items, answers, strict=True)), sex="male")
    given = {f"q{n}": answer for n, answer in enumerate(answers, 1)}
    assert evaluate("audit_alcohol", given)["value"]["audit_c"] == told.total


@given(st.tuples(*(st.integers(0, high) for high in (3, 1, 1, 3, 1, 1))))
def test_ftnd(answers: tuple[int, ...]) -> None:
    """The totals agree; the bands do not, as their sources do not, and the caveat says so."""
    instrument = INSTRUMENTS["ftnd"]
    told = score(instrument, dict(zip(instrument.items, answers, strict=True)))
    given = {f"q{n}": answer for n, answer in enumerate(answers, 1)}
    value = evaluate("ftnd_packyears", given)["value"]
    assert (value["ftnd"] if isinstance(value, dict) else value) == told.total
    assert "differ" in instrument.caveat.en
