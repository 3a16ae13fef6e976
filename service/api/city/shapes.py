"""Shapes of what the city reads, for openapi.yaml; the bytes themselves come from releases."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from service.api.schema import Bilingual, Page

Status = Literal["ok", "low_precision", "not_published"]
Level = Literal["city", "district", "street", "community"]


class ReleaseOut(BaseModel):
    release_id: str
    cadence: str
    by: Literal["all", "sex_age"]
    period: str
    as_of: str
    published_at: str
    specification: str
    rho: float
    epsilon: float
    attempt: int
    rows: int
    table_sha256: str
    manifest_sha256: str


class Releases(Page[ReleaseOut]):
    """Newest first."""


class Placed(BaseModel):
    """A division by its level and code."""

    level: Level
    region: str


class Counted(BaseModel):
    """What is counted, of whom, and its numbers."""

    metric: str
    category: str
    sex: str
    age: str
    count: int | None
    low: int | None
    high: int | None
    share: float | None
    share_low: float | None
    share_high: float | None
    status: Status


class CellOut(Counted, Placed):
    """Numbers are null where the status is not_published; participation has no category."""


class Cells(Page[CellOut]):
    """Exact-match cut of the fixed universe of cells."""


class MeasuredCell(CellOut):
    """A cell with the noisy count it was first measured as, before tables were made to add up."""

    measured: int | None


class TableOut(Page[MeasuredCell]):
    release_id: str


class DataValue(BaseModel):
    """A number of people by the codes of DHIS2; the comment names a status other than ok."""

    dataElement: str  # noqa: N815 - the spelling of DHIS2
    period: str
    orgUnit: str  # noqa: N815
    categoryOptionCombo: str  # noqa: N815
    attributeOptionCombo: str  # noqa: N815
    value: str
    comment: str | None = None


class DataValues(BaseModel):
    """What `POST /api/dataValueSets?idScheme=CODE` of a DHIS2 takes."""

    dataValues: list[DataValue]  # noqa: N815


class ManifestOut(BaseModel):
    """How a release was made; the exact bytes are what the signature signs."""

    schema_: str = Field(alias="schema")
    release_id: str
    cadence: str
    cadence_name: Bilingual
    by: Literal["all", "sex_age"]
    period: str
    as_of: str
    published_at: str
    attempt: int
    edition: Bilingual
    voluntary: Bilingual
    specification: dict[str, str]
    code: dict[str, str] = Field(description="SHA-256 of the code that counts and draws.")
    regions: dict[str, Any] = Field(description="The divisions counted, and the hash of all.")
    metrics: list[dict[str, Any]]
    table: dict[str, Any]
    method: Bilingual
    age_rule: Bilingual
    privacy: dict[str, Any]
    families: list[dict[str, Any]]
    coverage: list[dict[str, Any]]
    previous: dict[str, str] | None


class SignatureOut(BaseModel):
    jws: str
    kid: str
    key: dict[str, str]
    manifest_sha256: str


class FeatureOut(BaseModel):
    type: Literal["Feature"]
    id: str
    geometry: dict[str, Any] | None
    properties: dict[str, Any]


class MapOut(BaseModel):
    """GeoJSON (RFC 7946)."""

    type: Literal["FeatureCollection"]
    release_id: str
    metric: str
    level: Level
    voluntary: Bilingual
    features: list[FeatureOut]


class IntervalOut(BaseModel):
    low: float
    high: float


class CoverageOut(BaseModel):
    participants: int | None
    share: float | None
    low: float | None
    high: float | None


class TargetOut(BaseModel):
    year: int
    text: str
    op: str | None
    number: float | None


class IndicatorOut(BaseModel):
    id: str
    part: str | None
    name: Bilingual
    level: str
    region: str
    value: float | None
    interval: IntervalOut | None
    numerator: int | None
    denominator: int | None
    status: Status
    unit: str
    direction: str
    coverage: CoverageOut
    year: int
    target: TargetOut | None
    targets: list[TargetOut]
    source: dict[str, Any]
    note: Bilingual | None


class Indicators(Page[IndicatorOut]):
    release_id: str | None


class HeldRelease(BaseModel):
    """`pulled_at` is null for what this node published itself."""

    release_id: str
    sequence: int
    published_at: str
    manifest_sha256: str
    table_sha256: str
    pulled_at: str | None


class NodeOut(BaseModel):
    """A publisher; `own` is this node, whose keys are in /.well-known/jwks.json."""

    node: str
    url: str | None
    keys: list[dict[str, str]] = Field(description="Keys its releases may be signed with.")
    releases: list[HeldRelease]


class Nodes(Page[NodeOut]):
    pass


class MergedCell(Counted):
    pass


class MergedSource(BaseModel):
    node: str
    region: str
    name: Bilingual
    population: int | None
    manifest_sha256: str
    table_sha256: str


class Merged(Page[MergedCell]):
    """Published cells of all nodes with this release, added; who is missing is named."""

    release_id: str
    period: str
    specification: dict[str, str]
    complete: bool
    missing: list[str]
    other_specification: list[str] = Field(description="Nodes left out: another specification.")
    sources: list[MergedSource]


class SpecificationOut(BaseModel):
    id: str
    version: str
    sha256: str
    signature: str | None
    source: str
    document: dict[str, Any]


class Amount(BaseModel):
    nano_rho: int
    rho: float
    epsilon: float


class BudgetScope(BaseModel):
    scope: str
    cap: Amount
    spent: Amount
    left: Amount


class ChargeOut(BaseModel):
    release_id: str
    scope: str
    amount: Amount
    attempts: int
    state: Literal["published", "voided", "charged"]
    charged_at: str


class BudgetOut(BaseModel):
    unit: str
    delta: float
    year_cap: Amount
    meaning: Bilingual
    budgets: list[BudgetScope]
    charges: list[ChargeOut]


class SeriesOut(BaseModel):
    """A yearly aggregate from another register, with its source."""

    id: str
    name: Bilingual
    unit: str
    source: str
    points: list[dict[str, float]]


class ImportedSeries(Page[SeriesOut]):
    pass
