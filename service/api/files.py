"""Opening the file of somebody new: an adult who signed up, or a child whose guardian begins it."""

from sqlalchemy import Connection

from consent.decision import Permit
from service.house import House
from service.prompts import actions as prompts
from service.residents import actions as residents
from service.residents.actions import Profile


def open_file(conn: Connection, house: House, permit: Permit, profile: Profile) -> None:
    """Seal the first profile into a file that `residents.begin` opened, and begin its prompt."""
    residents.register(conn, house.vault, permit, profile=profile)
    prompts.open_file(conn, house.vault, permit)
