"""How not to publish: exact counts with small ones hidden. The attacks here must break it.

It is the usual practice (suppress below ten, keep the totals), and the reason Kangma does not do
it: one resident more or less shows in every total.
"""

from collections.abc import Mapping

import numpy as np

from service.domain.anonymity.cells import Universe
from service.domain.anonymity.count import Counts, Tally
from service.domain.anonymity.noise import Measured, gather

THRESHOLD = 10


def publish(tally: Tally, universe: Universe) -> Measured:
    """Exact tables in the families' shapes, every count from one to nine hidden as zero."""
    tables: dict[tuple[str, str], Counts] = {}
    for family in universe.specification.families:
        for table, counts in tally.tables.items():
            exact = gather(counts, family)
            tables[family.id, table] = np.where(exact < THRESHOLD, 0, exact)
    return Measured(tables)


def sigmas(universe: Universe) -> Mapping[str, float]:
    """The noise the attacker of this publisher reckons with: next to none."""
    return {family.id: 0.1 for family in universe.specification.families}
