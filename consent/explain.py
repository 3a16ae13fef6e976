"""Decisions in words that a resident understands, and what can be done about each."""

from consent.advice import ADVICE
from consent.decision import Decision
from consent.rules import RULES, SENTENCES
from consent.vocabulary import CLASSES, Language, Text

WITHHELD = Text("未提供", "Withheld")


def explain(decision: Decision, language: Language) -> str:
    """Why it was decided so, what to do about it, and a line for each rule that closed something.

    The lines of a decision that permits end with what was withheld and why.
    """
    lines = [decision.sentence.in_(language), ADVICE[decision.rule].in_(language)]
    if decision.allow:
        lines += [_withheld_line(decision, rule, language) for rule in _rules_withholding(decision)]
    return "\n".join(lines)


def advice(rule: str) -> Text:
    """What can be done about an answer by this rule; KeyError for a rule that is not there."""
    return ADVICE[rule]


def _rules_withholding(decision: Decision) -> list[str]:
    used = set(decision.withheld.values())
    return [rule.id for rule in RULES if rule.id in used]


def _withheld_line(decision: Decision, rule: str, language: Language) -> str:
    names = [
        traits.name.in_(language)
        for data_class, traits in CLASSES.items()
        if decision.withheld.get(data_class) == rule
    ]
    listed = ("、" if language == "zh" else "; ").join(names)
    colon = "：" if language == "zh" else ": "
    why, what = SENTENCES[rule].in_(language), ADVICE[rule].in_(language)
    between = "" if language == "zh" else " "
    return f"{WITHHELD.in_(language)}{colon}{listed}{colon}{why}{between}{what}"
