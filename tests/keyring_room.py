"""A founded keystore, a vault and genuine permits, for tests that need keys but no house."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

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
from service.keys import actions
from service.keys.keystore import Keystore
from service.keys.providers.document import KeyDocument
from service.keys.providers.file import FileKey
from service.keys.vault import Vault
from service.kit.ids import new_id
from service.kit.sealed import Place, Sealed

DOCTOR = "7f3b1c62-0a52-4a0e-9c55-5f3f4b1f0d11"


def found(keystore_url: str, folder: Path, *, suite: int | None = None) -> Keystore:
    """A keystore founded in an empty database, its key file in `folder`."""
    uri = f"file:{folder / 'kek' / 'kek.json'}"
    actions.prepare(uri, keystore_url, suite=suite)
    return actions.open_keystore(uri, keystore_url)


def file_key(
    folder: Path, versions: Mapping[int, bytes], primary: int, *, id: str = "test"
) -> FileKey:
    """A root key with known versions, in a file of its own."""
    path = folder / f"{id}-{'-'.join(map(str, sorted(versions)))}.json"
    path.touch(0o600)
    path.write_bytes(KeyDocument(id, primary, max(versions), dict(versions)).encode())
    return FileKey(path)


class Room:
    """A vault on a new keystore, with a clock that a test may move."""

    def __init__(self, keystore: Keystore) -> None:
        self.keystore = keystore
        self.now = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
        self.vault = self.another_process()

    def another_process(self, *, lifetime: float = 300.0, capacity: int = 10_000) -> Vault:
        """A vault with an empty cache on the same keystore."""
        return Vault(
            self.keystore,
            self.keystore.deployment,
            clock=lambda: self.now,
            lifetime=lifetime,
            capacity=capacity,
        )

    def another_service(self) -> Vault:
        """A vault of another deployment that somehow has this one's keystore."""
        return Vault(self.keystore, b"elsewhere", clock=lambda: self.now)

    def resident(self) -> UUID:
        made = new_id()
        self.vault.create(made)
        return made

    def own(self, subject: UUID, classes: Iterable[DataClass] = ALL_CLASSES) -> Permit:
        """The permit of a resident on their own record."""
        actor = Actor(ActorKind.RESIDENT, str(subject))
        return self._decided(actor, subject, Purpose.SELF_CARE, classes, ())

    def doctor(self, subject: UUID, classes: Iterable[DataClass]) -> Permit:
        """The permit of a signed family doctor whom the subject granted just these classes."""
        wanted = frozenset(classes)
        grant = Grant(
            id=uuid4(),
            version=1,
            grantee=Grantee(GranteeKind.PRACTITIONER, DOCTOR),
            purposes=frozenset({Purpose.CARE}),
            data_classes=wanted,
            actions=frozenset({Action.READ}),
            observations_from=None,
            observations_to=None,
            valid_from=self.now - timedelta(days=1),
            valid_until=None,
            separate_consent=wanted,
            uses_left=None,
            deny=False,
            notice=None,
            withdrawn_at=None,
            basis="resident",
        )
        actor = Actor(ActorKind.PRACTITIONER, DOCTOR)
        return self._decided(actor, subject, Purpose.CARE, wanted, (grant,))

    def _decided(
        self,
        actor: Actor,
        subject: UUID,
        purpose: Purpose,
        classes: Iterable[DataClass],
        grants: tuple[Grant, ...],
    ) -> Permit:
        request = AccessRequest(actor, subject, purpose, Action.READ, frozenset(classes))
        facts = Facts(
            subject_status="active",
            revision=0,
            contract_in_force=True,
            stepped_up=False,
            deny_all=False,
        )
        decision = decide(request, grants, facts, self.now)
        assert decision.permit is not None, decision.rule
        return decision.permit


def place(resident: UUID, *, row: int = 1, revision: int = 1, day: int = 0) -> Place:
    """A place in a table of records."""
    return Place(
        table="record_parts",
        column="sealed",
        resident=resident,
        row=row.to_bytes(16, "big"),
        day=day,
        class_tag=b"class-01",
        measure_tag=b"measure1",
        revision=revision,
    )


def moved(sealed: Sealed, **changes: Any) -> Sealed:
    return Sealed(sealed.data, sealed.place._replace(**changes))


def with_byte(sealed: Sealed, at: int, value: int) -> Sealed:
    return Sealed(sealed.data[:at] + bytes([value]) + sealed.data[at + 1 :], sealed.place)
