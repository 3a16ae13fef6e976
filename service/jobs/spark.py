"""Counting beyond one machine: the same count over Arrow batches, spread by Spark.

Each partition opens its contributions and counts them as one machine would; what leaves it is one
partial tally, sealed under a key of this run. Nothing exact reaches Spark's shuffle files, its
event log or its web page: the driver opens the partial tallies in memory and adds them up.

A cluster has to encrypt what it sends (`spark.network.crypto.enabled`); executors read the
statistics key where the operator put it, it never travels with the job.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from secrets import token_bytes
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from service.contributions.blob import Blobs
from service.contributions.partial import Partials
from service.domain.anonymity.count import Tally, count, merged
from service.domain.anonymity.geography import Geography
from service.domain.anonymity.specification import Specification
from service.kit.errors import IntegrityBroken

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PARTIAL = "partition int, partial binary"
Arrow = Iterator[pa.RecordBatch]


@dataclass(frozen=True)
class Counting:
    """What every partition has to know; sent to executors, so it holds no key.

    `key_of` reads the statistics key on the machine it is called on.
    """

    specification: Specification
    geography: Geography
    year: int
    run: bytes
    key_of: Callable[[], bytes]

    def __call__(self, batches: Arrow) -> Arrow:
        """Contributions (pseudonym, sealed) in, one sealed partial tally out."""
        from pyspark import TaskContext  # known to executors only

        context = TaskContext.get()
        assert context is not None
        number = context.partitionId()
        sealed = self.partials.seal(number, self.tally(batches))
        columns = [pa.array([number], pa.int32()), pa.array([sealed], pa.binary())]
        yield pa.RecordBatch.from_arrays(columns, names=["partition", "partial"])

    def tally(self, batches: Arrow) -> Tally:
        """The counts of some contributions, by the function that counts everywhere."""
        blobs = Blobs(self.key_of(), self.specification)
        opened = (blobs.open_records(records(batch)) for batch in batches)
        return count(opened, self.specification, self.geography, year=self.year)

    @property
    def partials(self) -> Partials:
        return Partials(self.key_of(), self.run)


def tally(
    frame: "DataFrame",
    *,
    specification: Specification,
    geography: Geography,
    year: int,
    key_of: Callable[[], bytes],
) -> Tally:
    """The tally of a frame with the columns `pseudonym` and `sealed` of the contributions.

    IntegrityBroken when a partition answers twice, not at all, or with a tally that is not its own.
    """
    job = Counting(specification, geography, year, token_bytes(16), key_of)
    partitions = frame.rdd.getNumPartitions()
    chosen = frame.select("pseudonym", "sealed")
    rows: list[Any] = chosen.mapInArrow(job, PARTIAL).collect()
    if sorted(row["partition"] for row in rows) != list(range(partitions)):
        raise IntegrityBroken
    partials = job.partials
    return merged(partials.open(row["partition"], bytes(row["partial"])) for row in rows)


def records(batch: pa.RecordBatch) -> bytes:
    """The rows of a batch as the store gives them: pseudonyms and ciphertexts side by side."""
    names, sealed = batch.column("pseudonym"), batch.column("sealed")
    pairs = zip(names.to_pylist(), sealed.to_pylist(), strict=True)
    return b"".join(chain.from_iterable(pairs))
