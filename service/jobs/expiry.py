"""Let go of opened keys, and of what was opened with them, once their time is over.

Both are dropped when they are next asked for; in a process that nobody asks anything they would lie
in memory until its end.
"""

from service.house import House
from service.jobs.again import again
from service.panel.memory import memory_of

SWEEP_EVERY = 30.0
"""Seconds between two sweeps: what is over is gone within a minute, on a busy machine too."""


def sweep(house: House) -> None:
    """Drop what is over by now from the memory of this process."""
    house.vault.sweep()
    memory_of(house.vault).sweep(house.clock())


async def keep_sweeping(house: House) -> None:
    """Sweep until cancelled; what goes wrong is logged, and tried again."""
    await again(house, sweep, every=SWEEP_EVERY, failed="dropping expired keys failed")
