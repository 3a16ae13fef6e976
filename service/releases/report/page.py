"""The yearly report as one HTML file that fetches nothing; the same releases, the same bytes."""

from datetime import date
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from consent.vocabulary import Text
from service.domain.anonymity import specification as specifications
from service.releases.report.gather import CHANGE, LEVEL, LEVELS, TRANSITION, Book, Row
from service.releases.report.picture import draw
from service.releases.report.words import CATEGORIES, CHANGES, STATUS

SHOWN = "1"
"""The category of the level metric that the map shows: green."""
DASH = "—"


def render(book: Book, outlines: dict[str, Any] | None) -> bytes:
    """UTF-8 HTML; depends on the releases of the year and the outlines alone."""
    shelf = Environment(
        loader=PackageLoader("service.releases.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shelf.filters |= {"whole": _whole, "percent": _percent, "number": _number}
    return shelf.get_template("report.html").render(_told(book, outlines)).encode()


def _told(book: Book, outlines: dict[str, Any] | None) -> dict[str, Any]:
    main = book.main
    districts = [row for row in main.totals(LEVEL, "district") if row["category"] == SHOWN]
    codes = [row["region"] for row in districts]
    shares = {row["region"]: row["share"] for row in districts}
    return {
        "book": book,
        "main": main,
        "root": main.areas[0],
        "names": main.names,
        "city_coverage": book.coverage[0],
        "coverage": book.coverage,
        "levels": LEVELS,
        "by_region": _by_region(book.levels),
        "picture": draw(codes, shares, outlines),
        "shares": {row["region"]: row for row in districts},
        "level_metric": LEVEL,
        "transitions": book.transitions,
        "transition_release": book.with_metric(TRANSITION),
        "changes": book.changes,
        "change_release": book.with_metric(CHANGE),
        "change_words": CHANGES,
        "category_words": CATEGORIES,
        "status_words": STATUS,
        "limits": specifications.current().precision,
        "dash": DASH,
        "day": _day(main.manifest["as_of"]),
        "met": _met,
    }


def _by_region(rows: list[Row]) -> dict[str, dict[str, Row]]:
    """Rows by region and category, the city first."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row["region"], {})[row["category"]] = row
    return found


def _met(item: Row) -> Text:
    """Whether a target is reached, told only as far as the interval allows."""
    target, interval = item["target"], item["interval"]
    if target is None or target["number"] is None or target["op"] is None or interval is None:
        return Text("不判定", "not judged")
    low, high, number = interval["low"], interval["high"], target["number"]
    if target["op"] in (">=", ">"):
        sure, never = low >= number, high < number
    elif target["op"] in ("<=", "<"):
        sure, never = high <= number, low > number
    else:
        return Text("不判定", "not judged")
    if sure:
        return Text("已达到", "reached")
    return Text("未达到", "not reached") if never else Text("区间内，未定", "within the interval")


def _day(text: str) -> Text:
    day = date.fromisoformat(text)
    return Text(f"{day.year}年{day.month}月{day.day}日", f"{day.day} {day:%B} {day.year}")


def _whole(value: int | None) -> str:
    return DASH if value is None else f"{value:,}"


def _percent(share: float | None) -> str:
    """A published share has four decimals, so a percentage of two is the same number."""
    return DASH if share is None else f"{share * 100:.2f}"


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}"
