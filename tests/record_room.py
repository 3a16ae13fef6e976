"""A data store with registered residents, for tests of records and prompts that need no HTTP."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import Connection, text

from consent.decide import decide
from consent.decision import Permit
from consent.grant import Grant, Grantee
from consent.request import AccessRequest, Actor, Facts
from consent.vocabulary import (
    ALL_CLASSES,
    Action,
    ActorKind,
    DataClass,
    GranteeKind,
    Purpose,
)
from service.domain.regions import RegionTree
from service.grants import gate
from service.keys.vault import Vault
from service.kit import guard
from service.kit.db import Database
from service.kit.ids import new_id
from service.prompts import actions as prompts
from service.prompts.head import Brief
from service.records import actions as records
from service.records.plan import Result
from service.residents import actions as residents
from service.residents.profile import Profile
from tests.databases import furnish
from tests.keyring_room import DOCTOR, found

T = TypeVar("T")
REGIONS = RegionTree([])
PROFILE = Profile("林美", date(1968, 3, 9), "female", "330106")


class Home:
    """Residents on a prepared data store and keystore. `now` moves when a test moves it."""

    def __init__(self, database: Database, keystore_url: str, folder: Path) -> None:
        furnish(database)
        self.database = database
        self.keystore = found(keystore_url, folder)
        self.now = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
        self.vault = Vault(self.keystore, self.keystore.deployment, clock=lambda: self.now)

    def resident(self, profile: Profile = PROFILE) -> UUID:
        made = new_id()
        self.vault.create(made)

        def begin(conn: Connection) -> None:
            residents.begin(conn, made)
            permit = self.own(conn, made)
            residents.register(conn, self.vault, permit, profile=profile)
            prompts.open_file(conn, self.vault, permit)

        self.database.write(begin)
        return made

    def own(
        self, conn: Connection, resident: UUID, classes: frozenset[DataClass] = ALL_CLASSES
    ) -> Permit:
        return gate.own(
            conn,
            self.vault,
            resident=resident,
            action=Action.WRITE,
            now=self.now,
            classes=classes,
        )

    def doctor(
        self,
        conn: Connection,
        resident: UUID,
        classes: Iterable[DataClass],
        *,
        first: date | None = None,
        last: date | None = None,
        action: Action = Action.READ,
    ) -> Permit:
        """The permit of a signed doctor on these classes and these days of observation."""
        wanted = frozenset(classes)
        grant = Grant(
            id=uuid4(),
            version=1,
            grantee=Grantee(GranteeKind.PRACTITIONER, DOCTOR),
            purposes=frozenset({Purpose.CARE}),
            data_classes=wanted,
            actions=frozenset({action}),
            observations_from=first,
            observations_to=last,
            valid_from=self.now - timedelta(days=1),
            valid_until=None,
            separate_consent=wanted,
            uses_left=None,
            deny=False,
            notice=None,
            withdrawn_at=None,
            basis="resident",
        )
        request = AccessRequest(
            Actor(ActorKind.PRACTITIONER, DOCTOR), resident, Purpose.CARE, action, wanted
        )
        facts = Facts(
            subject_status="active",
            revision=self.revision(conn, resident),
            contract_in_force=True,
            stepped_up=False,
            deny_all=False,
        )
        decision = decide(request, (grant,), facts, self.now)
        assert decision.permit is not None, decision.rule
        # What the gate does with a permit it hands out.
        guard.admit(conn, decision.permit)
        return decision.permit

    def revision(self, conn: Connection, resident: UUID) -> int:
        guard.ask(conn, resident)
        found_ = conn.execute(
            text("SELECT consent_revision FROM resident_state WHERE resident_id = :id"),
            {"id": resident.bytes},
        )
        return int(found_.scalar_one())

    def write(self, job: Callable[[Connection], T]) -> T:
        return self.database.write(job)

    def read(self, job: Callable[[Connection], T]) -> T:
        return self.database.read(job)

    def log(
        self, resident: UUID, *entries: Any, profile: Profile = PROFILE
    ) -> tuple[list[Result], Brief]:
        """What the routes do: keep records, then note what they change.

        What a practitioner entered is kept under the permit of one, as it can only be.
        """

        def job(conn: Connection) -> tuple[list[Result], Brief]:
            permit = self.own(conn, resident)
            results: list[Result] = []
            for staff, given in groupby(entries, by_practitioner):
                writer = permit
                if staff:
                    writer = self.doctor(conn, resident, ALL_CLASSES, action=Action.WRITE)
                results += records.log(
                    conn, self.vault, writer, list(given), self.now, profile=profile
                )
            changes = [one.change for one in results if one.change is not None]
            brief = prompts.note(
                conn,
                self.vault,
                permit,
                profile=profile,
                regions=REGIONS,
                changes=changes,
                rev=max((one.rev or 0 for one in results if one.change), default=0),
                now=self.now,
            )
            return results, brief

        return self.write(job)


def by_practitioner(entry: Any) -> bool:
    """Whether an entry says that a practitioner is its source."""
    source = entry.get("source") if isinstance(entry, dict) else None
    return isinstance(source, dict) and source.get("kind") == "practitioner"


def pressure(
    systolic: float = 128,
    diastolic: float = 82,
    start: str = "2026-11-20T08:00:00+08:00",
    **more: Any,
) -> dict[str, Any]:
    """A blood pressure as a client sends it."""
    return observation({"systolic_bp": systolic, "diastolic_bp": diastolic}, start, **more)


def pressures(
    systolic: float = 128, diastolic: float = 82, start: str = "2026-11-20T08:00:00+08:00"
) -> list[dict[str, Any]]:
    """Two readings a minute apart, as a blood pressure is to be taken; the second is the newer."""
    earlier = datetime.fromisoformat(start) - timedelta(minutes=1)
    return [pressure(systolic, diastolic, at) for at in (earlier.isoformat(), start)]


def observation(
    values: dict[str, Any], start: str = "2026-11-20T08:00:00+08:00", **more: Any
) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "kind": "observation",
        "start": start,
        "values": values,
        "source": {"kind": "device", "name": "Omron J750"},
        **more,
    }
