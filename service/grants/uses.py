"""Grants that may be used only so often: every look takes one use off, in its own transaction."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consent.decision import SPEND_USE, Decision
from service.grants import body, past, store
from service.grants.body import Kept
from service.keys.vault import Vault


class UseTaken(Exception):
    """Somebody else took the last use, or the grant changed; the request is to be decided anew."""


def spend(
    conn: Connection, vault: Vault, decision: Decision, *, subject: UUID, now: datetime
) -> None:
    """Take one use off the grant the decision rests on, when it counts them.

    The row is locked and read at its newest, so of two looks at once, on whatever processes, the
    second finds what the first left; `UseTaken` when that is nothing. Called after the answer was
    made and inside what undoes it: a look that fails spends nothing, and an answer whose use could
    not be taken is never told.
    """
    if SPEND_USE not in decision.obligations or decision.grant is None:
        return
    row = store.locked(conn, subject, decision.grant)
    kept = None if row is None else body.opened(vault, row)
    if row is None or kept is None or kept.withdrawn or not kept.grant.uses_left:
        raise UseTaken
    spent = replace(kept.grant, version=kept.grant.version + 1, uses_left=kept.grant.uses_left - 1)
    after = Kept(spent, kept.contract, kept.events)
    if not store.replaced(conn, body.sealed(vault, subject, after), version=row.version):
        raise UseTaken
    past.note_grant(conn, vault, subject, after, at=now)
