"""How every chore of a process runs: again and again until it is cancelled."""

import asyncio
from collections.abc import Callable

from anyio import to_thread

from service.house import House
from service.kit.log import log

Look = Callable[[House], object]


async def again(house: House, *looks: Look, every: float, failed: str) -> None:
    """Run the looks in a thread every so many seconds until cancelled.

    What goes wrong is logged under the name `failed`, without its text, and tried again.
    """
    while True:
        for look in looks:
            try:
                await to_thread.run_sync(look, house)
            except Exception as error:
                log.error(failed, kind=type(error).__name__)
        await asyncio.sleep(every)
