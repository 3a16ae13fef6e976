"""Doctors, grants and contracts on a prepared data store, for tests that need no HTTP."""

from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection

from consent.decision import Decision, Permit
from consent.request import Actor
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, DataClass, Purpose
from service.clinics import actions as clinics
from service.grants import actions, gate, signing
from service.grants.body import Kept
from service.grants.signing import Signed
from service.grants.terms import Offer
from service.identity import actions as people
from service.identity import store as identity
from service.keys.system import SystemKeys
from service.keys.vault import Vault
from service.kit.db import Database
from service.kit.ids import new_id
from service.panel import actions as panel
from service.panel import tables as panel_tables
from tests.record_room import Home

T = TypeVar("T")
BODY, PROFILE = DataClass.BODY, DataClass.PROFILE
# Imported so that the rooms below have every table.
TABLES = (panel_tables.panel_cards,)


class Clinic(Home):
    """A home with doctors. `second` is another process on the same databases."""

    def __init__(self, database: Database, keystore_url: str, folder: Path) -> None:
        super().__init__(database, keystore_url, folder)
        self.system = SystemKeys(self.keystore)

    def doctor_named(
        self,
        name: str = "周医生",
        region: str | None = "330106",
        *,
        clinic: str = "河街卫生站",
        role: str = "family-doctor",
    ) -> UUID:
        made = new_id()

        def hire(conn: Connection) -> None:
            works_at = clinics.find_or_make(conn, clinic)
            clinics.take_post(conn, made, clinic=works_at, role=role, now=self.now)
            row = identity.Practitioner(made, name, works_at.name, region, works_at.clinic_id, role)
            identity.add_practitioner(conn, row)

        self.write(hire)
        return made

    def clinic_named(self, name: str = "河街卫生站") -> UUID:
        return self.write(lambda conn: clinics.find_or_make(conn, name)).clinic_id

    def move(self, doctor: UUID, clinic: str, role: str = "family-doctor") -> None:
        def move(conn: Connection) -> None:
            people.move_practitioner(conn, doctor, clinic=clinic, role=role, now=self.now)
            panel.clear(conn, doctor)

        self.write(move)

    def manage(self, conn: Connection, resident: UUID) -> Permit:
        return gate.own(conn, self.vault, resident=resident, action=Action.MANAGE, now=self.now)

    def act(self, resident: UUID, act: Callable[..., T], *args: Any, **more: Any) -> T:
        """An action on the resident's own consent, under their permit, committed."""
        return self.write(
            lambda conn: act(conn, self.vault, self.manage(conn, resident), *args, **more)
        )

    def give(self, resident: UUID, offer: Offer, *, stepped_up: bool = True) -> Kept:
        return self.act(resident, actions.give, offer=offer, now=self.now, stepped_up=stepped_up)

    def withdraw(self, resident: UUID, grant: UUID) -> Kept:
        return self.act(resident, actions.withdraw, grant, now=self.now)

    def sign(
        self, resident: UUID, doctor: UUID, classes: Iterable[str] = ("body", "screening")
    ) -> Signed:
        return self.act(
            resident,
            signing.sign,
            doctor=doctor,
            package="basic",
            data_classes=list(classes),
            now=self.now,
            stepped_up=True,
        )

    def end(self, resident: UUID) -> Signed:
        return self.act(resident, signing.end, now=self.now)

    def asked(
        self,
        doctor: UUID,
        resident: UUID,
        *,
        action: Action = Action.READ,
        classes: frozenset[DataClass] = ALL_CLASSES,
        vault: Vault | None = None,
        database: Database | None = None,
        clinic: str | None = None,
    ) -> Decision:
        """What the gate decides on a doctor's request now; `clinic` is what the doctor claims."""
        return (database or self.database).read(
            lambda conn: self.decided(
                conn, doctor, resident, action, classes, vault=vault, clinic=clinic
            )
        )

    def decided(
        self,
        conn: Connection,
        doctor: UUID,
        resident: UUID,
        action: Action = Action.READ,
        classes: frozenset[DataClass] = ALL_CLASSES,
        *,
        vault: Vault | None = None,
        clinic: str | None = None,
    ) -> Decision:
        return gate.admit(
            conn,
            vault or self.vault,
            actor=Actor(ActorKind.PRACTITIONER, str(doctor), clinic=clinic),
            subject=resident,
            purpose=Purpose.CARE,
            action=action,
            classes=classes,
            now=self.now,
        )

    def another_vault(self) -> Vault:
        return Vault(self.keystore, self.keystore.deployment, clock=lambda: self.now)


def care_offer(doctor: UUID, *classes: str, **more: Any) -> Offer:
    """An offer to a doctor with the separate consent that its classes need."""
    terms: dict[str, Any] = {
        "grantee_kind": "practitioner",
        "grantee_id": str(doctor),
        "purposes": ["care"],
        "data_classes": list(classes) or ["profile", "body"],
        "separate_consent": True,
    }
    return Offer(**terms | more)


def statistics_offer(*classes: str, **more: Any) -> Offer:
    terms: dict[str, Any] = {
        "grantee_kind": "service",
        "grantee_id": "statistics",
        "purposes": ["statistics"],
        "data_classes": list(classes) or ["body", "lifestyle"],
        "separate_consent": ["body"],
    }
    return Offer(**terms | more)


DAY = date(2026, 11, 20)
