"""What a resident wished of those who ask: whom they withdrew from, and whether in an emergency.

It decides nothing and asks for no decision: the gate has let the caller look at them already.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consent.grant import grantees_of
from consent.request import Actor
from service.grants import body, store
from service.grants.facts import asker_of, placed
from service.keys.vault import Vault


def withdrawals(conn: Connection, vault: Vault, actor: Actor, subject: UUID) -> list[datetime]:
    """When grants to this actor, to their clinic or to their role there were withdrawn."""
    grantees = grantees_of(placed(actor, asker_of(conn, actor, subject)))
    found = [body.opened(vault, row).grant for row in store.between(conn, subject, *grantees)]
    return [grant.withdrawn_at for grant in found if grant.withdrawn_at and not grant.deny]


def lets_in_emergency(conn: Connection, subject: UUID) -> bool:
    """Whether the resident leaves the door ajar for emergencies."""
    standing = store.standing(conn, subject)
    return standing is not None and not standing.emergency_refused
