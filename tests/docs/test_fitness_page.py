"""docs/fitness.md says what the data say today: source, grade and caveat of every table."""

from pathlib import Path

from service.domain.exercise import rules as exercise
from service.domain.fitness.catalogue import STANDARDS
from service.domain.fitness.pages import page
from service.domain.growth import assess, school_age
from service.domain.questionnaires.instruments import INSTRUMENTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "fitness.md"


def test_the_page_is_what_the_data_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m service.cli.pages"


def test_every_table_has_source_and_caveats_in_both_languages() -> None:
    text = PAGE.read_text("utf-8")
    caveats = [
        *(caveat for one in STANDARDS.values() for caveat in one.caveats),
        *(one.caveat for one in INSTRUMENTS.values()),
        *assess.CAVEATS,
        *school_age.CAVEATS,
        *exercise.caveats(),
    ]
    for caveat in caveats:
        assert caveat.zh in text
        assert caveat.en in text
    for standard in STANDARDS.values():
        assert standard.citation in text
    for instrument in INSTRUMENTS.values():
        assert instrument.licence in text
    assert assess.SOURCE in text
    assert text.count("Grade **") == len(STANDARDS) + len(INSTRUMENTS) + 3


def test_wording_that_may_not_be_shown_is_not_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    for instrument in INSTRUMENTS.values():
        assert (instrument.items_withheld is None) == bool(instrument.items)
        if instrument.items_withheld is not None:
            assert instrument.items_withheld.zh in text
