"""What the rows of a question say, opened a moment ago: the next question of the same asker opens
nothing and puts nothing together.

It is kept by subject and asker, and used again only for the very same rows, which are read at every
question: the subject's standing, the asker's post, the contract and the grants between the two. So
nothing is decided on it that would be decided otherwise on rows just opened:

- a withdrawal, a change, a use that was taken or a hand that wrote into a table changes a row, and
  no two sealings are alike, not even after a transaction that was undone;
- what depends on time (beginnings, ends, windows) is not kept: `decide` judges it at each question;
- it lies beside the resident's opened keys and goes with them: after five minutes, when a consent
  is withdrawn, when a class or the person is erased. Its number is bounded there too.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from consent.grant import Grant, Grantee, names_of
from consent.grants import Grants
from consent.request import Actor, Facts
from consent.vocabulary import ActorKind, GranteeKind
from service.contracts import actions as contracts
from service.grants import askers, body, notices, store
from service.grants.askers import Asker
from service.grants.facts import facts_of, placed, practitioner_of
from service.grants.notices import NoticeText
from service.grants.store import Standing
from service.keys.vault import Vault
from service.kit.groups import AHEAD, asked_ahead
from service.kit.prepared import Row

MOST_GRANTS = 64
"""More grants than these of one resident to one asker are opened anew at each question."""


MOST_ASKERS = 4096
"""Practitioners whose names are remembered from their last question."""
Names = tuple[tuple[GranteeKind, str], ...]
_last_names: dict[str, Names] = {}


class Known(NamedTuple):
    """What a decision needs to know of asker and subject beside the request and the time."""

    names: Names
    rows: list[Row]
    shelf: Mapping[str, tuple[NoticeText, ...]]
    """The notices at that time: from when a grant is outdated is part of it once it is opened."""
    standing: Standing
    asker: Asker | None
    """None for whoever is no practitioner."""
    actor: Actor
    """With the clinic and role of the store."""
    grants: Grants
    """All between the two, withdrawn ones included."""
    facts: Facts
    """As they are for an asker who did not step up."""

    def is_of(self, names: Names, rows: list[Row]) -> bool:
        return self.names == names and self.shelf is notices.editions() and self.rows == rows


class Sent(NamedTuple):
    """A question on its way: whose grants are asked for, and the vault's drops before it."""

    names: Names
    drops: int
    rows: Callable[[], list[Row]]


def facing(
    conn: Connection, vault: Vault, actor: Actor, subject: UUID
) -> tuple[Standing | None, Known | None]:
    """The standing of a subject, and what is known of the two.

    Nothing is known where there is no living record, nor of a practitioner who is not in office.
    One statement for a practitioner. To which clinic and role they belong is told by it, so it is
    guessed to be what it was at their last question, and asked again where that was wrong.
    """
    if actor.kind is not ActorKind.PRACTITIONER:
        return _of_another(conn, vault, actor, subject)
    practitioner = practitioner_of(actor)
    if practitioner is None:
        return store.standing(conn, subject), None
    sent = conn.info.get(AHEAD, {}).pop((subject, _place(actor)), None)
    while True:
        names, drops, answer = sent or _sent(conn, vault, actor, subject, practitioner)
        sent, rows = None, answer()
        found = vault.opened(subject, _place(actor))
        if isinstance(found, Known) and found.is_of(names, rows):
            return found.standing, found
        standing, asker, between = askers.told(subject, practitioner, rows)
        if standing is None or standing.status != "active" or asker is None:
            return standing, None
        its = names_of(placed(actor, asker))
        if its == names:
            break
        _remember(actor.id, its)
    known = _opened(vault, actor, standing, asker, names, rows, between)
    _keep(vault, actor, subject, known, len(between), drops)
    return standing, known


def ahead(conn: Connection, vault: Vault, actor: Actor, subject: UUID) -> None:
    """Send what `facing` will ask, and let it find the answer."""
    practitioner = practitioner_of(actor)
    if practitioner is not None:
        sent = _sent(conn, vault, actor, subject, practitioner)
        asked_ahead(conn)[subject, _place(actor)] = sent


def _sent(conn: Connection, vault: Vault, actor: Actor, subject: UUID, practitioner: UUID) -> Sent:
    names = _last_names.get(actor.id, ())
    # Before the rows are read: what is dropped from now on keeps what they hold out.
    drops = vault.drops
    return Sent(names, drops, askers.facing(conn, subject, practitioner, _grantees(names)))


def _of_another(
    conn: Connection, vault: Vault, actor: Actor, subject: UUID
) -> tuple[Standing | None, Known | None]:
    """As `facing`, of a resident or a service."""
    names = names_of(actor)
    drops = vault.drops
    standing = store.standing(conn, subject)
    if standing is None or standing.status != "active":
        return standing, None
    rows = store.raw_between(conn, subject, _grantees(names)) if names else []
    found = vault.opened(subject, _place(actor)) if rows else None
    if isinstance(found, Known) and found.standing == standing and found.is_of(names, rows):
        return standing, found
    known = _opened(vault, actor, standing, None, names, rows, rows)
    if rows:
        _keep(vault, actor, subject, known, len(rows), drops)
    return standing, known


def _opened(
    vault: Vault,
    actor: Actor,
    standing: Standing,
    asker: Asker | None,
    names: Names,
    rows: list[Row],
    between: Sequence[Row],
) -> Known:
    """`IntegrityBroken` where a grant or the contract does not say what its clear columns say.

    Whoever can write to the store sets an ended contract in force in the clear, but not where it is
    sealed.
    """
    shelf = notices.editions()
    grants = Grants(body.opened(vault, store.row_of(row)).grant for row in between)
    bond = askers.Bond()
    if asker is not None:
        bond = asker.bond
        if asker.contract is not None:
            contracts.opened(vault, askers.contract_of(standing.resident_id, asker.contract))
    facts = facts_of(standing, bond, stepped_up=False)
    return Known(names, rows, shelf, standing, asker, placed(actor, asker), grants, facts)


def _keep(vault: Vault, actor: Actor, subject: UUID, known: Known, grants: int, drops: int) -> None:
    if grants <= MOST_GRANTS:
        vault.keep_opened(subject, _place(actor), known, drops=drops)


def _place(actor: Actor) -> Hashable:
    return actor.kind, actor.id, actor.acr


def _grantees(names: Names) -> list[Grantee]:
    return [Grantee(kind, id_) for kind, id_ in names]


def _remember(asker: str, names: Names) -> None:
    if len(_last_names) >= MOST_ASKERS:
        _last_names.clear()
    _last_names[asker] = names


def lasts(grant: Grant) -> bool:
    """Whether nothing is used up by what is decided on this grant."""
    return grant.deny or grant.uses_left is None
