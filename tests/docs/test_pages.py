"""The pages name files that exist, every setting, and every command."""

import re
from pathlib import Path

import pytest
import typer.main

from service.cli.commands import tree
from service.kit.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
NAMED = re.compile(r"`((?:service|consent|tests|clients|docs|docker|bench)/[\w./-]+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text)]
    missing = [name for name in NAMED.findall(text) if not (ROOT / name.rstrip("/")).exists()]
    missing += [link for link in links if link and not (page.parent / link).exists()]
    assert missing == []


def test_every_promise_names_its_tests() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| (P\d+) \|.*$", text, re.MULTILINE)
    assert rows == [f"P{number}" for number in range(1, 13)]
    for line in re.findall(r"^\| P\d+ \|.*$", text, re.MULTILINE):
        assert "tests/" in line


def test_every_setting_is_on_the_operations_page() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `KANGMA_(\w+)`", text, re.MULTILINE))
    assert documented == {name.upper() for name in Settings.model_fields}


def test_every_command_of_the_operations_page_exists() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    group = typer.main.get_group(tree())
    for line in re.findall(r"kangma ((?:[a-z][a-z-]+ ?)+)", text):
        command = group
        for word in line.split():
            commands = getattr(command, "commands", None)
            if commands is None:
                break
            assert word in commands, line
            command = commands[word]
