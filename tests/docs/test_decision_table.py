"""docs/decision-table.md is what the rules say today."""

from pathlib import Path

from consent.advice import ADVICE
from consent.rules import RULES
from consent.table import decision_table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "decision-table.md"


def test_the_page_is_what_the_generator_writes() -> None:
    assert PAGE.read_text("utf-8") == decision_table(), (
        "run: python -m consent.table > docs/decision-table.md"
    )


def test_the_page_shows_every_rule_with_both_sentences() -> None:
    lines = PAGE.read_text("utf-8").splitlines()
    for rule in RULES:
        row = next(line for line in lines if f"| `{rule.id}` |" in line)
        assert rule.sentence.zh in row
        assert rule.sentence.en in row
        assert ADVICE[rule.id].zh in row
        assert ADVICE[rule.id].en in row
