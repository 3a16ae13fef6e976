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

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from consent.grant import Grant, Grantee, names_of
from consent.grants import Grants
from consent.request import AccessRequest, Actor
from consent.vocabulary import ActorKind, GranteeKind
from service.grants import body, notices, store
from service.grants.notices import NoticeText
from service.keys.vault import Vault
from service.kit.prepared import Row, pipelined

MOST_GRANTS = 64
"""More grants than these of one resident to one asker are opened anew at each question."""


MOST_ASKERS = 4096
"""Practitioners whose names are remembered from their last question."""
Names = tuple[tuple[GranteeKind, str], ...]
_last_names: dict[str, Names] = {}


class Kept(NamedTuple):
    revision: int
    rows: list[Row]
    shelf: Mapping[str, tuple[NoticeText, ...]]
    """The notices at that time: from when a grant is outdated is part of it once it is opened."""
    grants: Grants

    def is_of(self, revision: int, rows: list[Row]) -> bool:
        return self.revision == revision and self.shelf is notices.editions() and self.rows == rows


class Ahead(NamedTuple):
    """Rows of grants that were asked for, and what the vault had dropped before they were read."""

    names: Names
    drops: int
    rows: Callable[[], list[Row]]


@contextmanager
def ahead(conn: Connection, vault: Vault, actor: Actor, subject: UUID) -> Iterator[Ahead | None]:
    """The subject's grants to an asker, asked for together with the statements inside.

    To which clinic and role the asker belongs is told by one of those, so it is guessed to be what
    it was at their last question. `grants_of` asks again where that turns out to be wrong.
    """
    names = _last_names.get(actor.id)
    if names is None or actor.kind is not ActorKind.PRACTITIONER:
        yield None
        return
    with pipelined(conn):
        yield _asked(conn, vault, subject, names)


def grants_of(
    conn: Connection,
    vault: Vault,
    request: AccessRequest,
    *,
    revision: int,
    ahead: Ahead | None = None,
) -> Grants:
    """The subject's grants to the asker, withdrawn ones included; `revision` is that of consent."""
    asker, subject = names_of(request.actor), request.subject
    if not asker:
        return Grants()
    if ahead is None or ahead.names != asker:
        _remember(request.actor.id, asker)
        ahead = _asked(conn, vault, subject, asker)
    rows = ahead.rows()
    found = vault.opened(subject, asker)
    if isinstance(found, Kept) and found.is_of(revision, rows):
        return found.grants
    shelf = notices.editions()
    grants = Grants(body.opened(vault, store.row_of(row)).grant for row in rows)
    if len(rows) <= MOST_GRANTS:
        kept = Kept(revision, rows, shelf, grants)
        vault.keep_opened(subject, asker, kept, drops=ahead.drops)
    return grants


def _asked(conn: Connection, vault: Vault, subject: UUID, names: Names) -> Ahead:
    # Before the rows are read: what is dropped from now on keeps what they hold out.
    drops = vault.drops
    grantees = [Grantee(kind, id_) for kind, id_ in names]
    return Ahead(names, drops, store.raw_between(conn, subject, grantees))


def _remember(asker: str, names: Names) -> None:
    if len(_last_names) >= MOST_ASKERS:
        _last_names.clear()
    _last_names[asker] = names


def lasts(grant: Grant) -> bool:
    """Whether nothing is used up by what is decided on this grant."""
    return grant.deny or grant.uses_left is None
