"""The pages for readers say what the data say."""

from pathlib import Path

import pytest

from service.domain.vocabulary.pages import PAGES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_committed_page_is_the_generated_one(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), "run python -m service.domain.vocabulary.pages"
