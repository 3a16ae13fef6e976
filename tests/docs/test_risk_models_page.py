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
        assert f"`{model.id}` {model.version}, grade {model.grade}, " in text
        assert f"> {model.caveat.zh}\n>\n> {model.caveat.en}" in text
        for trap in model.traps:
            assert trap.zh in text
            assert trap.en in text
