"""A decision in words, in both languages."""

import re

import pytest

from consent.advice import ADVICE
from consent.explain import advice, explain
from consent.rules import RULES, SENTENCES
from consent.vocabulary import CLASSES, PURPOSES, Text
from tests.unit.consent.people import BODY, CITY, DOCTOR, LIFESTYLE, MENTAL, RESIDENT, ask, grant


def test_a_refusal_is_its_sentence_and_what_to_do() -> None:
    answer = ask(CITY, BODY)
    assert explain(answer, "en").split("\n") == [
        "The city never reads a person's record.",
        "Use the published anonymous tables.",
    ]
    assert explain(answer, "zh").split("\n")[0] == SENTENCES["city-no-person"].zh


def test_nothing_withheld_adds_no_line() -> None:
    assert explain(ask(RESIDENT, BODY), "en").split("\n") == [
        "A resident may use their own record.",
        "There is nothing to do.",
    ]


def test_what_is_withheld_is_named_by_rule() -> None:
    granted = grant(LIFESTYLE, MENTAL, separate_consent=frozenset())
    answer = ask(DOCTOR, LIFESTYLE, MENTAL, BODY, grants=(granted,))
    assert explain(answer, "en").split("\n") == [
        SENTENCES["signed-doctor"].en,
        ADVICE["signed-doctor"].en,
        f"Withheld: Body and vital signs: {SENTENCES['no-grant'].en} {ADVICE['no-grant'].en}",
        f"Withheld: Mental health: {SENTENCES['separate-consent'].en} "
        f"{ADVICE['separate-consent'].en}",
    ]
    assert explain(answer, "zh").split("\n") == [
        SENTENCES["signed-doctor"].zh,
        ADVICE["signed-doctor"].zh,
        f"未提供：体征：{SENTENCES['no-grant'].zh}{ADVICE['no-grant'].zh}",
        f"未提供：心理健康：{SENTENCES['separate-consent'].zh}{ADVICE['separate-consent'].zh}",
    ]


# Words of the trade that a resident has no use for.
JARGON = re.compile(
    r"\b(permits?|policy|revision|actor|principal|subject|grantee|obligations?|token|facts?"
    r"|acr|break-glass|vocabulary|scope|null|basis|enum|invalid|authoriz\w+|decision)\b"
    r"|数据主体|被授权方|令牌|修订号|枚举|参数|字段|策略|依据链|凭据",
    re.IGNORECASE,
)
MOST_WORDS, MOST_SIGNS, LONGEST_WORD = 22, 30, 14


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
class TestPlainWords:
    def texts(self, rule: str) -> list[Text]:
        return [SENTENCES[rule], advice(rule)]

    def test_speak_no_jargon_and_no_names_of_rules(self, rule: str) -> None:
        names = [one.id for one in RULES if "-" in one.id]
        for text in self.texts(rule):
            for spoken in text:
                assert not JARGON.search(spoken), spoken
                assert not [name for name in names if name in spoken]
                assert "_" not in spoken

    def test_come_in_short_sentences(self, rule: str) -> None:
        for text in self.texts(rule):
            for sentence in re.split(r"[.;] ?", text.en):
                words = sentence.split()
                assert len(words) <= MOST_WORDS, sentence
                assert all(len(word) <= LONGEST_WORD for word in words), sentence
            for part in re.split("[，。；、：]", text.zh):
                assert len(part) <= MOST_SIGNS, part

    def test_end_as_sentences_do_in_both_languages(self, rule: str) -> None:
        for text in self.texts(rule):
            assert text.zh.endswith("。")
            assert not re.search("[A-Za-z]", text.zh)
            assert text.en.endswith(".")
            assert text.en[0].isupper()


def test_there_is_advice_for_every_rule_and_no_other() -> None:
    assert ADVICE.keys() == {rule.id for rule in RULES}


def test_names_of_classes_and_purposes_are_plain_too() -> None:
    for name in [*(traits.name for traits in CLASSES.values()), *PURPOSES.values()]:
        assert not JARGON.search(name.zh)
        assert not JARGON.search(name.en)
