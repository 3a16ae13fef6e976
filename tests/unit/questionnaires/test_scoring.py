"""Scoring of questionnaires: the bugs seen in public code, each with a test; and no answer lost."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.questionnaires.instruments import INSTRUMENTS, Instrument
from service.domain.questionnaires.scoring import (
    FIRST_ITEM_ONLY,
    Result,
    crisis,
    crisis_of_entry,
    points,
    score,
)

PHQ9, TCM, IPAQ = INSTRUMENTS["phq9"], INSTRUMENTS["tcm33"], INSTRUMENTS["ipaq_sf"]
CALM = {f"phq9_{n}": 0 for n in range(1, 10)}
ANSWERED = [one for one in INSTRUMENTS.values() if one.items]
SUMS = [one for one in INSTRUMENTS.values() if one.method["kind"] in ("sum", "scale")]


def told(name: str, answers: list[int], **more: Any) -> Result:
    instrument = INSTRUMENTS[name]
    return score(instrument, dict(zip(instrument.items, answers, strict=True)), **more)


def test_all_sixteen_of_the_reference_and_the_self_tests_are_there() -> None:
    wanted = {
        "phq9", "gad7", "auditc", "ftnd", "parqplus", "ipaq_sf", "ais", "elder_selfcare", "tcm33",
        "frail", "evs", "falls3", "minicog", "mmse", "elder_screen_basic", "acsm_screen",
    }  # fmt: skip
    assert len(wanted) == 16
    assert set(INSTRUMENTS) == wanted | {
        "phq2", "gad2", "hsi", "health_literacy", "three_cuts_three_health",
    }  # fmt: skip
    for one in INSTRUMENTS.values():
        assert one.licence
        assert one.scoring
        assert one.caveat.zh
        assert one.caveat.en


@pytest.mark.parametrize("answer", [1, 2, 3])
@pytest.mark.parametrize("total", [0, 27])
def test_item_nine_speaks_at_any_total(answer: int, total: int) -> None:
    others = dict.fromkeys(CALM, 3 if total else 0)
    found = score(PHQ9, {**others, "phq9_9": answer})
    assert found.crisis is not None
    for number in ("12356", "120", "110"):
        assert number in found.crisis.zh
        assert number in found.crisis.en


def test_item_nine_speaks_even_when_nothing_else_is_answered() -> None:
    found = score(PHQ9, {"phq9_9": 1})
    assert (found.state, found.total) == ("incomplete", None)
    assert found.crisis is not None
    assert score(PHQ9, CALM).crisis is None


@pytest.mark.parametrize("bad", [True, "1", None, 1.0, [1]])
def test_only_a_whole_number_is_an_answer_to_item_nine(bad: Any) -> None:
    assert crisis(PHQ9, {"phq9_9": bad}) is None


def test_a_record_as_it_was_sent_is_heard() -> None:
    entry = {"kind": "questionnaire", "questionnaire": "phq9", "answers": {"phq9_9": 2}}
    assert crisis_of_entry(entry) is not None
    for other in (
        {**entry, "kind": "observation"}, {**entry, "questionnaire": "gad7"},
        {**entry, "questionnaire": ["phq9"]}, {**entry, "answers": [2]}, {**entry, "answers": None},
        None, [entry], "phq9",
    ):  # fmt: skip
        assert crisis_of_entry(other) is None


@pytest.mark.parametrize(
    ("total", "band"),
    [(4, "minimal"), (5, "mild"), (9, "mild"), (10, "moderate"), (14, "moderate"),
     (15, "moderately severe"), (19, "moderately severe"), (20, "severe"), (27, "severe")],
)  # fmt: skip
def test_bands_of_phq9_at_their_edges(total: int, band: str) -> None:
    answers = [min(3, max(0, total - 3 * n)) for n in range(9)]
    assert told("phq9", answers).category == band


@pytest.mark.parametrize(
    ("answers", "band"),
    [([3, 0, 0, 0, 0], "independent"), ([0, 1, 3, 0, 0], "mild dependence"),
     ([3, 0, 5, 0, 0], "mild dependence"), ([3, 0, 5, 1, 0], "moderate dependence"),
     ([5, 3, 5, 5, 0], "moderate dependence"), ([5, 7, 5, 1, 1], "unable to care for self")],
)  # fmt: skip
def test_self_care_scores_4_9_and_19_fall_in_a_band(answers: list[int], band: str) -> None:
    assert told("elder_selfcare", answers).category == band


def test_dressing_is_five_points_not_seven() -> None:
    options = INSTRUMENTS["elder_selfcare"].items["dress"].options
    assert options is not None
    assert [option.value for option in options] == [0, 3, 5]


def test_every_total_of_a_banded_sum_has_a_band() -> None:
    for one in SUMS:
        if one.bands:
            choices = [[option.value for option in item.options or ()]
                       for item in one.items.values() if item.scored]  # fmt: skip
            low, high = sum(map(min, choices)), sum(map(max, choices))
            for sex in ("female", "male"):
                bands = [band for band in one.bands if band.sex in (None, sex)]
                covered = [n for band in bands for n in range(band.low, band.high + 1)]
                assert covered == list(range(low, high + 1)), one.id


def test_auditc_depends_on_sex_and_says_so() -> None:
    assert told("auditc", [3, 0, 0], sex="female").category == "Positive"
    assert told("auditc", [3, 0, 0], sex="male").category == "Negative"
    assert told("auditc", [2, 2, 0], sex="male").category == "Positive"
    unknown = told("auditc", [3, 0, 0])
    assert (unknown.total, unknown.category) == (3, None)
    assert FIRST_ITEM_ONLY in unknown.notes
    assert FIRST_ITEM_ONLY not in told("auditc", [0, 0, 0]).notes


@pytest.mark.parametrize("name", ["phq2", "gad2"])
def test_a_positive_short_form_asks_for_the_long_one(name: str) -> None:
    assert told(name, [1, 1]).notes == ()
    assert (told(name, [2, 1]).category, len(told(name, [2, 1]).notes)) == ("Positive", 1)


def test_tcm_balanced_person() -> None:
    answers = {str(n): 1 for n in range(1, 34)} | {"1": 5}
    found = score(TCM, answers)
    assert found.parts["balanced"] == {"points": 25, "verdict": "yes"}
    rest = {name: part for name, part in found.parts.items() if name != "balanced"}
    assert all(part == {"points": 4, "verdict": "no"} for part in rest.values())
    assert found.category == "balanced"


def test_tcm_all_threes() -> None:
    found = score(TCM, {str(n): 3 for n in range(1, 34)})
    assert found.parts["balanced"] == {"points": 15, "verdict": "no"}
    rest = [part for name, part in found.parts.items() if name != "balanced"]
    assert rest == [{"points": 12, "verdict": "yes"}] * 8
    assert found.category is None


def test_tcm_shared_items_count_in_both_scales_and_reversed_in_one() -> None:
    plain = {str(n): 1 for n in range(1, 34)}
    for item, scale in ((2, "qi_deficiency"), (4, "qi_deficiency"), (5, "qi_stagnation"),
                        (13, "yang_deficiency")):  # fmt: skip
        before, after = score(TCM, plain), score(TCM, plain | {str(item): 5})
        assert after.parts[scale]["points"] - before.parts[scale]["points"] == 4
        assert after.parts["balanced"]["points"] - before.parts["balanced"]["points"] == -4


def test_tcm_item_thirteen_is_not_item_twelve() -> None:
    plain = {str(n): 1 for n in range(1, 34)}
    cold = score(TCM, plain | {"12": 5})
    assert cold.parts["balanced"]["points"] == score(TCM, plain).parts["balanced"]["points"]


@pytest.mark.parametrize(
    ("leading", "verdict"), [(8, "yes"), (9, "basically"), (10, "basically"), (11, "no")]
)
def test_tcm_balanced_depends_on_the_others(leading: int, verdict: str) -> None:
    # Items 10, 21, 26 and 31 belong to yin deficiency alone.
    answers = {str(n): 1 for n in range(1, 34)} | {"1": 5}
    for item, extra in zip(("10", "21", "26", "31"), (4, 3, 0, 0), strict=True):
        answers[item] += min(extra, max(0, leading - sum(answers[i] for i in
                                                         ("10", "21", "26", "31"))))  # fmt: skip
    found = score(TCM, answers)
    assert found.parts["yin_deficiency"]["points"] == leading
    assert found.parts["balanced"]["verdict"] == verdict


def week(*six: int | None) -> dict[str, int]:
    names = [f"ipaq_{n}" for n in range(1, 7)]
    return {name: value for name, value in zip(names, six, strict=True) if value is not None}


@pytest.mark.parametrize(
    ("six", "state", "total", "level"),
    [((1, 60, 3, 40, 5, 30), "complete", 1455, "moderate"),
     ((0, None, 0, None, 0, None), "complete", 0, "low"),
     ((3, 63, 0, None, 0, None), "complete", 1512, "high"),
     ((3, 62, 0, None, 0, None), "complete", 1488, "moderate"),
        ((4, 30, 2, 90, 3, 60), "complete", 2274, "moderate"),
     ((3, 19, 0, None, 0, None), "complete", 456, "low"),
     ((3, 20, 0, None, 0, None), "complete", 480, "moderate"),
     ((7, 240, 0, None, 0, None), "complete", 10080, "high"),
     ((7, 9, 0, None, 0, None), "complete", 0, "low"),
     ((1, 400, 1, 400, 1, 161), "excluded", None, None),
     ((1, 400, 1, 400, 1, 160), "complete", 2688, "low"),
     ((1, None, 0, None, 0, None), "excluded", None, None),
     ((None, None, 0, None, 0, None), "excluded", None, None)],
)  # fmt: skip
def test_ipaq_is_cleaned_before_it_is_summed(
    six: tuple[int | None, ...], state: str, total: float | None, level: str | None
) -> None:
    found = score(IPAQ, week(*six))
    assert (found.state, found.category) == (state, level)
    assert found.total == (None if total is None else pytest.approx(total))


@pytest.mark.parametrize(
    ("answers", "result"),
    [((0, 0, 0), "start_moderate"), ((0, 1, 0), "clearance_then_progress"),
     ((0, 0, 1), "clearance"), ((0, 1, 1), "clearance"), ((1, 0, 0), "continue"),
     ((1, 1, 0), "clearance_before_vigorous"), ((1, 0, 1), "stop"), ((1, 1, 1), "stop")],
)  # fmt: skip
def test_screening_before_exercise_covers_every_branch(
    answers: tuple[int, ...], result: str
) -> None:
    assert told("acsm_screen", list(answers)).category == result


def test_one_yes_is_enough_and_a_no_needs_all() -> None:
    falls = INSTRUMENTS["falls3"]
    assert score(falls, {"falls3_2": 1}).category == "at risk"
    assert score(falls, {"falls3_2": 0}).state == "incomplete"
    assert told("falls3", [0, 0, 0]).category == "no to all"


@pytest.mark.parametrize(
    ("days", "minutes", "category"),
    [(5, 30, "meets the guideline"), (4, 35, "below the guideline"), (0, 0, "below the guideline")],
)
def test_exercise_vital_sign(days: int, minutes: int, category: str) -> None:
    found = told("evs", [days, minutes])
    assert (found.total, found.category) == (days * minutes, category)


def test_totals_of_instruments_whose_items_are_withheld() -> None:
    literacy, mmse = INSTRUMENTS["health_literacy"], INSTRUMENTS["mmse"]
    assert score(literacy, {}, total=79).category == "below basic literacy"
    assert score(literacy, {}, total=80).category == "basic literacy"
    judged = score(mmse, {}, total=20)
    assert (judged.total, judged.category) == (20, None)
    assert score(mmse, {}).state == "incomplete"
    for one in INSTRUMENTS.values():
        assert (one.method["kind"] == "entered") == (one.items_withheld is not None)


def test_the_mouth_is_asked_and_not_scored() -> None:
    instrument = INSTRUMENTS["three_cuts_three_health"]
    all_yes = dict.fromkeys(instrument.items, 1)
    assert score(instrument, all_yes).total == 5
    assert score(instrument, all_yes | {"mouth": 0}).total == 5
    assert instrument.grade == "P"


def any_answers(instrument: Instrument) -> st.SearchStrategy[dict[str, int]]:
    return st.fixed_dictionaries(
        {},
        optional={
            name: st.sampled_from([option.value for option in item.options])
            if item.options
            else st.integers(item.low, item.high)
            for name, item in instrument.items.items()
        },
    )


@given(st.sampled_from(ANSWERED), st.sampled_from([None, "female", "male"]), st.data())
def test_every_set_of_answers_has_a_result(
    instrument: Instrument, sex: Any, data: st.DataObject
) -> None:
    found = score(instrument, data.draw(any_answers(instrument)), sex=sex)
    assert found.state in {"complete", "incomplete", "excluded"}
    if found.state != "complete":
        assert found.total is None
        assert found.missing or found.notes


@given(st.sampled_from(SUMS), st.data())
def test_a_higher_answer_never_lowers_a_sum(instrument: Instrument, data: st.DataObject) -> None:
    def whole() -> dict[str, int]:
        answers = data.draw(any_answers(instrument))
        lowest = {name: min(option.value for option in item.options or ())
                  for name, item in instrument.items.items()}  # fmt: skip
        return lowest | answers

    one, other = whole(), whole()
    low = {name: min(one[name], other[name]) for name in one}
    before, after = points(instrument, low), points(instrument, one)
    assert before is not None
    assert after is not None
    assert before <= after


def test_every_answer_of_small_instruments_is_scored() -> None:
    for name in ("auditc", "frail", "falls3", "elder_selfcare", "ftnd"):
        instrument = INSTRUMENTS[name]
        choices = [[option.value for option in item.options or ()]
                   for item in instrument.items.values()]  # fmt: skip
        for answers in product(*choices):
            assert told(name, list(answers), sex="male").label is not None
