"""Grants that were opened a moment ago: the next question of the same asker opens them no more.

They are kept by subject, asker and consent revision, and used again only for the very same sealed
rows, which are read at every question. So nothing is decided on them that would be decided
otherwise on grants just opened:

- a withdrawal, a change, a use that was taken or a hand that wrote into the table changes a row,
  and no two sealings are alike, not even after a transaction that was undone;
- what depends on time (beginnings, ends, windows) is not kept: `decide` judges it at each question;
- they lie beside the resident's opened keys and go with them: after five minutes, when a consent is
  withdrawn, when a class or the person is erased. Their number is bounded there too.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from consent.grant import Grant, grantees_of, names_of
from consent.grants import Grants
from consent.request import AccessRequest
from service.grants import body, notices, store
from service.grants.notices import NoticeText
from service.keys.vault import Vault
from service.kit.prepared import Row

MOST_GRANTS = 64
"""More grants than these of one resident to one asker are opened anew at each question."""


class Kept(NamedTuple):
    revision: int
    rows: list[Row]
    shelf: Mapping[str, tuple[NoticeText, ...]]
    """The notices at that time: from when a grant is outdated is part of it once it is opened."""
    grants: Grants

    def is_of(self, revision: int, rows: list[Row]) -> bool:
        return self.revision == revision and self.shelf is notices.editions() and self.rows == rows


def grants_of(conn: Connection, vault: Vault, request: AccessRequest, *, revision: int) -> Grants:
    """The subject's grants to the asker, withdrawn ones included; `revision` is that of consent."""
    asker, subject = names_of(request.actor), request.subject
    if not asker:
        return Grants()
    # Before the rows are read: what is dropped from now on keeps what they hold out.
    drops = vault.drops
    rows = store.raw_between(conn, subject, grantees_of(request.actor))
    found = vault.opened(subject, asker)
    if isinstance(found, Kept) and found.is_of(revision, rows):
        return found.grants
    shelf = notices.editions()
    grants = Grants(body.opened(vault, store.row_of(row)).grant for row in rows)
    if len(rows) <= MOST_GRANTS:
        vault.keep_opened(subject, asker, Kept(revision, rows, shelf, grants), drops=drops)
    return grants


def lasts(grant: Grant) -> bool:
    """Whether nothing is used up by what is decided on this grant."""
    return grant.deny or grant.uses_left is None
