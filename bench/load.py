"""A light load generator: prepared bytes over keep-alive sockets, from a process of its own.

A lane is one connection that sends its requests one after the other, each as soon as the answer to
the one before is complete. Nothing is parsed but status and length, so that one core carries far
more than the service answers (docs/performance.md says how much).
"""

import asyncio
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import uvloop

Lane = Sequence[bytes]
ARRIVAL = 0.03
"""Seconds between two connections; nothing is measured before all are there."""


@dataclass
class Outcome:
    """What came back. `latencies` in seconds, sorted; `seconds` from the first to the last."""

    seconds: float
    latencies: list[float]
    statuses: Counter[int] = field(default_factory=Counter)
    odd: bytes = b""
    """The first answer that was not a 2xx."""

    @property
    def count(self) -> int:
        return len(self.latencies)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.count / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of the answers came."""
        return self.latencies[min(self.count - 1, int(self.count * share))] * 1000


class _Connection(asyncio.Protocol):
    """Plays one lane."""

    def __init__(self, lane: Lane, since: float, until: float, outcome: Outcome) -> None:
        self._lane: Iterator[bytes] = iter(lane)
        self._since = since
        self._until = until
        self._outcome = outcome
        self._held = b""
        self._began = 0.0
        self.finished = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        request = next(self._lane, None)
        self._began = time.perf_counter()
        if request is None or self._began >= self._until:
            self._transport.close()
            return
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        held = self._held + data if self._held else data
        head = held.find(b"\r\n\r\n")
        if head < 0 or len(held) < head + 4 + _length(held[:head]):
            self._held = held
            return
        self._held = b""
        status = int(held[9:12])
        if self._began >= self._since:
            self._outcome.latencies.append(time.perf_counter() - self._began)
        self._outcome.statuses[status] += 1
        if status >= 300 and not self._outcome.odd:
            self._outcome.odd = held[:2000]
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_result(None)


def _length(head: bytes) -> int:
    low = head.lower()
    start = low.find(b"content-length:")
    if start < 0:
        return 0
    end = low.find(b"\r", start)
    return int(low[start + 15 : end if end >= 0 else None])


async def _play(port: int, lanes: Sequence[Lane], seconds: float, arrival: float) -> Outcome:
    outcome = Outcome(0.0, [])
    loop = asyncio.get_running_loop()
    # Connections come one after the other while the earlier ones are at work, as in real life:
    # of several that come at once, one worker process would accept all.
    apart = arrival if len(lanes) > 1 else 0.0
    since = time.perf_counter() + apart * len(lanes)
    finished = []
    for lane in lanes:
        _, connection = await loop.create_connection(
            lambda lane=lane: _Connection(lane, since, since + seconds, outcome),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
        finished.append(connection.finished)
        await asyncio.sleep(apart)
    await asyncio.gather(*finished)
    outcome.seconds = time.perf_counter() - since
    outcome.latencies.sort()
    return outcome


def _child(port: int, lanes: Sequence[Lane], seconds: float, arrival: float, answer: Any) -> None:
    answer.send(uvloop.run(_play(port, lanes, seconds, arrival)))


def play(port: int, lanes: Sequence[Lane], *, seconds: float, arrival: float = ARRIVAL) -> Outcome:
    """Play all lanes at once for `seconds`, or until each has sent what it has."""
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()
    child = context.Process(target=_child, args=(port, lanes, seconds, arrival, theirs))
    child.start()
    theirs.close()
    outcome: Outcome = mine.recv()
    child.join()
    return outcome
