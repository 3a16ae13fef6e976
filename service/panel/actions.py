"""The doctor's panel: cards made from what was granted, kept sealed, made anew when stale."""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consent.decision import Decision, Permit
from consent.grant import Grantee, grantees_of
from consent.request import Actor
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, DataClass, Purpose
from service.domain.regions import RegionTree
from service.domain.risk.stability import Steady
from service.grants import gate
from service.grants import store as grants
from service.keys.vault import Vault
from service.kit.clock import city_day
from service.kit.ids import parse_id
from service.kit.sealed import Sealed
from service.panel import store
from service.panel.card import (
    FRAME,
    MOST_DUE,
    Card,
    basis_of,
    decode,
    encode,
    held_of,
    with_history,
)
from service.panel.memory import Memory, Remembered, memory_of
from service.panel.order import Row
from service.panel.patient import see

RENEWED_AT_ONCE = 20
"""Cards of an earlier day that one look at the panel makes anew: readings age, people too."""

ASKED_ONE_BY_ONE = 20
"""Up to so many residents are decided one by one, three small statements each."""


def rows(
    conn: Connection, vault: Vault, *, practitioner: UUID, regions: RegionTree, now: datetime
) -> list[Row]:
    """Everybody of a panel whose name the practitioner may see, each under their own permit.

    A card that is behind its resident's records or grants is made anew here, so a panel never
    shows what was true before the last change.
    """
    grantees = grantees_of(gate.panel_actor(conn, practitioner))
    slots = store.of_panel(conn, grantees, practitioner)
    memory = memory_of(vault)
    today = city_day(now)
    known = _known(memory, practitioner, grantees, slots, now)
    unknown = [resident for resident, row in known.items() if row is None]
    decisions = _decisions(conn, vault, practitioner, unknown, now)
    found: list[Row] = []
    fresh: list[store.Made] = []
    remembered: dict[UUID, Remembered] = {}
    aged = RENEWED_AT_ONCE
    for slot in slots:
        row = known[slot.resident_id]
        decision = decisions.get(slot.resident_id) if row is None else row.decision
        permit = _showing(decision)
        # Where a grant changed between the statements, the next page shows how it stands then.
        if decision is None or permit is None or permit.revision != slot.consent_revision:
            continue
        card = _current(vault, permit, practitioner, slot) if row is None else row.card
        # What is remembered was permitted to an earlier job, and making anew reads in this one.
        if row is None and card is not None and card.made_on != today and aged:
            aged, card = aged - 1, None
        if card is None:
            card, made = _made(conn, vault, permit, slot, practitioner, regions, now)
            fresh.append(made)
            found.append(Row(slot.resident_id, card, decision))
            continue
        row = row or Row(slot.resident_id, card, decision)
        remembered[slot.resident_id] = Remembered(grantees, slot.sealed_card or b"", row)
        found.append(row)
    # Last of all, because it holds the rows of these residents until the commit.
    store.keep(conn, practitioner, fresh)
    memory.keep(practitioner, remembered)
    return found


def _known(
    memory: Memory,
    practitioner: UUID,
    grantees: tuple[Grantee, ...],
    slots: Sequence[store.Slot],
    now: datetime,
) -> dict[UUID, Row | None]:
    """What is remembered of each; nothing of the cards of an earlier day that it is time for."""
    aged = RENEWED_AT_ONCE
    known: dict[UUID, Row | None] = {}
    for slot in slots:
        row = memory.row(practitioner, grantees, slot, now)
        if row is not None and row.card.made_on != city_day(now) and aged:
            aged, row = aged - 1, None
        known[slot.resident_id] = row
    return known


def residents(conn: Connection, practitioner: UUID) -> list[UUID]:
    """Everybody on a practitioner's panel, whatever they let them see."""
    grantees = grantees_of(gate.panel_actor(conn, practitioner))
    return [slot.resident_id for slot in store.of_panel(conn, grantees, practitioner)]


def decided(
    conn: Connection,
    vault: Vault,
    *,
    practitioner: UUID,
    residents: Sequence[UUID],
    now: datetime,
) -> dict[UUID, Decision]:
    """Decisions on those of these residents whose name the practitioner may see."""
    gate.panel_actor(conn, practitioner)
    found = _decisions(conn, vault, practitioner, residents, now)
    wanted = set(residents)
    return {
        resident: decision
        for resident, decision in found.items()
        if resident in wanted and _showing(decision) is not None
    }


def holders(conn: Connection, resident: UUID) -> list[UUID]:
    """The practitioners whose panels hold a card of this resident."""
    return store.practitioners(conn, resident)


def clear(conn: Connection, practitioner: UUID) -> None:
    """Forget a practitioner's cards, because they have another post now or none.

    The cards were made under the grants of the old one; what processes remember of them is void
    with the post.
    """
    gate.panel_actor(conn, practitioner)
    store.clear(conn, practitioner)


def refresh(
    conn: Connection,
    vault: Vault,
    *,
    resident: UUID,
    regions: RegionTree,
    now: datetime,
    holders: Sequence[UUID] | None = None,
    corrected: Set[DataClass] = frozenset(),
) -> None:
    """Make a resident's cards anew after their records changed.

    Whoever corrects must call it with the classes `corrected`, because nobody notices later that
    a held level rests on what was never so. Of other changes it only saves work, `rows` notices
    what is stale. Somebody on no panel pays one small statement, or none where the caller has
    asked for the `holders` already.
    """
    for practitioner in store.practitioners(conn, resident) if holders is None else holders:
        _refresh_one(conn, vault, resident, practitioner, regions, now, corrected)


def held(conn: Connection, vault: Vault, permit: Permit, practitioner: UUID) -> Steady:
    """What a practitioner's card holds of a resident's level, as far as `permit` may know it.

    Nothing without a card, or where it was made from other classes. The profile class is needed.
    """
    slot = store.slot(conn, permit.subject, practitioner)
    card = None if slot is None else _opened(vault, permit, practitioner, slot)
    return held_of(card, permit)


def regroup(
    conn: Connection, vault: Vault, *, resident: UUID, regions: RegionTree, now: datetime
) -> None:
    """After grants changed: a card for each doctor who may see the name, and for no other."""
    holders = {parse_id(text) for text in grants.practitioners_of(conn, resident)}
    for practitioner in holders | set(store.practitioners(conn, resident)):
        if practitioner is not None:
            _refresh_one(conn, vault, resident, practitioner, regions, now)


def _refresh_one(
    conn: Connection,
    vault: Vault,
    resident: UUID,
    practitioner: UUID,
    regions: RegionTree,
    now: datetime,
    corrected: Set[DataClass] = frozenset(),
) -> None:
    permit = _showing(_decision(conn, vault, practitioner, resident, now))
    slot = store.slot(conn, resident, practitioner)
    if permit is None or slot is None:
        store.remove(conn, resident, practitioner)
    elif not slot.current:
        _, made = _made(conn, vault, permit, slot, practitioner, regions, now, corrected)
        store.keep(conn, practitioner, [made])
        # It lies sealed until the doctor looks at it, which is logged then.
        vault.openings.keep_back(permit)


def _decisions(
    conn: Connection, vault: Vault, practitioner: UUID, residents: Sequence[UUID], now: datetime
) -> Mapping[UUID, Decision]:
    """Decisions on these residents: one by one for a few, in two statements for many."""
    if len(residents) > ASKED_ONE_BY_ONE:
        return gate.admit_panel(conn, vault, practitioner=practitioner, now=now)
    return {one: _decision(conn, vault, practitioner, one, now) for one in residents}


def _decision(
    conn: Connection, vault: Vault, practitioner: UUID, resident: UUID, now: datetime
) -> Decision:
    return gate.admit(
        conn,
        vault,
        actor=Actor(ActorKind.PRACTITIONER, str(practitioner)),
        subject=resident,
        purpose=Purpose.CARE,
        action=Action.READ,
        classes=ALL_CLASSES,
        now=now,
        lasting=True,
    )


def _showing(decision: Decision | None) -> Permit | None:
    """The permit of a decision that opens the resident's name."""
    permit = None if decision is None else decision.permit
    return permit if permit is not None and DataClass.PROFILE in permit.classes else None


def _made(
    conn: Connection,
    vault: Vault,
    permit: Permit,
    slot: store.Slot,
    practitioner: UUID,
    regions: RegionTree,
    now: datetime,
    corrected: Set[DataClass] = frozenset(),
) -> tuple[Card, store.Made]:
    """Assess the granted classes, remember how the level moved, and seal the card."""
    seen = see(conn, vault, permit, regions=regions, now=now)
    before = _opened(vault, permit, practitioner, slot)
    head = seen.head(held_of(before, permit, corrected))
    card = Card(
        name=seen.profile.name,
        birth_date=seen.profile.birth_date,
        sex=seen.profile.sex,
        level=head.level,
        previous_level=None,
        level_changed_on=None,
        due=tuple((due.item, due.on) for due in seen.due[:MOST_DUE]),
        last_seen=seen.last_seen,
        basis=basis_of(permit),
        made_on=city_day(now),
        automation=seen.profile.automation,
        held=head.steady,
        due_more=len(seen.due[MOST_DUE:]),
    )
    card = with_history(card, before)
    place = store.place(slot.resident_id, practitioner, slot.rev)
    sealed = vault.seal(permit, DataClass.PROFILE, place, encode(card), frame=FRAME)
    return card, store.Made(slot, sealed)


def _current(vault: Vault, permit: Permit, practitioner: UUID, slot: store.Slot) -> Card | None:
    """The card, if it was made from what is stored now and under just what is granted now.

    A grant that runs out moves no revision, so the basis is compared as well.
    """
    card = _opened(vault, permit, practitioner, slot) if slot.current else None
    return card if card is not None and card.basis == basis_of(permit) else None


def _opened(vault: Vault, permit: Permit, practitioner: UUID, slot: store.Slot) -> Card | None:
    if slot.sealed_card is None or slot.card_rev is None:
        return None
    place = store.place(slot.resident_id, practitioner, slot.card_rev)
    return decode(vault.open(Sealed(slot.sealed_card, place), permit))
