"""Every form of a release, read back by somebody else's parser and compared with the CSV.

* Parquet: pyarrow, which also writes it, and fastparquet, which shares no code with it.
* DHIS2: the client `dhis2.py`, posting to a server that does what DHIS2 documents.
* MeasureReport: the R4B models of `fhir.resources` (MeasureReport did not change since R4).
* SDMX-CSV 2.0.0: the reader of `sdmx1`, with the data structure written out below.
* GeoJSON: the `geojson` package, in test_release_map.py.
The CSV itself is read by Python's own `csv`, as text: a number that is spelled otherwise differs.
"""

import io
import json
import re
from typing import Any

import pytest
import sdmx
from dhis2 import Api
from dhis2.exceptions import RequestException
from fastparquet import ParquetFile
from fhir.resources.R4B.bundle import Bundle
from pyarrow import parquet
from sdmx.model import common, v30
from sdmx.reader.csv import Reader

from service.releases import formats
from service.releases.store import Artifact
from tests.dhis2_server import serving
from tests.golden.forms import KEY, WHOLE, Cell, at, cells, form, of_every_status, spelled, text


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return of_every_status(tmp_path_factory.mktemp("forms"))


def test_the_room_has_cells_of_every_status(published: Artifact) -> None:
    statuses = {cell["status"] for cell in cells(published)}
    assert statuses == {"ok", "low_precision", "not_published"}


def test_json_carries_the_cells(published: Artifact) -> None:
    assert spelled(json.loads(form(published, "json"))["items"]) == cells(published)


def test_parquet_carries_the_cells_to_arrow(published: Artifact) -> None:
    table = parquet.read_table(io.BytesIO(form(published, "parquet")))
    assert spelled(table.to_pylist()) == cells(published)
    assert {str(table.schema.field(name).type) for name in WHOLE} == {"int64"}
    assert table.schema.metadata[b"kangma.csv_sha256"].decode() == published.csv_sha256


def test_parquet_carries_the_cells_to_another_reader(published: Artifact) -> None:
    table = ParquetFile(io.BytesIO(form(published, "parquet")))
    rows = table.to_pandas().to_dict("records")
    assert spelled(rows) == cells(published)


def known_to_dhis2(kept: Artifact) -> dict[str, set[str]]:
    """The metadata an importing system has, made from the manifest by the documented rules."""
    table = cells(kept)
    return {
        "dataElement": {
            f"KANGMA_{cell['metric'].upper()}_{figure}"
            for cell in table
            for figure in ("COUNT", "LOW", "HIGH")
        },
        "orgUnit": {cell["region"] for cell in table},
        "categoryOptionCombo": {
            "_".join((cell["category"], cell["sex"], cell["age"])).upper() for cell in table
        },
        "attributeOptionCombo": {"KANGMA_ANNUAL"},
    }


@pytest.mark.parametrize(
    ("period", "theirs"), [("2026", "2026"), ("2026-11", "202611"), ("2026-q4", "2026Q4")]
)
def test_dhis2_keeps_the_published_cells(published: Artifact, period: str, theirs: str) -> None:
    with serving(known_to_dhis2(published)) as dhis2:
        api = Api(dhis2.url, "importer", "password")
        payload = json.loads(form(at(published, period), "dhis2"))
        answers = [
            api.post("dataValueSets", json=payload, params={"idScheme": "CODE"}).json()["response"]
            for _ in range(2)
        ]
        api.session.close()
    expected = {}
    for cell in cells(published):
        combo = "_".join((cell["category"], cell["sex"], cell["age"])).upper()
        for figure in ("count", "low", "high"):
            name = f"KANGMA_{cell['metric']}_{figure}".upper()
            key = (name, theirs, cell["region"], combo, "KANGMA_ANNUAL")
            comment = None if cell["status"] == "ok" else cell["status"]
            if cell["status"] != "not_published":
                expected[key] = (cell[figure], comment)
    assert dhis2.kept == expected
    first, again = (answer["importCount"] for answer in answers)
    assert first == {"imported": len(expected), "updated": 0, "ignored": 0, "deleted": 0}
    assert again == {"imported": 0, "updated": 0, "ignored": 0, "deleted": 0}


def test_dhis2_names_an_element_it_does_not_know(published: Artifact) -> None:
    known = known_to_dhis2(published)
    known["dataElement"].remove("KANGMA_SMOKING_LOW")
    payload = json.loads(form(published, "dhis2"))
    lost = sum(value["dataElement"] == "KANGMA_SMOKING_LOW" for value in payload["dataValues"])
    with serving(known) as dhis2:
        api = Api(dhis2.url, "importer", "password")
        with pytest.raises(RequestException) as refused:
            api.post("dataValueSets", json=payload, params={"idScheme": "CODE"})
        api.session.close()
    assert refused.value.code == 409
    summary = json.loads(refused.value.description)["response"]
    assert summary["importCount"]["ignored"] == lost > 0
    assert {one["object"] for one in summary["conflicts"]} == {"KANGMA_SMOKING_LOW"}
    assert len(dhis2.kept) == len(payload["dataValues"]) - lost


def quantity(value: Any) -> Any:
    return None if value is None else value.value


def ends(element: Any) -> tuple[Any, Any]:
    for one in element.extension or ():
        if one.valueRange is not None:
            return one.valueRange.low.value, one.valueRange.high.value
    return None, None


def cell_of(report: Any, category: str, part: Any, sex: str, age: str) -> Cell:
    (counted,) = part.population
    (status,) = (one.valueCode for one in counted.extension if one.valueCode)
    low, high = ends(counted)
    score = part.measureScore
    share_low, share_high = ends(score) if score else (None, None)
    level = report.subject.identifier.system.rpartition(":")[2]
    found = {
        "level": level,
        "region": report.subject.identifier.value,
        "metric": report.measure.rpartition(":")[2],
        "category": category,
        "sex": sex,
        "age": age,
        "count": counted.count,
        "low": low,
        "high": high,
        "share": quantity(score),
        "share_low": share_low,
        "share_high": share_high,
        "status": status.replace("-", "_"),
    }
    return {name: text(name, value) for name, value in found.items()}


def code(concept: Any) -> str:
    (coding,) = concept.coding
    return str(coding.code)


def cells_of(report: Any) -> list[Cell]:
    found = []
    for group in report.group:
        category = code(group.code)
        found.append(cell_of(report, category, group, "all", "all"))
        for stratum in (one for axis in group.stratifier or () for one in axis.stratum):
            axes = {code(part.code): code(part.value) for part in stratum.component}
            found.append(
                cell_of(report, category, stratum, axes.get("sex", "all"), axes.get("age", "all"))
            )
    return found


def test_measure_reports_carry_the_cells(published: Artifact) -> None:
    bundle = Bundle.model_validate_json(form(published, "measurereport"))
    reports = [entry.resource for entry in bundle.entry]
    found = {tuple(cell[n] for n in KEY): cell for report in reports for cell in cells_of(report)}
    expected = {tuple(cell[n] for n in KEY): cell for cell in cells(published)}
    for cell in expected.values():
        del cell["measured"]
    assert found == expected
    for report in reports:
        assert report.type == "summary"
        assert report.evaluatedResource is None
    assert len({entry.fullUrl for entry in bundle.entry}) == len(reports)
    assert b"subjectResults" not in form(published, "measurereport")


@pytest.mark.parametrize(
    ("period", "days"),
    [
        ("2026", ("2026-01-01", "2026-12-31")),
        ("2026-02", ("2026-02-01", "2026-02-28")),
        ("2026-q4", ("2026-10-01", "2026-12-31")),
    ],
)
def test_measure_reports_name_the_days(
    published: Artifact, period: str, days: tuple[str, str]
) -> None:
    lines = published.csv.split(b"\r\n")
    short = published._replace(csv=b"\r\n".join([*lines[:3], b""]))
    bundle = Bundle.model_validate_json(form(at(short, period), "measurereport"))
    (report,) = [entry.resource for entry in bundle.entry]
    assert (str(report.period.start), str(report.period.end)) == days


DIMENSIONS = [
    "FREQ", "CADENCE", "REF_LEVEL", "REF_AREA", "INDICATOR", "CATEGORY", "SEX", "AGE",
    "TIME_PERIOD",
]  # fmt: skip
ATTRIBUTES = {
    "OBS_STATUS": "status",
    "COUNT_LOW": "low",
    "COUNT_HIGH": "high",
    "SHARE": "share",
    "SHARE_LOW": "share_low",
    "SHARE_HIGH": "share_high",
    "MEASURED": "measured",
}


def structure() -> v30.Dataflow:
    """The dataflow as its maintainer would describe it."""
    described = v30.DataStructureDefinition(id="DSD_RELEASE", version="1.0.0")
    for name in DIMENSIONS:
        described.dimensions.append(common.Dimension(id=name))
    described.measures.append(v30.Measure(id="OBS_VALUE"))
    for name in ATTRIBUTES:
        described.attributes.append(common.DataAttribute(id=name))
    return v30.Dataflow(id="DF_RELEASE", structure=described)


def age_of(theirs: str) -> str:
    """CL_AGE read back: Y18T34, Y_GE65, _T."""
    if found := re.fullmatch(r"Y(\d+)T(\d+)", theirs):
        return f"{found[1]}-{found[2]}"
    if found := re.fullmatch(r"Y_GE(\d+)", theirs):
        return f"{found[1]}+"
    return {"_T": "all"}[theirs]


@pytest.mark.parametrize(
    ("period", "theirs"),
    [("2026", ("A", "2026")), ("2026-11", ("M", "2026-11")), ("2026-q4", ("Q", "2026-Q4"))],
)
def test_sdmx_carries_the_cells(published: Artifact, period: str, theirs: tuple[str, str]) -> None:
    content = form(at(published, period), "sdmx")
    message = Reader().convert(io.BytesIO(content), structure=structure())
    (data,) = message.data
    assert data.action == sdmx.model.common.ActionType.information
    found = []
    for observation in data.obs:
        key = {part.id: part.value for part in observation.dimension.values.values()}
        told = {name: one.value for name, one in observation.attached_attribute.items()}
        assert (key["FREQ"], key["TIME_PERIOD"], key["CADENCE"]) == (*theirs, "annual")
        cell = {
            "level": key["REF_LEVEL"],
            "region": key["REF_AREA"],
            "metric": key["INDICATOR"],
            "category": {"_T": "all"}.get(key["CATEGORY"], key["CATEGORY"]),
            "sex": {"_T": "all", "F": "female", "M": "male"}[key["SEX"]],
            "age": age_of(key["AGE"]),
            "count": observation.value,
        }
        cell |= {name: told[attribute] for attribute, name in ATTRIBUTES.items()}
        status = {"A": "ok", "U": "low_precision", "Q": "not_published"}
        found.append({**cell, "status": status[cell["status"]]})
    assert found == cells(published)


@pytest.mark.parametrize("name", [*formats.FORMS])
def test_derived_twice_is_the_same_bytes(published: Artifact, name: str) -> None:
    derive = formats.FORMS[name].derive
    assert derive(formats.Published.of(published)) == derive(formats.Published.of(published))
