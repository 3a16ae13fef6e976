"""Nothing is said without a source: a row that cites nothing does not load, and wording invites."""

import re
import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import pytest

from service.domain.care import checks, colours, goals, messages, plan, sources
from service.domain.care.norm import DISEASES, LABELS, REASONS
from service.domain.care.sources import GRADES, SOURCES, Unsourced, parsed, read, source_of
from service.domain.risk import advice

TABLES = sorted(
    entry.name.removesuffix(".toml")
    for entry in files("service.domain.care").joinpath("data").iterdir()
    if entry.name.endswith(".toml")
)
PRONOUNCES = re.compile(
    r"(您|你)(已经?|现)?(患有|得了|确诊)|诊断为|you (have|suffer from) (?!.*advised)|you are ill|"
    r"diagnosed with",
    re.IGNORECASE,
)
ADVISES = re.compile(r"建议|advised")


def sourced(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every place of a table that says something, and what should name its source."""
    table = read(name)
    if name == "visits":
        yield from ((part, table[part]) for part in ("child", "pregnancy", "postpartum"))
        return
    if name == "norm":
        yield "norm", table
        yield "rates", table["rates"]
    for kind in ("check", "message", "goal", "target", "entry"):
        yield from ((f"{kind} {number}", row) for number, row in enumerate(table.get(kind, ())))


SAYS_NOTHING = {"sources", "exercise"}
"""The sources themselves, and words of the record beside words of the exercise rules."""


@pytest.mark.parametrize("name", [name for name in TABLES if name not in SAYS_NOTHING])
def test_every_row_cites_a_source_that_exists(name: str) -> None:
    rows = list(sourced(name))
    assert rows
    for place, row in rows:
        assert row.get("source") in SOURCES, (name, place)


def test_every_source_has_citation_grade_and_caveat_in_both_languages() -> None:
    for source in SOURCES.values():
        assert len(source.citation) > 8, source.id
        assert source.grade in GRADES, source.id
        assert source.caveat.zh, source.id
        assert source.caveat.en, source.id
        assert source.shown().keys() == {"source", "grade", "caveat"}


def test_every_source_is_used() -> None:
    text = "".join(
        files("service.domain.care").joinpath("data", f"{name}.toml").read_text("utf-8")
        for name in TABLES
        if name != "sources"
    )
    in_code = {goals.OWN, goals.PATH, messages.CHOICE, plan.LIPIDS, colours.SOURCE}
    for name, source in SOURCES.items():
        assert f'"{name}"' in text or source in in_code, name


@pytest.mark.parametrize("lost", ["citation", "grade", "caveat"])
def test_a_source_that_lacks_something_does_not_load(lost: str) -> None:
    whole = {"citation": "A guideline", "grade": "B", "caveat": {"zh": "甲", "en": "b"}}
    assert parsed({"one": whole})
    with pytest.raises(Unsourced, match="one"):
        parsed({"one": {key: value for key, value in whole.items() if key != lost}})
    with pytest.raises(Unsourced):
        parsed({"one": {**whole, "grade": "D"}})


@pytest.mark.parametrize(
    ("read_row", "table", "kind"),
    [
        (checks.parsed, "checks", "check"),
        (messages.parsed, "messages", "message"),
        (goals.parsed, "goals", "goal"),
    ],
)
def test_a_rule_without_a_source_fails_the_build(
    read_row: Callable[[Any], Any], table: str, kind: str
) -> None:
    row = read(table)[kind][0]
    assert read_row(row).source
    for broken in ({**row, "source": "hearsay"}, {k: v for k, v in row.items() if k != "source"}):
        with pytest.raises(Unsourced):
            read_row(broken)
    with pytest.raises(Unsourced):
        source_of({})


def test_every_message_of_the_prompt_cites_something() -> None:
    for message in (*advice.MESSAGES, *advice.URGENT.values()):
        assert message["citation"].strip()


def test_an_uncited_message_of_the_prompt_cannot_enter_a_plan() -> None:
    told = {"text": {"zh": "甲", "en": "a"}, "citation": ""}
    with pytest.raises(Unsourced):
        messages._of_prompt("m", told, "citation")


def texts() -> Iterator[tuple[str, str]]:
    """Every sentence a person is told by these tables and by the prompt's messages."""
    for check in checks.CHECKS:
        yield from ((check.item, text) for text in check.name)
    for message in messages.MESSAGES:
        yield from ((message.id, text) for text in message.text)
    for row in (*advice.MESSAGES, *advice.URGENT.values()):
        yield from ((row.get("id", "urgent"), row[language]) for language in ("zh", "en"))
    for one in (*LABELS.values(), *REASONS.values(), *(one.name for one in DISEASES)):
        yield from (("norm", text) for text in one)


def test_no_sentence_says_that_somebody_is_ill() -> None:
    for name, text in texts():
        assert not PRONOUNCES.search(text), (name, text)


@pytest.mark.parametrize(
    "text", ["您患有高血压。", "您已确诊糖尿病", "You have diabetes.", "diagnosed with COPD"]
)
def test_a_sentence_that_pronounces_is_recognised(text: str) -> None:
    assert PRONOUNCES.search(text)


def test_checks_and_core_messages_advise() -> None:
    for check in checks.CHECKS:
        assert all(ADVISES.search(text) for text in check.name), check.item
    for message in messages.MESSAGES:
        assert all(ADVISES.search(text) for text in message.text), message.id
    for row in read("due")["check"]:
        assert all(ADVISES.search(text) for text in row["name"].values()), row["item"]


def test_tables_are_read_once_and_are_valid() -> None:
    for name in TABLES:
        text = files("service.domain.care").joinpath("data", f"{name}.toml").read_text("utf-8")
        assert tomllib.loads(text) == sources.read(name)
