"""How not to publish: exact counts with small ones hidden. The attacks here must break it.

It is the usual practice (suppress below ten, keep the totals), and the reason Kangma does not do
it: one resident more or less shows in every total.
"""

from collections.abc import Mapping

import numpy as np

from service.domain.anonymity import noise
from service.domain.anonymity.cells import Universe
from service.domain.anonymity.noise import Measured
from service.domain.anonymity.tree import Counts

THRESHOLD = 10


def hidden(exact: Mapping[str, Counts]) -> dict[str, Counts]:
    """Exact tables with every count from one to nine hidden as zero."""
    return {table: np.where(counts < THRESHOLD, 0, counts) for table, counts in exact.items()}


def draw(exact: Mapping[str, Counts], universe: Universe) -> Measured:
    """What the publisher's `noise.draw` would be: the contrasts of the hidden tables."""
    shown = hidden(exact)
    return Measured({table: noise.contrasts(shown[table]) for table in universe.tables})
