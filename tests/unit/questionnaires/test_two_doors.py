"""The calculator and the questionnaire of the same instrument say the same of the same answers."""

from bisect import bisect

from hypothesis import given
from hypothesis import strategies as st

from service.domain.questionnaires import instruments
from service.domain.questionnaires.activity import KINDS
from service.domain.questionnaires.instruments import INSTRUMENTS
from service.domain.questionnaires.scoring import Sex, score
from service.domain.risk.calculators.lifestyle import POSITIVE
from service.domain.risk.models import MODELS, evaluate
from service.domain.risk.scales import FTND, SCALES

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


@given(st.tuples(*([st.integers(0, 4)] * 3)), st.sampled_from(["female", "male"]))
def test_audit_c(answers: tuple[int, int, int], sex: Sex) -> None:
    instrument = INSTRUMENTS["auditc"]
    told = score(instrument, dict(zip(instrument.items, answers, strict=True)), sex=sex)
    given = {f"q{n}": answer for n, answer in enumerate(answers, 1)}
    found = evaluate("audit_alcohol", {**given, "sex": sex})
    assert found["value"]["audit_c"] == told.total
    assert (told.category == "Positive") is (POSITIVE.both() in found["notes"])


@given(st.tuples(*(st.integers(0, high) for high in (3, 1, 1, 3, 1, 1))))
def test_ftnd(answers: tuple[int, ...]) -> None:
    instrument = INSTRUMENTS["ftnd"]
    told = score(instrument, dict(zip(instrument.items, answers, strict=True)))
    given = {f"q{n}": answer for n, answer in enumerate(answers, 1)}
    found = evaluate("ftnd_packyears", given)
    assert found["value"] == told.total
    # Their references band the total differently, and each door answers as its own does.
    assert told.total is not None
    assert told.category == ("low", "moderate", "high")[bisect([3, 6], told.total - 0.5)]
    assert found["category"] == FTND.row(told.total).category  # type: ignore[union-attr]
    assert "ftnd_packyears" in instrument.caveat.en


def test_both_doors_read_the_bands_of_audit_c_in_one_place() -> None:
    """No other table of them is left to disagree."""
    entries = {one["id"]: one for one in instruments._document()["instruments"]}
    assert entries["auditc"]["bands"] == []
    rows = SCALES["auditc"].rows
    assert [(b.low, b.high, b.sex) for b in INSTRUMENTS["auditc"].bands] == [
        (row.low, row.high, row.sex) for row in rows
    ]


def test_the_bands_that_are_not_used_are_named_with_their_sources() -> None:
    model = MODELS["ftnd_packyears"]
    assert [band["category"] for band in model.categories] == [row.category for row in FTND.rows]
    assert all(one["citation"] for one in model.parameters["not_used"])
    assert "Heatherton" in model.citation
