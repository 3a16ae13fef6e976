"""The yearly report in a real browser: nothing to complain about, nothing fetched, and a PDF."""

import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from service.cli.demo.city import outlines
from service.kit.db import Database
from service.releases.report.gather import gather
from service.releases.report.page import render
from tests.city_room import contribute, make_tables, publish_here, someone

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((found for name in BROWSERS if (found := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


@pytest.fixture
def page(tmp_path: Path) -> str:
    db = Database(f"sqlite:///{tmp_path / 'k.db'}")
    make_tables(db)
    contribute(db, ((str(number), someone(number)) for number in range(200)))
    publish_here(db, cadence="monthly", as_of=date(2026, 9, 28))
    made = render(db.read(lambda conn: gather(conn, None)), outlines())
    db.close()
    return made.decode()


def printed(folder: Path, page: str) -> tuple[list[str], bytes]:
    """What the browser's console says, and the page as PDF."""
    assert BROWSER is not None
    file, pdf = folder / "page.html", folder / "page.pdf"
    file.write_text(page, "utf-8")
    quiet = ("--disable-gpu", "--disable-background-networking", "--no-first-run", "--no-sandbox")
    told = ("--enable-logging=stderr", "--v=0", f"--print-to-pdf={pdf}", "--no-pdf-header-footer")
    words = [BROWSER, "--headless", *quiet, f"--user-data-dir={folder / 'profile'}", *told]
    done = subprocess.run(
        [*words, file.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line], pdf.read_bytes()


def test_it_prints_and_asks_for_nothing(page: str, tmp_path: Path) -> None:
    console, pdf = printed(tmp_path, page)
    assert console == []
    assert pdf.startswith(b"%PDF-")
    # Each part begins on a sheet of its own.
    assert pdf.count(b"/Type /Page\n") >= 7


def test_the_page_forbids_what_would_be_fetched(page: str, tmp_path: Path) -> None:
    """The console is not silent because nobody listens."""
    asking = page.replace("<main>", '<main><img src="http://elsewhere.example/seen.png" alt="">')
    console, _ = printed(tmp_path, asking)
    assert any("Content Security Policy" in line for line in console)
