"""A resident's own permit and calendar, as every route of `/v1/me` on records needs them."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action
from service.grants import gate
from service.house import House
from service.identity.caller import Caller
from service.residents import actions as residents


def own(
    connection: Connection, house: House, caller: Caller, action: Action, now: datetime
) -> Permit:
    """The caller's permit on their own record, all classes."""
    return gate.own(connection, house.vault, resident=caller.id, action=action, now=now)


def zone_of(connection: Connection, house: House, permit: Permit) -> ZoneInfo:
    """The zone of the resident's calendar."""
    return ZoneInfo(residents.profile(connection, house.vault, permit).zone)
