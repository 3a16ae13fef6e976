"""A FHIR R4 Bundle of MeasureReports, one for each area and metric: type summary, never a list.

A category is a group: its numerator counts the participants in it, its score is their share, and
each sex and age band is a stratum. Participation is a metric with the one category `all`, whose
initial population is counted.
Intervals and the status of a cell are extensions; a cell that is not published has no number
but the standard reason for its absence.
"""

from calendar import monthrange
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from service.releases.formats.listing import listing
from service.releases.formats.published import ALL, PARTICIPATION, UNPUBLISHED, Published

INTERVAL = "urn:kangma:fhir:interval"
STATUS = "urn:kangma:fhir:cell-status"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
POPULATION = "http://terminology.hl7.org/CodeSystem/measure-population"
UCUM = "http://unitsofmeasure.org"
SYSTEM = "urn:kangma:release"
ONE_REPORT = ("level", "region", "metric")


def derive(release: Published) -> bytes:
    """A collection, ordered by level, area and metric."""
    of = itemgetter(*ONE_REPORT)
    ordered = groupby(sorted(release.rows, key=of), key=of)
    manifest = release.manifest
    envelope = {
        "resourceType": "Bundle",
        "type": "collection",
        "identifier": {"system": SYSTEM, "value": manifest["release_id"]},
        "timestamp": manifest["published_at"],
    }
    entries = (_entry(release, key, list(rows)) for key, rows in ordered)
    return listing(envelope, "entry", entries)


def _entry(
    release: Published, key: tuple[str, str, str], rows: list[dict[str, Any]]
) -> dict[str, Any]:
    # The same report of the same bytes always has the same name.
    name = uuid5(NAMESPACE_URL, "/".join((SYSTEM, release.manifest_sha256, *key)))
    return {"fullUrl": name.urn, "resource": {"id": str(name), **_report(release, key, rows)}}


def _report(
    release: Published, key: tuple[str, str, str], rows: list[dict[str, Any]]
) -> dict[str, Any]:
    level, region, metric = key
    manifest = release.manifest
    names = release.names.get((level, region), {})
    first, last = release.period.months
    year = release.period.year
    return {
        "resourceType": "MeasureReport",
        "identifier": [{"system": SYSTEM, "value": "/".join((manifest["release_id"], *key))}],
        "status": "complete",
        "type": "summary",
        "measure": f"urn:kangma:metric:{metric}",
        "subject": {
            "type": "Location",
            "identifier": {"system": f"urn:kangma:region:{level}", "value": region},
            "display": names.get("zh", region),
        },
        "date": manifest["published_at"],
        "reporter": {"display": manifest["edition"]["zh"]},
        "period": {
            "start": f"{year}-{first:02d}-01",
            "end": f"{year}-{last:02d}-{monthrange(year, last)[1]}",
        },
        "group": list(_groups(metric, rows)),
    }


def _groups(metric: str, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    by_category: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_category.setdefault(row["category"], []).append(row)
    for category, cells in by_category.items():
        group: dict[str, Any] = {"code": _code(f"category:{metric}", category)}
        strata = []
        for cell in cells:
            if cell["sex"] == cell["age"] == ALL:
                group |= _numbers(cell)
            else:
                axes = [axis for axis in ("sex", "age") if cell[axis] != ALL]
                parts = [
                    {"code": _code("axis", axis), "value": _code(axis, cell[axis])} for axis in axes
                ]
                strata.append({"component": parts, **_numbers(cell)})
        if strata:
            group["stratifier"] = [{"code": [_code("axis", "sex-age")], "stratum": strata}]
        yield group


def _numbers(cell: dict[str, Any]) -> dict[str, Any]:
    counted = "initial-population" if cell["metric"] == PARTICIPATION else "numerator"
    population: dict[str, Any] = {
        "extension": [{"url": STATUS, "valueCode": cell["status"].replace("_", "-")}],
        "code": {"coding": [{"system": POPULATION, "code": counted}]},
    }
    if cell["status"] == UNPUBLISHED:
        absent = {"url": ABSENT, "valueCode": "masked"}
        return {"population": [{**population, "_count": {"extension": [absent]}}]}
    population["extension"].append(_interval(cell["low"], cell["high"]))
    population["count"] = cell["count"]
    return {"population": [population], **_score(cell)}


def _score(cell: dict[str, Any]) -> dict[str, Any]:
    """The share of the participants; of the census population where these are what is counted."""
    if cell["share"] is None:
        return {}
    between = _interval(cell["share_low"], cell["share_high"])
    return {"measureScore": {"extension": [between], **_quantity(cell["share"])}}


def _interval(low: float, high: float) -> dict[str, Any]:
    return {"url": INTERVAL, "valueRange": {"low": _quantity(low), "high": _quantity(high)}}


def _quantity(value: float) -> dict[str, Any]:
    return {"value": value, "system": UCUM, "code": "1"}


@lru_cache(maxsize=1024)
def _code(kind: str, word: str) -> dict[str, Any]:
    return {"coding": [{"system": f"urn:kangma:{kind}", "code": word}]}
