"""Compare what the vault opened for others on a day with what the access log tells of that day."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection

from consent.vocabulary import DataClass
from service.audit import store
from service.grants import looks
from service.house import House
from service.kit.clock import CITY_ZONE
from service.kit.errors import Gone, NotFound
from service.kit.guard import Crossing, dangerously_without_permit
from service.tallies import actions as tallies


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A city day's classes: opened by the vault, told by entries, opened and told to nobody.

    `erased` entries tell their number no more. `processes` names who counted what.
    """

    day: date
    opened: int
    logged: int
    kept_back: int
    erased: int
    processes: dict[str, dict[str, int]]

    @property
    def difference(self) -> int:
        """Classes opened without an entry; below 0, entries of which the vault knows nothing."""
        return self.opened - self.logged

    @property
    def sound(self) -> bool:
        """Whether the numbers agree; an entry of the erased may have told of every class."""
        return 0 <= self.difference <= self.erased * len(DataClass)


def reconcile(house: House, day: date) -> Reconciliation:
    """The day's two numbers, read at one moment."""

    def read(conn: Connection) -> Reconciliation:
        counted = tallies.of_day(conn, house.system, day)
        with dangerously_without_permit(conn, Crossing.VERIFICATION):
            logged, erased = _told(conn, house, day)
        processes: dict[str, Any] = {str(one): found._asdict() for one, found in counted.items()}
        return Reconciliation(
            day=day,
            opened=sum(one.opened for one in counted.values()),
            logged=logged,
            kept_back=sum(one.kept_back for one in counted.values()),
            erased=erased,
            processes=processes,
        )

    return house.db.at_one_moment(read)


def report(found: Reconciliation) -> dict[str, Any]:
    """The facts of a reconciliation by name."""
    return {**asdict(found), "difference": found.difference, "sound": found.sound}


def _told(conn: Connection, house: House, day: date) -> tuple[int, int]:
    start = datetime.combine(day, time(), CITY_ZONE)
    logged = erased = 0
    for one in store.between(conn, start, start + timedelta(days=1)):
        try:
            logged += looks.opened_by(house.vault, one.entry)
        except (Gone, NotFound):
            erased += 1
    return logged, erased
