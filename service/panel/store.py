"""The only SQL on panel cards."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Insert, LargeBinary, and_, bindparam, delete, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from consent.grant import Grantee
from service.contracts.tables import contracts
from service.grants import store as grants
from service.kit.column_types import UuidBytes
from service.kit.guard import looking_for_a_panel
from service.kit.prepared import Prepared
from service.kit.sealed import Place, Sealed
from service.panel.tables import panel_cards
from service.residents.tables import resident_state


class Slot(NamedTuple):
    """One resident of a panel: the state they are in, and the card that is there, if any."""

    resident_id: UUID
    rev: int
    consent_revision: int
    card_rev: int | None
    card_revision: int | None
    sealed_card: bytes | None

    @property
    def current(self) -> bool:
        """Whether the card was made from what is stored and granted now."""
        return (self.card_rev, self.card_revision) == (self.rev, self.consent_revision)


class Made(NamedTuple):
    """A sealed card, and the state that it was made from."""

    slot: Slot
    sealed_card: Sealed


_COLUMNS = (
    resident_state.c.resident_id,
    resident_state.c.rev,
    resident_state.c.consent_revision,
    panel_cards.c.rev,
    panel_cards.c.consent_revision,
    panel_cards.c.sealed_card,
)

_CARD = ["resident_id", "practitioner_id", "rev", "consent_revision", "sealed_card"]

_PRACTITIONERS = Prepared(
    select(panel_cards.c.practitioner_id).where(
        panel_cards.c.resident_id == bindparam("resident", type_=LargeBinary)
    )
)


def place(resident: UUID, practitioner: UUID, rev: int) -> Place:
    return Place("panel_cards", "card", resident, practitioner.bytes, revision=rev)


def of_panel(conn: Connection, grantees: Sequence[Grantee], practitioner: UUID) -> list[Slot]:
    """Everybody on this practitioner's panel, with their card, in one statement."""
    mine = and_(
        panel_cards.c.resident_id == contracts.c.resident_id,
        panel_cards.c.practitioner_id == practitioner,
    )
    query = (
        select(*_COLUMNS)
        .select_from(contracts)
        .join(resident_state, resident_state.c.resident_id == contracts.c.resident_id)
        .outerjoin(panel_cards, mine)
        .where(grants.on_panel(grantees, practitioner))
    )
    with looking_for_a_panel(conn):
        return [Slot(*row) for row in conn.execute(query)]


def slot(conn: Connection, resident: UUID, practitioner: UUID) -> Slot | None:
    """The state of one resident and this practitioner's card of them; None for an unknown one."""
    mine = and_(
        panel_cards.c.resident_id == resident_state.c.resident_id,
        panel_cards.c.practitioner_id == practitioner,
    )
    query = (
        select(*_COLUMNS)
        .select_from(resident_state)
        .outerjoin(panel_cards, mine)
        .where(resident_state.c.resident_id == resident)
    )
    row = conn.execute(query).one_or_none()
    return None if row is None else Slot(*row)


def keep(conn: Connection, practitioner: UUID, made: Iterable[Made]) -> None:
    """Store cards in place of older ones, each while its resident is in the state it was made from.

    Somebody whose records or consent moved meanwhile, or move just now, gets none: what their
    change leaves of cards stands. Nobody waits here for a resident's row, and one order of all is
    kept for the cards of two looks at one panel.
    """
    for slot_, sealed_card in sorted(made, key=lambda one: one.slot.resident_id.bytes):
        conn.execute(_keeping(conn.dialect.name, practitioner, slot_, sealed_card))


def _keeping(dialect: str, practitioner: UUID, slot_: Slot, sealed_card: Sealed) -> Insert:
    state = resident_state.c
    row = (
        select(
            state.resident_id,
            literal(practitioner, UuidBytes),
            state.rev,
            state.consent_revision,
            literal(sealed_card.data, LargeBinary),
        )
        .where(
            state.resident_id == slot_.resident_id,
            state.rev == slot_.rev,
            state.consent_revision == slot_.consent_revision,
        )
        .with_for_update(read=True, skip_locked=True)
    )
    module = sqlite if dialect == "sqlite" else postgresql
    insert: Any = module.insert(panel_cards).from_select(_CARD, row)
    fresh = {name: insert.excluded[name] for name in _CARD[2:]}
    statement: Insert = insert.on_conflict_do_update(index_elements=_CARD[:2], set_=fresh)
    return statement


def practitioners(conn: Connection, resident: UUID) -> list[UUID]:
    """Whose panels hold a card of this resident."""
    rows = _PRACTITIONERS.rows(conn, {"resident": resident.bytes})
    return [UUID(bytes=bytes(found)) for (found,) in rows]


def clear(conn: Connection, practitioner: UUID) -> None:
    """Delete every card of one practitioner's panel."""
    conn.execute(delete(panel_cards).where(panel_cards.c.practitioner_id == practitioner))


def remove(conn: Connection, resident: UUID, practitioner: UUID | None = None) -> None:
    """Delete one practitioner's card of a resident, or all cards of the resident."""
    statement = delete(panel_cards).where(panel_cards.c.resident_id == resident)
    if practitioner is not None:
        statement = statement.where(panel_cards.c.practitioner_id == practitioner)
    conn.execute(statement)
