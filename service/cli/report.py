"""`kangma releases report`: the year's blue book as one page, from published cells alone."""

import os
from pathlib import Path
from typing import Annotated

import typer

from service.cli import files
from service.cli.printing import Json, answer
from service.cli.rooms import open_house
from service.house import OUTLINES_FILE, load_outlines
from service.releases.artifact import sha256
from service.releases.report.gather import gather
from service.releases.report.page import render

Year = Annotated[int | None, typer.Option(help="Calendar year; that of the newest release.")]
To = Annotated[Path, typer.Option(help="Folder for the page; a page that is there stays.")]


def report(year: Year = None, to: To = Path("."), json: Json = False) -> None:
    """Write the yearly report, Chinese and English, on screen and on paper."""
    with open_house() as house:
        book = house.db.read(lambda connection: gather(connection, year))
        page = render(book, load_outlines(house.settings.data / OUTLINES_FILE))
    file = to / f"blue-book-{book.year}.html"
    # Made of what is published for everybody, unlike what other commands write.
    with os.fdopen(files.make(file, 0o644), "wb") as opened:
        opened.write(page)
    facts = {"year": book.year, "file": str(file), "bytes": len(page), "sha256": sha256(page)}
    answer(facts, as_json=json)
