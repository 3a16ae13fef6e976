"""docs/risk-models.md says what the models compute with today."""

from pathlib import Path

from service.domain.risk.models import MODELS
from service.domain.risk.pages import page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "risk-models.md"


def test_the_page_is_what_the_data_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m service.cli.pages"


def test_the_page_shows_source_grade_caveat_and_every_trap_of_every_model() -> None:
    text = PAGE.read_text("utf-8")
    for model in MODELS.values():
        assert model.citation in text
        assert f"`{model.id}` {model.version}, 等级 grade {model.grade}, " in text
        assert f"> {model.caveat.zh}\n>\n> {model.caveat.en}" in text
        for trap in model.traps:
            assert trap.zh in text
            assert trap.en in text


def test_every_line_that_explains_is_in_both_languages() -> None:
    """Whoever reads one of them alone must miss nothing."""
    prose = [
        line
        for line in PAGE.read_text("utf-8").splitlines()
        if line.startswith(("- ", "# ", "## ")) and "`" not in line[:4]
    ]
    assert len(prose) > 100
    for line in prose:
        # A sentence of units alone has a Chinese full stop at least.
        assert any("\u4e00" <= letter <= "\u9fff" or letter == "。" for letter in line), line
        assert sum(letter.isascii() and letter.isalpha() for letter in line) > 3, line
