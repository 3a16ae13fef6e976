"""Each night the service compares the day before with its access log by itself.

Every process looks every ten minutes. A day of the city is compared an hour after its end, when
each process has kept what it opened on that day, by the one process that takes it; days that
passed while the service was down are made up, oldest first. A day that does not add up is compared
once and told as an alert: `kangma audit reconcile` shows its numbers.
"""

from contextlib import suppress
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection

from service.audit import store as audit
from service.house import House
from service.jobs.again import again
from service.jobs.reconcile import Reconciliation, reconcile
from service.kit import metrics
from service.kit.audience import speaking_for
from service.kit.clock import CITY_ZONE, city_day
from service.kit.errors import IntegrityBroken
from service.kit.guard import Crossing, dangerously_without_permit
from service.kit.log import log
from service.tallies import actions as tallies

LOOK_EVERY = 600.0
"""Seconds between two looks whether a day is over and not compared."""
MARGIN = timedelta(hours=1)
"""After midnight, for what is still being answered then: six looks, each of which keeps a tally."""
OVERDUE = timedelta(hours=36)
"""After the end of the last day that was compared, somebody is warned."""


def catch_up(house: House) -> int:
    """Compare every day that is over and that nobody has compared; how many there were."""
    done = 0
    with speaking_for("chores"):
        # What was opened since this process's last entry is in its memory alone.
        tallies.finish(house.db, house.vault.openings, house.system)
        for day, forged in _open_days(house).items():
            if not _taken(house, day, forged):
                # Another process is at it, and goes on with the days behind it.
                break
            _compare(house, day)
            done += 1
    return done


def warn_if_overdue(house: House) -> datetime:
    """The end of the last day that was compared, as a metric too; a warning when it is long ago."""
    with speaking_for("chores"):
        left = _open_days(house)
    first_open = next(iter(left), _last_over(house) + timedelta(days=1))
    until = datetime.combine(first_open, time(), CITY_ZONE)
    metrics.reconciled_until.set(until.timestamp())
    late = house.clock() - until
    if late > OVERDUE:
        hours = late // timedelta(hours=1)
        log.warning("access log not reconciled", first=first_open.isoformat(), hours=hours)
    return until


async def keep_reconciling(house: House) -> None:
    """Look until cancelled; what goes wrong is logged, and tried again."""
    looks = (catch_up, warn_if_overdue)
    await again(house, *looks, every=LOOK_EVERY, failed="reconciling failed")


def _last_over(house: House) -> date:
    """The newest day that may be compared by now."""
    return city_day(house.clock() - MARGIN) - timedelta(days=1)


def _open_days(house: House) -> dict[date, bytes | None]:
    last = _last_over(house)

    def read(conn: Connection) -> dict[date, bytes | None]:
        # Somebody who can delete rows deletes tallies and marks unseen, but no entry.
        with dangerously_without_permit(conn, Crossing.VERIFICATION):
            began = audit.began(conn)
        first = last if began is None else city_day(began)
        return tallies.open_days(conn, house.system, first=first, last=last)

    return house.db.read(read)


def _taken(house: House, day: date, forged: bytes | None) -> bool:
    now = house.clock()
    if not house.db.write(lambda conn: tallies.begin(conn, day, now=now, forged=forged)):
        return False
    if forged is not None:
        log.critical("alert", code=IntegrityBroken.code, reason="forged mark", day=day.isoformat())
    return True


def _compare(house: House, day: date) -> None:
    found: Reconciliation | None = None
    # Of a tally or an entry that was altered the number can never be known again.
    with suppress(IntegrityBroken):
        found = reconcile(house, day)
    if found is None or not found.sound:
        _alert(day, found)
    # After the alert: of a process that dies in between the next one tells again.
    house.db.write(lambda conn: tallies.end(conn, house.system, day))
    log.info("access log reconciled", day=day.isoformat())


def _alert(day: date, found: Reconciliation | None) -> None:
    metrics.reconciliation_differences.inc()
    numbers = {} if found is None else {"difference": found.difference, "erased": found.erased}
    reason = "not readable" if found is None else "not reconciled"
    log.critical("alert", code=IntegrityBroken.code, reason=reason, day=day.isoformat(), **numbers)
