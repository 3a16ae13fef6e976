"""The forms of a release, each derived from the signed bytes of its table and its manifest."""

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

from service.kit.hashing import canonical_json
from service.releases.formats import dhis2, measurereport, parquet, sdmx
from service.releases.formats.kept import Shelf
from service.releases.formats.published import Published
from service.releases.store import Artifact

Name = Literal["csv", "json", "parquet", "dhis2", "measurereport", "sdmx"]
"""The signed CSV and the forms of it; `FORMS` has the latter."""


class Form(NamedTuple):
    media_type: str
    derive: Callable[[Published], bytes]


def _rows(release: Published) -> bytes:
    """The rows of the CSV as JSON, with the same numbers."""
    whole = {"release_id": release.manifest["release_id"], "items": release.rows, "next": None}
    return canonical_json(whole)


CSV_TYPE = "text/csv; charset=utf-8"
FORMS = {
    "json": Form("application/json", _rows),
    "parquet": Form("application/vnd.apache.parquet", parquet.derive),
    "dhis2": Form("application/json", dhis2.derive),
    "measurereport": Form("application/fhir+json", measurereport.derive),
    "sdmx": Form("application/vnd.sdmx.data+csv; version=2.0.0", sdmx.derive),
}
assert {"csv", *FORMS} == set(get_args(Name))

SHELF_BYTES = 32 * 1024 * 1024
"""Compressed forms a process keeps at most: those of a dozen releases of a large city."""
_shelf = Shelf(SHELF_BYTES)


def in_form(kept: Artifact, name: Name) -> tuple[bytes, str]:
    """The bytes of a release in a form, and their media type; always the same bytes."""
    if name == "csv":
        return kept.csv, CSV_TYPE
    form = FORMS[name]
    key = kept.manifest_sha256, name
    return _shelf.get(key, lambda: form.derive(Published.of(kept))), form.media_type
