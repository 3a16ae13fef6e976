"""The gate: the one place where a decision is asked for, and the only importer of `consent.decide`.

It loads the facts in few statements (one for a resident's own record) and hands them to the pure
decision. What comes back carries a `Permit`, or the rule and the sentence of a refusal.

It is also where walls 3 and 4 open: `guard.ask` before the facts about somebody are read, and
`_decided` for every decision, which admits the permit it handed out. What forgets either reads
nothing, because its statements are refused.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection

from consent.decide import decide
from consent.decision import Decision, Permit
from consent.grant import STATISTICS_SERVICE, Grant, Grantee, grantees_of
from consent.grants import Grants
from consent.request import AccessRequest, Actor, Facts
from consent.rules import SENTENCES
from consent.vocabulary import (
    ALL_CLASSES,
    Action,
    ActorKind,
    DataClass,
    GranteeKind,
    Purpose,
    Text,
)
from service.grants import askers, body, kept, store
from service.grants.facts import (
    NO_BOND,
    UNKNOWN,
    facts_in_emergency,
    facts_of,
    facts_of_another,
)
from service.grants.standing import refusal
from service.identity import store as identity
from service.keys.keyring import Slot
from service.keys.vault import Vault
from service.kit import guard
from service.residents import store as residents

STATISTICS = Grantee(GranteeKind.SERVICE, STATISTICS_SERVICE)
"""The grantee of the statistics grant: the one-way contribution job of the city."""

_UNNAMED = "no-rule"
Emergency = Literal["open", "imagined"]
"""Decide on the session of break-glass that is open, or on one that would be opened now."""
_OF_A_PANEL = frozenset({Slot.POLICY, Slot.PROFILE})


def admit(
    conn: Connection,
    vault: Vault,
    *,
    actor: Actor,
    subject: UUID,
    purpose: Purpose,
    action: Action,
    classes: frozenset[DataClass],
    now: datetime,
    stepped_up: bool = False,
    unknown: tuple[str, ...] = (),
    presented: Iterable[Grant] = (),
    lasting: bool = False,
) -> Decision:
    """Decide one request: one statement on one's own record, two on anybody else's.

    `presented` are grants the resident handed over in person, such as a code held up to a doctor.
    `lasting` leaves out grants of limited uses: for what is kept ready without anybody looking.
    """
    request = AccessRequest(actor, subject, purpose, action, classes, unknown)
    return _admitted(conn, vault, request, now, stepped_up, presented, lasting)[0]


def ask_ahead(conn: Connection, vault: Vault, actor: Actor, subject: UUID) -> None:
    """Send what a decision will ask about somebody, while others wait for the same connection."""
    guard.ask(conn, subject)
    kept.ahead(conn, vault, actor, subject)


def admit_look(
    conn: Connection,
    vault: Vault,
    request: AccessRequest,
    *,
    now: datetime,
    stepped_up: bool = False,
) -> tuple[AccessRequest, Decision, askers.Asker | None]:
    """Decide a look by somebody else; a practitioner's for an emergency where that opens more.

    The answer also names the request that was decided (its purpose is logged), and who asked.
    """
    decision, asker = _admitted(conn, vault, request, now, stepped_up)
    urgent = asker is not None and asker.in_emergency and bool(decision.withheld)
    if not urgent or request.purpose is not Purpose.CARE or request.action is not Action.READ:
        return request, decision, asker
    asked = replace(request, purpose=Purpose.EMERGENCY)
    broken = admit_emergency(
        conn, vault, actor=request.actor, subject=request.subject, now=now, classes=request.classes
    )
    better = len(broken.classes) > len(decision.classes)
    # Where neither opens anything, that the four hours are over is what there is to say.
    if better or not decision.allow:
        return asked, broken, asker
    return request, decision, asker


def admit_emergency(
    conn: Connection,
    vault: Vault,
    *,
    actor: Actor,
    subject: UUID,
    now: datetime,
    classes: frozenset[DataClass] = ALL_CLASSES,
    imagined: bool = False,
    stepped_up: bool = False,
) -> Decision:
    """Decide a look in an emergency, on the session that is open.

    If it is `imagined` to be opened now, the decision brings no permit: nobody is looking yet.
    `stepped_up` is asked for then alone.
    """
    request = AccessRequest(actor, subject, Purpose.EMERGENCY, Action.READ, classes)
    emergency: Emergency = "imagined" if imagined else "open"
    return _admitted(conn, vault, request, now, stepped_up, emergency=emergency)[0]


def _admitted(
    conn: Connection,
    vault: Vault,
    request: AccessRequest,
    now: datetime,
    stepped_up: bool = False,
    presented: Iterable[Grant] = (),
    lasting: bool = False,
    emergency: Emergency | None = None,
) -> tuple[Decision, askers.Asker | None]:
    """The decision and who asked. One on an emergency that is only imagined admits nobody."""
    actor, subject = request.actor, request.subject
    guard.ask(conn, subject)
    standing, known = kept.facing(conn, vault, actor, subject)
    if standing is None or standing.status != "active":
        facts = UNKNOWN if standing is None else facts_of(standing, NO_BOND, stepped_up)
        return _decided(conn, request, (), facts, now), None
    if actor.kind is ActorKind.RESIDENT and actor.id != str(subject):
        facts = facts_of_another(conn, vault, standing, stepped_up)
        return _decided(conn, request, (), facts, now), None
    if known is None:
        # Somebody who is not in office holds nothing, whatever was once granted to them.
        return _decided(conn, request, (), facts_of(standing, NO_BOND, stepped_up), now), None
    request = replace(request, actor=known.actor)
    grants, facts = known.grants, known.facts
    more = tuple(presented)
    if more or lasting:
        grants = Grants(one for one in (*more, *grants) if not lasting or kept.lasts(one))
    if stepped_up:
        facts = replace(facts, stepped_up=True)
    if emergency is not None:
        at = now if emergency == "imagined" else None
        facts = facts_in_emergency(conn, vault, facts, request, imagined_at=at)
    if emergency == "imagined":
        return foresee(request, grants, facts, now), known.asker
    return _decided(conn, request, grants, facts, now), known.asker


def permit_or_raise(
    conn: Connection,
    vault: Vault,
    *,
    actor: Actor,
    subject: UUID,
    purpose: Purpose,
    action: Action,
    classes: frozenset[DataClass],
    now: datetime,
    stepped_up: bool = False,
) -> Permit:
    """The permit of `admit`, or the error that `standing.refusal` names."""
    decision = admit(
        conn,
        vault,
        actor=actor,
        subject=subject,
        purpose=purpose,
        action=action,
        classes=classes,
        now=now,
        stepped_up=stepped_up,
    )
    if decision.permit is None:
        raise refusal(conn, vault, decision, actor=actor, subject=subject)
    return decision.permit


def own(
    conn: Connection,
    vault: Vault,
    *,
    resident: UUID,
    action: Action,
    now: datetime,
    classes: frozenset[DataClass] = ALL_CLASSES,
    stepped_up: bool = False,
) -> Permit:
    """A resident's permit on their own record."""
    return permit_or_raise(
        conn,
        vault,
        actor=Actor(ActorKind.RESIDENT, str(resident)),
        subject=resident,
        purpose=Purpose.SELF_CARE,
        action=action,
        classes=classes,
        now=now,
        stepped_up=stepped_up,
    )


def enter(conn: Connection, vault: Vault, *, resident: UUID, now: datetime) -> tuple[Permit, int]:
    """A resident's permit to write to their own record, and the revision taken for the write.

    `own` and `residents.store.advance` in one statement, for the busiest path of the service.
    """
    guard.ask(conn, resident)
    found = store.entered(conn, resident)
    actor = Actor(ActorKind.RESIDENT, str(resident))
    request = AccessRequest(actor, resident, Purpose.SELF_CARE, Action.WRITE, ALL_CLASSES)
    facts = UNKNOWN if found is None else facts_of(found[0], NO_BOND, stepped_up=False)
    decision = _decided(conn, request, (), facts, now)
    if found is None or decision.permit is None:
        raise refusal(conn, vault, decision, actor=actor, subject=resident)
    return decision.permit, found[1]


def sentence(rule: str) -> Text:
    """The sentence of a rule, for classes that a decision withheld."""
    return SENTENCES.get(rule, SENTENCES[_UNNAMED])


def admit_panel(
    conn: Connection,
    vault: Vault,
    *,
    practitioner: UUID,
    now: datetime,
    action: Action = Action.READ,
    classes: frozenset[DataClass] = ALL_CLASSES,
) -> dict[UUID, Decision]:
    """One decision for everybody on this practitioner's panel, in three statements.

    Grants of limited uses open nothing here: a panel is kept ready, and no use may go on that.
    """
    actor = panel_actor(conn, practitioner)
    grantees = grantees_of(actor)
    with guard.looking_for_a_panel(conn):
        found = store.standings_of_panel(conn, grantees, practitioner)
        rows = store.active_to(conn, grantees)
    # One query of the keystore for all of them, for the grants here and the names soon after.
    vault.preload(_revisions(one for one, _ in found), _OF_A_PANEL)
    asked = (actor, Purpose.CARE, action, classes)
    standings = [(one, askers.Bond(mine, clinic_signed=True)) for one, mine in found]
    return _decide_each(conn, vault, standings, rows, asked, now=now, lasting=True)


def panel_actor(conn: Connection, practitioner: UUID) -> Actor:
    """A practitioner with their clinic and role of this moment, as one who asks for a panel.

    From here on the statements of this job may look for everybody on it.
    """
    actor = Actor(ActorKind.PRACTITIONER, str(practitioner))
    known = identity.practitioner(conn, practitioner)
    if known is not None and not known.disabled and known.clinic_id is not None:
        actor = replace(actor, clinic=str(known.clinic_id), roles=frozenset({known.role}))
    guard.ask(conn, practitioner, *(grantee.id for grantee in grantees_of(actor)))
    return actor


def admit_statistics(
    conn: Connection,
    vault: Vault,
    *,
    after: UUID | None,
    limit: int,
    now: datetime,
    holding: bool = False,
) -> dict[UUID, Decision]:
    """Decisions on the next `limit` residents, in id order, who ever agreed to be counted.

    `holding`: their rows are held first, so that what is decided stays so until the commit.
    """
    guard.ask(conn, STATISTICS.id)
    holders = store.holders_after(conn, STATISTICS, after=after, limit=limit)
    if not holders:
        return {}
    guard.ask(conn, *holders)
    if holding:
        residents.hold(conn, holders)
    standings = store.standings(conn, holders)
    known = _revisions(standings)
    vault.preload(known, {Slot.POLICY})
    rows = store.active_to(conn, [STATISTICS], list(known))
    actor = Actor(ActorKind.SERVICE, STATISTICS.id)
    asked = (actor, Purpose.STATISTICS, Action.AGGREGATE, ALL_CLASSES)
    return _decide_each(conn, vault, [(one, NO_BOND) for one in standings], rows, asked, now=now)


def _revisions(standings: Iterable[store.Standing]) -> dict[UUID, int]:
    return {standing.resident_id: standing.consent_revision for standing in standings}


def foresee(
    request: AccessRequest, grants: Iterable[Grant], facts: Facts, now: datetime
) -> Decision:
    """What would be decided on given facts; nobody is looking, so nobody gets a permit."""
    return replace(decide(request, grants, facts, now), permit=None)


def _decided(
    conn: Connection, request: AccessRequest, grants: Iterable[Grant], facts: Facts, now: datetime
) -> Decision:
    """Decide, and let statements on this connection touch what was permitted, for this job."""
    decision = decide(request, grants, facts, now)
    if decision.permit is not None:
        guard.admit(conn, decision.permit)
    return decision


def _decide_each(
    conn: Connection,
    vault: Vault,
    standings: Sequence[tuple[store.Standing, askers.Bond]],
    rows: Iterable[store.GrantRow],
    asked: tuple[Actor, Purpose, Action, frozenset[DataClass]],
    *,
    now: datetime,
    lasting: bool = False,
) -> dict[UUID, Decision]:
    active = {standing.resident_id for standing, _ in standings if standing.status == "active"}
    grants: defaultdict[UUID, list[Grant]] = defaultdict(list)
    for row in rows:
        if row.resident_id in active:
            grant = body.opened(vault, row).grant
            if not lasting or kept.lasts(grant):
                grants[row.resident_id].append(grant)
    actor, purpose, action, classes = asked
    return {
        standing.resident_id: _decided(
            conn,
            AccessRequest(actor, standing.resident_id, purpose, action, classes),
            grants[standing.resident_id],
            facts_of(standing, bond, False),
            now,
        )
        for standing, bond in standings
    }
