"""How appeals stand over all residents, in numbers alone."""

from datetime import datetime

from service.appeals import actions
from service.appeals.actions import Standing
from service.house import House
from service.kit.guard import Crossing, dangerously_crossing


def standing(house: House, *, now: datetime) -> Standing:
    """Counted from what is in the clear; no appeal is opened."""
    count = dangerously_crossing(
        Crossing.APPEALS, lambda conn: actions.standing(conn, house.vault, now=now)
    )
    return house.db.read(count)
