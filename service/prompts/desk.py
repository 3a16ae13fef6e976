"""Everything the logging of records needs of its owner, read in one statement."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from consent.decision import Permit
from service.keys.vault import Vault
from service.kit.ids import parse_id
from service.prompts import shelf, store
from service.prompts.shelf import Shelf
from service.records.actions import Taken
from service.records.store import by_record
from service.residents import actions as residents
from service.residents.actions import Profile

NO_KEY = bytes(16)


class Desk(NamedTuple):
    """Who writes, what is stored of the records they name, and the newest readings there are.

    The owner's row is locked from here to the commit, so all of it stays true.
    """

    profile: Profile
    taken: Taken
    shelf: Shelf


def laid(
    connection: Connection, vault: Vault, permit: Permit, entries: Sequence[Any], rev: int
) -> Desk:
    """The desk for up to 1,000 raw records, in one statement. After `rev` was taken only."""
    keys = _keys(vault, permit, entries) or [NO_KEY]
    profile, slots, parts, last = store.desk(connection, permit, keys)
    return Desk(
        residents.opened(vault, permit, profile),
        Taken(rev, by_record(parts)),
        shelf.of(vault, permit, slots, last),
    )


def _keys(vault: Vault, permit: Permit, entries: Sequence[Any]) -> list[bytes]:
    """The keys of records that name themselves; what is wrong with an id is said later."""
    named = (entry.get("id") for entry in entries if isinstance(entry, Mapping))
    ids = {parse_id(text) for text in named if isinstance(text, str)}
    return [vault.row_key(permit.subject, str(one)) for one in ids if one is not None]
