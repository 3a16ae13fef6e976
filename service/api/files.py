"""Opening the file of somebody new: an adult who signed up, or a child whose guardian begins it."""

from datetime import datetime

from sqlalchemy import Connection

from consent.decision import Permit
from service.house import House
from service.keys.pending import IN_TIME
from service.kit.errors import Unavailable
from service.prompts import actions as prompts
from service.residents import actions as residents
from service.residents.actions import Profile


def open_file(
    conn: Connection, house: House, permit: Permit, profile: Profile, *, begun: datetime
) -> None:
    """Seal the first profile into a file that `residents.begin` opened, and begin its prompt.

    `Unavailable` where the request, which made the keyring, began (`begun`) so long ago that the
    keyring might be taken for one without a person.
    """
    if house.clock() - begun > IN_TIME:
        raise Unavailable
    residents.register(conn, house.vault, permit, profile=profile)
    prompts.open_file(conn, house.vault, permit)
