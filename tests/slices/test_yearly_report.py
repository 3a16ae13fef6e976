"""The yearly report: the same bytes each time, and no number that was not published."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest

from service.cli.demo.city import outlines
from service.kit.db import Database
from service.kit.errors import NotFound
from service.releases import artifact as artifacts
from service.releases import views
from service.releases.report.gather import gather
from service.releases.report.page import render
from service.releases.report.words import CHANGES
from tests.city_room import contribute, make_tables, publish_here, someone


class Page(HTMLParser):
    """Every element with its attributes, its text, and the row of an indicator it stands in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.numbers: list[tuple[dict[str, str | None], str, tuple[str, str] | None]] = []
        self._open: dict[str, str | None] | None = None
        self._words = ""
        self._indicator: tuple[str, str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag == "tr":
            known = given.get("data-indicator")
            self._indicator = (known, given["data-part"] or "") if known else None
        if tag == "data":
            self._open, self._words = given, ""

    def handle_data(self, data: str) -> None:
        self._words += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "data" and self._open is not None:
            self.numbers.append((self._open, self._words.strip(), self._indicator))
            self._open = None

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [given for name, given in self.elements if name == tag]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path_factory.mktemp('report') / 'k.db'}"
    db = Database(url)
    make_tables(db)
    contribute(db, ((str(number), someone(number)) for number in range(400)))
    for month in (3, 9):
        publish_here(db, cadence="monthly", as_of=date(2026, month, 28))
    publish_here(db)
    yield db
    db.close()


def written(db: Database, **given: Any) -> bytes:
    return render(db.read(lambda conn: gather(conn, given.get("year"))), outlines())


def test_the_same_releases_make_the_same_bytes(published: Database) -> None:
    page = written(published)
    assert page == written(published, year=2026)
    script = (
        "import sys; from service.kit.db import Database;"
        "from service.releases.report.gather import gather;"
        "from service.releases.report.page import render;"
        "from service.cli.demo.city import outlines; db = Database(sys.argv[1]);"
        "book = db.read(lambda conn: gather(conn, None)); db.close();"
        "sys.stdout.buffer.write(render(book, outlines()))"
    )
    url = published.engine.url.render_as_string(hide_password=False)
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": "Pacific/Auckland"}
        done = subprocess.run(
            [sys.executable, "-c", script, url], capture_output=True, check=True, env=environment
        )
        assert done.stdout == page


def test_every_number_is_a_published_cell(published: Database) -> None:
    page = Page(written(published).decode())
    cells: dict[tuple[str, str], dict[str, Any]] = {}
    for one in published.read(lambda conn: gather(conn, 2026)).releases:
        for row in artifacts.read_csv(one.kept.csv):
            key = "/".join(str(row[n]) for n in ("region", "metric", "category", "sex", "age"))
            cells[one.id, key] = row
    read = published.read(views.indicators)
    known = {
        (item["id"], item["part"] or ""): item
        for item in json.loads(read)["items"]
        if item["level"] == "city"
    }
    assert len(page.numbers) > 100
    for given, words, indicator in page.numbers:
        if indicator is None:
            cell = cells[str(given["data-release"]), str(given["data-cell"])]
            value, is_share = cell[str(given["data-field"])], "share" in str(given["data-field"])
        else:
            item, name = known[indicator], given["data-of"]
            is_share = name == "coverage"
            value = {
                "value": item["value"],
                "coverage": item["coverage"]["share"],
                **(item["interval"] or {}),
            }[str(name)]
        assert given["value"] == ("" if value is None else str(value))
        shown = words.replace(",", "")
        if value is None:
            assert shown == "—"
        elif is_share:
            assert round(float(shown) / 100, 4) == value
        else:
            assert float(shown) == value


def test_no_number_stands_outside_of_a_checked_place(published: Database) -> None:
    """Decimal numbers of tables are in `data` elements, save the ledger's and the plans' own."""
    text = written(published).decode()
    body = text[text.index("<main>") : text.index('<section id="method">')]
    bare = re.sub(
        r"<data [^>]*>[^<]*</data>|<svg.*?</svg>|<ul class=\"scale\">.*?</ul>", "", body, flags=re.S
    )
    targets = re.findall(r"<td class=\"n\">[^<]*<small>\(\d{4}\)</small></td>", bare)
    for target in targets:
        bare = bare.replace(target, "")
    # The bands of the index are words of the page, which name their own ends.
    for band in CHANGES.values():
        assert band.zh in bare
        bare = bare.replace(band.zh, "").replace(band.en, "")
    assert re.findall(r"\d+\.\d+", re.sub(r"<[^>]*>", " ", bare)) == [], bare


def test_it_stands_alone_and_is_readable_by_everybody(published: Database) -> None:
    text = written(published).decode()
    page = Page(text)
    for tag in ("script", "img", "iframe", "object", "base"):
        assert page.of(tag) == []
    assert [one["href"] for one in page.of("link")] == ["data:,"]
    assert not re.search(r"url\(|@import|https?://", text)
    assert all(str(one["href"]).startswith("#") for one in page.of("a"))
    names = {f"#{one['id']}" for one in page.of("section")}
    assert {one["href"] for one in page.of("a")} == names
    tables = len(page.of("table"))
    assert tables == len(page.of("caption")) >= 5
    assert all(one.get("scope") in ("row", "col") for one in page.of("th"))
    (svg,) = page.of("svg")
    assert svg["role"] == "img"
    labels = {one.get("id") for one in (*page.of("title"), *page.of("desc"))}
    assert set(str(svg["aria-labelledby"]).split()) <= labels
    assert page.of("html")[0]["lang"] == "zh-CN"
    assert len(page.of("h1")) == 1
    assert "@page" in text
    for release in published.read(lambda conn: gather(conn, 2026)).releases:
        assert release.kept.csv_sha256 in text
        assert release.kept.manifest_sha256 in text


def test_a_year_without_releases_has_no_report(published: Database) -> None:
    with pytest.raises(NotFound):
        written(published, year=2019)


def test_without_outlines_there_are_numbers_and_no_map(published: Database) -> None:
    book = published.read(lambda conn: gather(conn, None))
    page = Page(render(book, None).decode())
    assert page.of("svg") == []
    assert len(page.numbers) > 100


def test_names_are_escaped(published: Database) -> None:
    book = published.read(lambda conn: gather(conn, None))
    book.main.areas[1]["name"]["zh"] = "<script>alert(1)</script>"
    assert "<script>" not in render(book, outlines()).decode()
