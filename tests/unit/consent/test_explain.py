"""A decision in words, in both languages."""

from consent.explain import explain
from consent.rules import SENTENCES
from tests.unit.consent.people import BODY, CITY, DOCTOR, LIFESTYLE, MENTAL, RESIDENT, ask, grant


def test_a_refusal_is_its_sentence() -> None:
    answer = ask(CITY, BODY)
    assert explain(answer, "en") == "The city never reads a person's record."
    assert explain(answer, "zh") == SENTENCES["city-no-person"].zh


def test_nothing_withheld_is_one_line() -> None:
    assert explain(ask(RESIDENT, BODY), "en") == "A resident may use their own record."


def test_what_is_withheld_is_named_by_rule() -> None:
    granted = grant(LIFESTYLE, MENTAL, separate_consent=frozenset())
    answer = ask(DOCTOR, LIFESTYLE, MENTAL, BODY, grants=(granted,))
    assert explain(answer, "en").split("\n") == [
        SENTENCES["signed-doctor"].en,
        f"Withheld: Body and vital signs: {SENTENCES['no-grant'].en}",
        f"Withheld: Mental health: {SENTENCES['separate-consent'].en}",
    ]
    assert explain(answer, "zh").split("\n") == [
        SENTENCES["signed-doctor"].zh,
        f"未提供：体征：{SENTENCES['no-grant'].zh}",
        f"未提供：心理健康：{SENTENCES['separate-consent'].zh}",
    ]
