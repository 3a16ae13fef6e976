"""A random life of consents, whose every decision is written down to be replayed."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from consent.decision import Decision
from consent.request import AccessRequest, Actor
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, DataClass, Purpose
from service.breakglass import actions as breakglass
from service.grants import actions, gate, preview, uses
from service.grants.terms import Offer
from service.grants.uses import UseTaken
from service.identity import actions as people
from service.identity.caller import Caller
from service.kit.errors import Conflict, NotFound
from tests.consent_room import Clinic, care_offer

CLINICS = ("河街卫生站", "山上卫生站")
ROLES = ("family-doctor", "nurse")
CLASSES = ("profile", "body", "lifestyle", "mental", "infectious")


class Recorded(NamedTuple):
    """What the gate decided, and when."""

    at: Any
    request: AccessRequest
    decision: Decision


class Life:
    """A resident and four doctors to whom random things happen; the clock moves between them."""

    def __init__(self, here: Clinic, seed: int) -> None:
        self.here = here
        self.random = Random(seed)
        self.lin = here.resident()
        self.doctors = [
            here.doctor_named(f"医生{n}", clinic=CLINICS[n // 3], role=ROLES[n % 2])
            for n in range(4)
        ]
        self.gone: set[UUID] = set()
        self.recorded: list[Recorded] = []
        self.acts: list[Callable[[], None]] = [
            *[self.give] * 4,
            *[self.spend] * 3,
            *[self.break_glass] * 2,
            self.change,
            self.withdraw,
            self.sign,
            self.end,
            self.shut_out,
            self.allow,
            self.close_glass,
            self.move,
        ]

    def live(self, steps: int) -> None:
        for step in range(steps):
            self.random.choice(self.acts)()
            if step == steps // 2:
                self.dismiss()
            self.record()
            self.here.now += timedelta(seconds=self.random.choice((1, 60, 3600, 7200)))
            if self.random.random() < 0.3:
                self.record()
                self.here.now += timedelta(microseconds=1)

    # -- what happens ----------------------------------------------------------------------

    def offer(self, kind: str) -> Offer:
        chance = self.random.random
        clinic = str(self.here.clinic_named(self.random.choice(CLINICS)))
        names = {
            "practitioner": str(self.random.choice(self.hired())),
            "clinic": clinic,
            "role": f"{clinic}:{self.random.choice(ROLES)}",
        }
        classes = self.random.sample(CLASSES, self.random.randint(1, 4))
        deny = chance() < 0.25
        until = self.here.now + timedelta(hours=self.random.randint(1, 9))
        return care_offer(
            UUID(int=0),
            *classes,
            grantee_kind=kind,
            grantee_id=names[kind],
            purposes=self.random.choice(([], ["care"], ["emergency"])) if deny else ["care"],
            actions=["read", "write"] if chance() < 0.3 else None,
            separate_consent=() if deny else True,
            valid_until=until if chance() < 0.4 else None,
            observations_from=date(2026, 1, 1) if chance() < 0.3 else None,
            uses=self.random.randint(1, 3) if not deny and chance() < 0.4 else None,
            deny=deny,
        )

    def hired(self) -> list[UUID]:
        return [one for one in self.doctors if one not in self.gone]

    def give(self) -> None:
        self.here.give(self.lin, self.offer(self.random.choice(("practitioner", "clinic", "role"))))

    def grants(self) -> list[Any]:
        kept = self.here.act(self.lin, actions.every)
        return [one for one in kept if not one.withdrawn]

    def change(self) -> None:
        if found := self.grants():
            before = self.random.choice(found).grant
            kind = before.grantee.kind.value
            offer = replace(self.offer(kind), grantee_id=before.grantee.id)
            self.here.act(
                self.lin,
                actions.change,
                before.id,
                offer=offer,
                now=self.here.now,
                stepped_up=True,
            )

    def withdraw(self) -> None:
        if found := self.grants():
            self.here.withdraw(self.lin, self.random.choice(found).grant.id)

    def sign(self) -> None:
        try:
            self.here.sign(self.lin, self.random.choice(self.hired()), ["body", "mental"])
        except Conflict:
            self.here.end(self.lin)

    def end(self) -> None:
        try:
            self.here.end(self.lin)
        except NotFound:
            self.sign()

    def shut_out(self) -> None:
        on = self.random.random() < 0.3
        self.here.act(self.lin, actions.shut_out, on=on, now=self.here.now)

    def allow(self) -> None:
        allowed = self.random.random() < 0.7
        self.here.act(self.lin, breakglass.allow, allowed=allowed, now=self.here.now)

    def break_glass(self) -> None:
        doctor = self.random.choice(self.hired())
        caller = Caller("practitioner", doctor, self.here.now, 2, frozenset(), doctor)

        def break_(conn: Connection) -> None:
            asked: dict[str, Any] = {"caller": caller, "subject": self.lin, "now": self.here.now}
            decision = breakglass.foreseen(conn, self.here.vault, **asked)
            if breakglass.refusal(decision, caller=caller, now=self.here.now) is None:
                breakglass.open_(conn, self.here.vault, reason="an accident", **asked)

        try:
            self.here.write(break_)
        except Conflict:
            self.close_glass()

    def close_glass(self) -> None:
        def close(conn: Connection) -> None:
            doctor = self.random.choice(self.doctors)
            breakglass.close_own(
                conn, self.here.vault, practitioner=doctor, subject=self.lin, now=self.here.now
            )

        with suppress(NotFound):
            self.here.write(close)

    def move(self) -> None:
        doctor = self.random.choice(self.hired())
        self.here.move(doctor, self.random.choice(CLINICS), self.random.choice(ROLES))

    def dismiss(self) -> None:
        doctor = self.doctors[-1]
        self.gone.add(doctor)
        self.here.write(lambda conn: people.disable_practitioner(conn, doctor, now=self.here.now))

    def spend(self) -> None:
        def spend(conn: Connection) -> None:
            decision = self.here.decided(conn, self.random.choice(self.doctors), self.lin)
            try:
                uses.spend(conn, self.here.vault, decision, subject=self.lin, now=self.here.now)
            except UseTaken:  # pragma: no cover - nobody else is there to take it
                raise AssertionError from None

        self.here.write(spend)

    # -- what is decided -------------------------------------------------------------------

    def record(self) -> None:
        self.here.read(self._record)

    def _record(self, conn: Connection) -> None:
        now, vault = self.here.now, self.here.vault
        for doctor in self.doctors:
            actor = Actor(ActorKind.PRACTITIONER, str(doctor), acr=2)
            for action in (Action.READ, Action.WRITE):
                for classes in (ALL_CLASSES, frozenset({DataClass.BODY})):
                    asked = AccessRequest(actor, self.lin, Purpose.CARE, action, classes)
                    decision = gate.admit(
                        conn,
                        vault,
                        actor=actor,
                        subject=self.lin,
                        purpose=Purpose.CARE,
                        action=action,
                        classes=classes,
                        now=now,
                    )
                    self.recorded.append(Recorded(now, asked, decision))
            urgent = AccessRequest(actor, self.lin, Purpose.EMERGENCY, Action.READ, ALL_CLASSES)
            decision = gate.admit_emergency(conn, vault, actor=actor, subject=self.lin, now=now)
            self.recorded.append(Recorded(now, urgent, decision))


def told(decision: Decision) -> tuple[object, ...]:
    """Everything of a decision but the permit and the number of the consent revision."""
    return (
        decision.allow,
        decision.rule,
        decision.sentence,
        decision.grant,
        decision.classes,
        dict(decision.withheld),
        decision.window,
        decision.obligations,
    )


def differences(here: Clinic, life: Life) -> list[tuple[Recorded, Decision]]:
    """Where replay says something else than the gate decided then."""

    def compare(conn: Connection) -> list[tuple[Recorded, Decision]]:
        permit = here.manage(conn, life.lin)
        found = []
        policies: dict[Any, Any] = {}
        for one in life.recorded:
            if one.at not in policies:
                policies[one.at] = preview.policy_at(conn, here.vault, permit, one.at)
            posts = preview.posts_at(conn, one.at)
            then = preview.foreseen(policies[one.at], posts, one.request, now=one.at)
            if told(then) != told(one.decision):
                found.append((one, then))
        return found

    return here.read(compare)
