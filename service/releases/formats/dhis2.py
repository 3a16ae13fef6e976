"""DHIS2 data values, to be sent as they are to `POST /api/dataValueSets?idScheme=CODE`.

The importing system knows these codes:
* data elements `KANGMA_<metric>_COUNT`, `_LOW` and `_HIGH` (people, and the ends of the 95 %
  interval); shares are left to its indicators, numerator over denominator, as DHIS2 does it;
* organisation units by the code of the administrative division;
* category option combinations `<category>_<sex>_<age>`, words of the release in capitals;
* attribute option combinations `KANGMA_<cadence>`: two releases of one year have totals that
  differ by their noise, and neither may overwrite the other.
A cell that is not published has no value; one of low precision says so in its comment.
"""

from collections.abc import Iterator
from typing import Any

from service.releases.formats.listing import listing
from service.releases.formats.published import UNPUBLISHED, Period, Published

FIGURES = ("count", "low", "high")


def derive(release: Published) -> bytes:
    """`{"dataValues": [...]}`: period and organisation unit with each value."""
    return listing({}, "dataValues", _values(release))


def spelled(period: Period) -> str:
    """202611, 2026Q4 or 2026."""
    if period.month is not None:
        return f"{period.year}{period.month:02d}"
    if period.quarter is not None:
        return f"{period.year}Q{period.quarter}"
    return str(period.year)


def element(metric: str, figure: str) -> str:
    return f"KANGMA_{metric}_{figure}".upper()


def option_combo(row: dict[str, Any]) -> str:
    return f"{row['category']}_{row['sex']}_{row['age']}".upper()


def _values(release: Published) -> Iterator[dict[str, str]]:
    same = {
        "period": spelled(release.period),
        "attributeOptionCombo": f"KANGMA_{release.manifest['cadence']}".upper(),
    }
    for row in release.rows:
        if row["status"] == UNPUBLISHED:
            continue
        cell = {**same, "orgUnit": row["region"], "categoryOptionCombo": option_combo(row)}
        if row["status"] != "ok":
            cell["comment"] = row["status"]
        for figure in FIGURES:
            yield {
                **cell,
                "dataElement": element(row["metric"], figure),
                "value": str(row[figure]),
            }
