"""What a release says about itself: how it was made, what it cost, how precise it is.

Everything here is public by construction: the specification, the region tree, the ledger's entry
and numbers that are published in the table anyway.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from service.domain.anonymity import code, noise, zcdp
from service.domain.anonymity.cells import Universe
from service.domain.anonymity.rows import Row
from service.domain.anonymity.specification import (
    ALL,
    LEVELS,
    NANO,
    PARTICIPATION,
    Specification,
)
from service.domain.anonymity.tree import ROOT_ALONE
from service.kit.hashing import canonical_json
from service.releases.artifact import COLUMNS, sha256
from service.releases.calendar import Period

SCHEMA = "kangma-release/1"


def build(
    universe: Universe,
    period: Period,
    rows: Sequence[Row],
    table: bytes,
    *,
    attempt: int,
    previous: tuple[str, str] | None,
    published_at: datetime,
) -> bytes:
    """The canonical bytes that are signed."""
    specification = universe.specification
    return canonical_json(
        {
            "schema": SCHEMA,
            "release_id": period.release_id,
            "cadence": period.cadence,
            "cadence_name": universe.cadence.name.both(),
            "by": universe.cadence.by,
            "period": period.name,
            "as_of": period.cut_off.isoformat(),
            "published_at": published_at.isoformat(timespec="seconds"),
            "edition": specification.edition.both(),
            "voluntary": specification.voluntary.both(),
            "method": specification.method.both(),
            "age_rule": specification.age_rule.both(),
            "specification": {
                "id": specification.id,
                "version": specification.version,
                "sha256": specification.sha256,
            },
            "regions": _regions(universe),
            "metrics": _metrics(specification),
            "code": {"sha256": code.sha256()},
            "table": {
                "sha256": sha256(table),
                "bytes": len(table),
                "rows": len(rows),
                "columns": list(COLUMNS),
            },
            "coverage": [_coverage(row) for row in rows if _is_total(row)],
            "privacy": privacy(specification, specification.release_nano_rho(universe.cadence)),
            "families": list(_families(universe)),
            "attempt": attempt,
            "previous": previous and {"release_id": previous[0], "sha256": previous[1]},
        }
    )


def privacy(specification: Specification, nano_rho: int) -> dict[str, Any]:
    """The budget in every spelling people and checkers use."""
    rho = nano_rho / NANO
    delta = specification.budget.delta
    return {
        "unit": "resident",
        "neighbours": "add or remove everything one resident contributes",
        "mechanism": "discrete Gaussian",
        "library": noise.LIBRARY,
        "sensitivity": "1 for participation, sqrt(K (K - 1)) for the contrasts of K categories",
        "nano_rho": nano_rho,
        "rho": rho,
        "delta": delta,
        "epsilon": round(zcdp.epsilon_of(rho, delta), 4),
        "best_guess": round(zcdp.best_guess(rho), 4),
    }


def _regions(universe: Universe) -> dict[str, Any]:
    return {
        "sha256": universe.geography.sha256,
        "areas": [
            {
                "level": area.level,
                "code": area.code,
                "name": area.name.both(),
                "parent": area.parent,
                "population": area.population,
                "members": list(area.members),
            }
            for area in universe.geography.areas
        ],
    }


def _metrics(specification: Specification) -> list[dict[str, Any]]:
    return [
        {
            "id": metric.id,
            "name": metric.name.both(),
            "categories": list(metric.categories),
            "tier": metric.tier,
            "source": metric.source,
            "numerator": "participants in the category",
            "denominator": "participants of the same area, sex and age band",
        }
        for metric in specification.metrics
    ]


def _families(universe: Universe) -> Iterator[dict[str, Any]]:
    """Each measured table: what it cost, and the standard deviation of its noise.

    A metric of K categories is measured as contrasts K x - T, in that unit.
    """
    for table, shape in universe.tables.items():
        whole = {LEVELS[0]: sum(universe.budgets.values())}
        budgets = whole if shape.tree is ROOT_ALONE else universe.budgets
        for level, nano_rho in budgets.items():
            yield {
                "metric": table,
                "level": level,
                "by": universe.cadence.by,
                "categories": shape.size,
                "nano_rho": nano_rho,
                "sigma": noise.sigma(nano_rho, shape.size),
            }


def _is_total(row: Row) -> bool:
    return row.metric == PARTICIPATION and row.sex == ALL and row.age == ALL


def _coverage(row: Row) -> dict[str, Any]:
    """Noisy participation over the public census size of an area."""
    return {
        "level": row.level,
        "region": row.region,
        "participants": row.count,
        "share": row.share,
        "low": row.share_low,
        "high": row.share_high,
    }
