"""A resident's one-time code: shown for a minute, good for one scan, silent about the level."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from uuid import UUID

import segno
from sqlalchemy import Connection

from consent.decision import Decision, Permit
from consent.grant import Grant, Grantee
from consent.request import Actor
from consent.vocabulary import Action, DataClass, GranteeKind, Purpose
from service.grants import gate, standing
from service.healthcode import store
from service.healthcode.token import LIFETIME, Code, make, read
from service.keys.system import SystemKeys
from service.keys.vault import Vault
from service.kit import guard
from service.residents import store as residents

SIGNING = "code"
"""The signing key of codes. It signs nothing else, so a code is never mistaken for a token."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a resident holds up: the token, its picture, and when both end."""

    token: str
    qr_svg: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Introduction:
    """A scanned code: whose it is, and the decision on telling their name to the scanner."""

    resident: UUID
    decision: Decision


def show(
    conn: Connection, permit: Permit, *, system: SystemKeys, issuer: str, now: datetime
) -> Shown:
    """A new code of the permit's subject; the one before ends."""
    # Two who ask at once come one by one: the second ends the code of the first.
    residents.stand(conn, permit)
    token, code = make(system.signing_key(SIGNING), issuer, now)
    store.replace(conn, permit.subject, _hash(code), code.expires_at)
    return Shown(token, _picture(token), code.expires_at)


def genuine(token: str, *, system: SystemKeys, issuer: str, now: datetime) -> Code | None:
    """The code of a token that bears our signature and has not ended. It may have been used."""
    return read(system.signing_keys(SIGNING), issuer, token, now)


def verify(conn: Connection, code: Code, *, now: datetime) -> bool:
    """Use a code up; False when it was used before, replaced, or its resident is gone."""
    resident = _spent(conn, code, now)
    return resident is not None and standing.is_active(conn, resident)


def introduce(
    conn: Connection,
    vault: Vault,
    code: Code,
    *,
    practitioner: Actor,
    now: datetime,
) -> Introduction | None:
    """Who is showing this code to a doctor; None when it was used before or replaced.

    Holding up the code is the consent: it counts as a grant of the name, to this doctor, once.
    """
    resident = _spent(conn, code, now)
    if resident is None:
        return None
    decision = gate.admit(
        conn,
        vault,
        actor=practitioner,
        subject=resident,
        purpose=Purpose.SELF_CARE,
        action=Action.READ,
        classes=frozenset({DataClass.PROFILE}),
        now=now,
        presented=[_held_up(code, practitioner)],
    )
    return Introduction(resident, decision)


def _spent(conn: Connection, code: Code, now: datetime) -> UUID | None:
    number = _hash(code)
    guard.ask(conn, number)
    return store.spend(conn, number, now)


def _held_up(code: Code, practitioner: Actor) -> Grant:
    return Grant(
        id=UUID(bytes=_hash(code)[:16], version=4),
        version=1,
        grantee=Grantee(GranteeKind(practitioner.kind), practitioner.id),
        purposes=frozenset({Purpose.SELF_CARE}),
        data_classes=frozenset({DataClass.PROFILE}),
        actions=frozenset({Action.READ}),
        observations_from=None,
        observations_to=None,
        valid_from=code.expires_at - LIFETIME,
        valid_until=code.expires_at,
    )


def _hash(code: Code) -> bytes:
    return sha256(code.number.encode()).digest()


def _picture(token: str) -> str:
    """The QR picture as SVG. Tokens have one length, so pictures have one size."""
    svg = BytesIO()
    segno.make_qr(token, error="m").save(svg, kind="svg", scale=4, xmldecl=False, svgns=True)
    return svg.getvalue().decode()
