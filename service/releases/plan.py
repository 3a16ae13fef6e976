"""What a year of releases will look like before anything is spent: cells, budget, precision."""

from statistics import median
from typing import Any

import numpy as np

from service.domain.anonymity import zcdp
from service.domain.anonymity.cells import Universe
from service.domain.anonymity.estimates import Precision
from service.domain.anonymity.geography import Geography
from service.domain.anonymity.intervals import Z
from service.domain.anonymity.specification import NANO, PARTICIPATION, Cadence, Specification
from service.domain.anonymity.tree import Floats

PERCENT = 100


def of_year(specification: Specification, geography: Geography) -> dict[str, Any]:
    """Every table of every cadence; depends on the specification and the census alone."""
    spent = specification.year_nano_rho / NANO
    delta = specification.budget.delta
    return {
        "specification": {
            "id": specification.id,
            "version": specification.version,
            "sha256": specification.sha256,
        },
        "year": {
            "rho": spent,
            "delta": delta,
            "epsilon": round(zcdp.epsilon_of(spent, delta), 4),
        },
        "tables": [
            line
            for cadence in specification.cadences
            for line in _lines(Universe(specification, cadence, geography))
        ],
    }


def _lines(universe: Universe) -> list[dict[str, Any]]:
    precision = Precision.of(universe)
    cadence, lines = universe.cadence, []
    for table, shape in universe.tables.items():
        deviation = _deviation(precision, table)
        for level in cadence.levels:
            areas = universe.areas(table)
            rows = [number for number, area in enumerate(areas) if area.level == level]
            # A rest that nobody of the census lives in would halve the median for no reason.
            told = [number for number in rows if areas[number].population] or rows
            if told:
                sizes = [areas[number].population or 0 for number in told]
                lines.append(
                    _line(universe, cadence, table, level, deviation[told], sizes)
                    | {"categories": shape.size}
                )
    return lines


def _deviation(precision: Precision, table: str) -> Floats:
    """By area, of participation; of a metric that of a share times the participants.

    The share is one in K, where the noise of participation drops out; far from it a share is a
    few per cent less precise.
    """
    spread = np.sqrt(precision.spreads[table])
    size = precision.shapes[table].size
    deviation: Floats = spread if table == PARTICIPATION else spread * (size - 1) / size
    return deviation


def _line(
    universe: Universe,
    cadence: Cadence,
    table: str,
    level: str,
    deviation: Floats,
    sizes: list[int],
) -> dict[str, Any]:
    """One table at one level. The half-width is that of a share if everybody took part.

    At a participation of one in k it is k times as wide; of participation itself it is in people.
    """
    groups = len(universe.groups)
    size = median(sizes) / groups
    people = float(np.median(deviation)) * Z
    points = people / size * PERCENT if size and table != PARTICIPATION else None
    return {
        "cadence": cadence.id,
        "times_a_year": cadence.times,
        "table": table,
        "level": level,
        "by": cadence.by,
        "areas": len(sizes),
        "median_census": round(size),
        "half_width_people": round(people, 1),
        "half_width_points": None if points is None else round(points, 2),
    }
