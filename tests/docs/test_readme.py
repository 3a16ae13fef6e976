"""The README's ten lines run as printed, against the demo as a newcomer starts it."""

import io
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from tests.journeys.server import KANGMA, Installation, serving

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"README.md": "looked at", "README.zh-CN.md": "查看了"}
RESIDENTS = "48"
"""Enough for the resident whom the README names."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A small city made by `kangma demo`, then served."""
    folder = tmp_path_factory.mktemp("demo")
    environment = {**os.environ, "KANGMA_DATA": str(folder / "data"), "KANGMA_PROFILE": "demo"}
    made = Installation(folder, environment)
    facts = made.kangma("demo", "--residents", RESIDENTS, "--build-only")
    again = made.kangma("demo", "--residents", RESIDENTS, "--build-only")
    assert again == facts
    assert facts["release"].startswith("annual-")
    with serving(made):
        yield made


def python_of(page: str) -> str:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    return str(code)


# The two pages tell one story: the second would find its contract ended by the first.
def test_the_ten_lines_run_and_end_in_a_refusal(demo: Installation) -> None:
    page = "README.md"
    printed = io.StringIO()
    code = python_of(page).replace("Client(", f"Client({demo.url!r}, ")
    with redirect_stdout(printed):
        exec(compile(code, page, "exec"), {})  # the page's own lines are what is tested
    lines = printed.getvalue().splitlines()
    assert re.match(r"[1-5] (green|blue|yellow|orange|red) \[", lines[0])
    assert "genetic" in lines[1]
    assert PAGES[page] in lines[2]
    assert lines[3].startswith("withdrawn - ")


def test_the_chinese_page_has_the_same_lines() -> None:
    english, chinese = (python_of(page) for page in PAGES)
    same = english.replace('(language="en")', "()").replace('["en"]', '["zh"]')
    assert same == chinese


def test_a_port_in_use_is_told(demo: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [KANGMA, "serve", "--port", port],
            env=demo.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
