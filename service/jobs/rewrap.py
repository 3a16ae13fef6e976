"""Wrap every key anew under the primary root key, in the background of a serving deployment.

It may be killed at any moment: what is done is committed, and the next run goes on with the rest.
"""

from collections.abc import Iterator

from service.house import House
from service.keys.rewrap import Progress, rewrap
from service.kit.log import log


def run(house: House) -> Iterator[Progress]:
    """Yields after each transaction; the last one says what is left."""
    last = None
    for last in rewrap(house.keystore):
        yield last
    if last is not None:
        log.warning("keys rewrapped", done=last.done, left=last.left, broken=len(last.broken))
