"""docs/care.md says what the tables of care say today, with every source they cite."""

from pathlib import Path

from service.domain.care.checks import CHECKS
from service.domain.care.messages import MESSAGES
from service.domain.care.pages import page
from service.domain.care.sources import SOURCES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "care.md"


def test_the_page_is_what_the_data_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m service.cli.pages"


def test_every_rule_is_on_the_page_with_its_source() -> None:
    lines = PAGE.read_text("utf-8").splitlines()
    for name, source in (
        *((check.item, check.source) for check in CHECKS),
        *((message.id, message.source) for message in MESSAGES),
    ):
        assert any(f"`{name}`" in line and f"`{source.id}`" in line for line in lines), name
    for source in SOURCES.values():
        assert any(
            f"`{source.id}`" in line and source.citation in line and source.caveat.zh in line
            for line in lines
        ), source.id
