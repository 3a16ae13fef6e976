"""docs/how-your-colour-is-made.md says what the assessment does, to the people it is about."""

from pathlib import Path

from service.domain.risk.colour_page import CATEGORIES, ITEMS, page
from service.domain.risk.models import MODELS
from service.domain.risk.rules import CHOICES, RISING

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-your-colour-is-made.md"
TABLES = MODELS["five_level_mapping"].parameters


def test_the_page_is_what_the_data_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m service.cli.pages"


def test_no_table_that_makes_a_level_is_left_out() -> None:
    assert set(ITEMS) == {*RISING, *CHOICES}
    assert set(CATEGORIES) == {category for name in CHOICES for category in TABLES[name]}


def test_each_row_names_its_source_and_grade_and_puts_each_category_under_its_colour() -> None:
    rows = {line.split("<br>")[0]: line for line in page().splitlines() if "<br>" in line}
    for key, words in ITEMS.items():
        row = rows[f"| {words['zh']}"]
        cells = row.split(" | ")
        for model in words["models"]:
            assert MODELS[model].citation in row
            assert f"({MODELS[model].grade})" in row
        if key in CHOICES:
            for category, level in TABLES[key].items():
                assert CATEGORIES[category].en in cells[level], (key, category)
        else:
            for bound, level in TABLES[key]:
                assert cells[level].startswith((f"≥{bound}", f"{bound}-<")), (key, bound)


def test_the_page_claims_no_diagnosis_and_no_promise() -> None:
    text = page()
    for sentence in ("不是诊断", "no diagnosis", "模型估算", "not a promise", "绝不显示绿色"):
        assert sentence in text
    assert "您患有" not in text
