"""The vault: the only door between sealed bytes and text, and it asks for a permit.

- A class of data opens and seals only with a permit that names it (`PermitLacksClass` otherwise),
  for its own subject, genuine and unexpired. Only the keys of classes asked for are loaded.
- What only the resident may read (the owner slot) needs an owner's permit. Policy (grants,
  contracts) needs none, because it must be read before there can be a permit; its slot opens
  nothing else.
- A ciphertext opens only in the place it was sealed for; anything else is `IntegrityBroken`.
- Erasure destroys the keyring. Other processes may use opened keys for up to 300 seconds more
  (`cache.LIFETIME`), and let go of them a minute later at the latest (`service.jobs.expiry`); this
  is why every data statement also joins the resident's status and revision: an erased resident's
  rows are not found, whatever a cache still holds.

Every method may be called from any thread.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from consent.decision import Permit, PermitForged
from consent.vocabulary import DataClass
from service.keys import marks, permits, rings
from service.keys.cache import CAPACITY, LIFETIME, KeyCache, OpenKeys
from service.keys.keyring import Keyring, Slot
from service.keys.keystore import Keystore, Tombstone
from service.keys.loading import KeyLoader, named, revision_of
from service.keys.openings import Openings
from service.keys.rings import ClassTombstone
from service.keys.stages import Outgrown
from service.kit.clock import Clock, utc_now
from service.kit.crypto.aead import HEADER_BYTES, START_BYTES, SUITES, Key, dek_id_of
from service.kit.crypto.context import Context
from service.kit.crypto.padding import bucket, pad, unpad
from service.kit.errors import Gone, IntegrityBroken
from service.kit.sealed import Place, Sealed

_OWNER = frozenset({Slot.OWNER})
_POLICY = frozenset({Slot.POLICY})


class PermitLacksClass(IntegrityBroken):
    """The permit does not name the class of this value.

    Stores ask only for rows of classes that a permit names. So in a working service this means
    that a ciphertext of another class was put into such a row, and it is told as that.
    """


class Vault:
    """Seals and opens for all residents of one keystore.

    `deployment` is bound to every ciphertext (use `keystore.deployment`); `clock` judges permits.
    """

    def __init__(
        self,
        keystore: Keystore,
        deployment: bytes,
        *,
        clock: Clock = utc_now,
        capacity: int = CAPACITY,
        lifetime: float = LIFETIME,
    ) -> None:
        self._keystore = keystore
        self._clock = clock
        self._cache = KeyCache(capacity, lifetime)
        self._loader = KeyLoader(keystore, self._cache)
        self.openings = Openings(clock)
        self._forgetting: list[Callable[[UUID], None]] = []
        self._contexts = {number: Context(deployment, suite) for number, suite in SUITES.items()}

    # -- keyrings ----------------------------------------------------------------------------

    def create(self, resident: UUID) -> None:
        """Give a new resident keys, durable at return. Keys that are there stay; erased is Gone."""
        self.create_many([resident])

    def create_many(self, residents: Sequence[UUID]) -> None:
        """As `create`, in one transaction of the keystore."""
        kek, deployment = self._keystore.kek, self._keystore.deployment
        fresh = {resident: Keyring.fresh(self._keystore.suite) for resident in residents}

        def add() -> None:
            sealed = [(who, r.seal(kek, deployment, who)) for who, r in fresh.items()]
            self._keystore.add(sealed, now=self._clock())

        try:
            add()
        except Outgrown:
            # The root key was rotated and this process had not looked since.
            kek.reload()
            add()

    def preload(self, residents: Mapping[UUID, int], classes: Collection[str]) -> None:
        """Load keys of these classes for many residents with one keystore query per 500.

        `residents` gives each one's consent revision, as it was read before this call. Those
        without a keyring are passed over. Opening still asks for a permit each time.
        """
        self._loader.preload(residents, {Slot(name) for name in classes})

    def forget(self, resident: UUID) -> None:
        """Drop opened keys of one resident from this process, and what was opened with them."""
        self._cache.drop(resident.int)
        for forget in self._forgetting:
            forget(resident)

    def when_forgetting(self, forget: Callable[[UUID], None]) -> None:
        """Let `forget` be called, in any thread, with whomever this process is to forget."""
        self._forgetting.append(forget)

    def sweep(self) -> None:
        """Drop opened keys whose time is over, and what lies beside them."""
        self._cache.sweep()

    def shred(self, resident: UUID, *, now: datetime, reason: str) -> Tombstone:
        """Destroy the resident's keys: nothing of theirs opens again, backups of data included."""
        try:
            return self._keystore.shred(resident, now=now, reason=reason)
        finally:
            # After the row is gone, so that no load in between can bring the keys back.
            self.forget(resident)

    def condemn(
        self, resident: UUID, data_class: DataClass, *, now: datetime, reason: str
    ) -> ClassTombstone:
        """New keys for one class and the owner's documents; the old ones are destroyed by `bury`.

        The caller holds the resident's row, removes what lies under the class, seals what stays
        anew and raises the consent revision, all in one transaction: a permit of the new revision
        makes every process read the keyring again, so none goes on sealing under an old key.
        The same call again (`now` names it) changes nothing.
        """
        try:
            return rings.condemn(self._keystore, resident, Slot(data_class), now=now, reason=reason)
        finally:
            self.forget(resident)

    def bury(self, stone: ClassTombstone) -> None:
        """After that transaction: destroy the old keys. What lies under them is Gone, for good."""
        try:
            rings.bury(self._keystore, stone)
        finally:
            self.forget(stone.resident)

    # -- classes of data ---------------------------------------------------------------------

    def seal(
        self,
        permit: Permit,
        data_class: DataClass,
        place: Place,
        text: bytes,
        *,
        frame: int | None = None,
        spare: int = 0,
        schema: int = 1,
    ) -> Sealed:
        """Seal text of one class, padded to exactly `frame` bytes, or to the bucket of a text that
        is `spare` bytes longer."""
        self._check(permit, place)
        if data_class not in permit.classes:
            raise PermitLacksClass
        if frame is None:
            frame = bucket(len(text) + spare)
        return self._seal(data_class, place, text, frame, permit, schema)

    def seal_many(
        self,
        permit: Permit,
        data_class: DataClass,
        values: Iterable[tuple[Place, bytes]],
        *,
        frame: int | None = None,
        schema: int = 1,
    ) -> list[Sealed]:
        """As `seal` for each (place, text), in order; the permit is judged once for all of them."""
        permits.check(permit, self._clock())
        if data_class not in permit.classes:
            raise PermitLacksClass
        subject = permit.subject.int
        key, sealed = None, []
        for place, text in values:
            if place.resident.int != subject:
                raise PermitForged("the permit is about somebody else")
            if key is None:
                key = self._loader.sealing(data_class, place.resident, permit)
                bound = self._contexts[key.suite].of
            data = key.seal(pad(text, frame), bound(place), schema)
            sealed.append(Sealed(data, place))
            if data.startswith(marks.SAMPLE, HEADER_BYTES):
                self._spend(place.resident, Slot(data_class), key.dek_id)
                key = None
        return sealed

    def open(self, sealed: Sealed, permit: Permit) -> bytes:
        """The text of a value whose class the permit names."""
        self._check(permit, sealed.place)
        # A slot is called as its class is; no class is called as the two internal slots are.
        return self._open(sealed, permit.classes, permit)

    def open_many(self, sealed: Iterable[Sealed], permit: Permit) -> list[bytes]:
        """As `open` for each, in order; the permit is judged once for all of them.

        Every value's subject, class and place are judged one by one. One that does not open fails
        all: nothing is given out.
        """
        permits.check(permit, self._clock())
        subject = permit.subject.int
        classes: Collection[str] = permit.classes
        started, contexts = self._loader.started(subject, permit), self._contexts
        texts, slots = [], set[Slot]()
        for one in sealed:
            data, place = one.data, one.place
            if place.resident.int != subject:
                raise PermitForged("the permit is about somebody else")
            found = started.get(data[:START_BYTES])
            if found is not None and found[0] in classes:
                key = found[1]
                texts.append(unpad(key.open_started(data, contexts[key.suite].of(place))))
                if not permit.owner:
                    slots.add(found[0])
            else:
                texts.append(self._open_found(one, classes, permit))
                started = self._loader.started(subject, permit)
        for slot in slots:
            self.openings.note(permit, slot)
        return texts

    # -- the two internal slots --------------------------------------------------------------

    def seal_owner(
        self, permit: Permit, place: Place, text: bytes, *, frame: int | None = None
    ) -> Sealed:
        """Seal a document that only its owner opens (prompts, the history of levels)."""
        self._check_owner(permit, place)
        return self._seal(Slot.OWNER, place, text, frame, permit)

    def open_owner(self, sealed: Sealed, permit: Permit) -> bytes:
        self._check_owner(permit, sealed.place)
        return self._open(sealed, _OWNER, permit)

    def seal_policy(
        self, resident: UUID, place: Place, text: bytes, *, frame: int | None = None
    ) -> Sealed:
        """Seal a row of policy. It needs no permit and may hold no health value."""
        if resident != place.resident:
            raise IntegrityBroken
        return self._seal(Slot.POLICY, place, text, frame, None)

    def open_policy(self, sealed: Sealed) -> bytes:
        return self._open(sealed, _POLICY, None)

    @property
    def drops(self) -> int:
        """Remember it before something is opened that `keep_opened` is to be told of."""
        return self._cache.drops

    def opened(self, resident: UUID, name: Hashable) -> object | None:
        """What `keep_opened` kept under a name, while the keys it was opened with are kept."""
        return self._cache.beside(resident.int, name)

    def keep_opened(self, resident: UUID, name: Hashable, value: object, *, drops: int) -> None:
        """Keep what was made of a resident's rows of policy; it holds no health value either.

        It goes with the keys: at their end, when they are dropped, and when they are destroyed.
        """
        self._cache.lay_beside(resident.int, name, value, drops=drops)

    # -- blinding ----------------------------------------------------------------------------

    def class_tag(self, resident: UUID, data_class: DataClass) -> bytes:
        """Eight bytes that stand for a class in this resident's rows."""
        return self._loader.index(resident).tag("class", data_class)

    def measure_tag(self, resident: UUID, code: str) -> bytes:
        """Eight bytes that stand for a measure in this resident's rows."""
        return self._loader.index(resident).tag("measure", code)

    def row_key(self, resident: UUID, text: str) -> bytes:
        """Sixteen bytes that stand for a client's own id of a row."""
        return self._loader.index(resident).row_key(text)

    def shift_day(self, resident: UUID, day: date) -> int:
        """The day moved by the resident's secret offset; a positive signed int32."""
        return self._loader.index(resident).shift(day)

    def unshift_day(self, resident: UUID, shifted: int) -> date:
        return self._loader.index(resident).unshift(shifted)

    # -- inside ------------------------------------------------------------------------------

    def _check(self, permit: Permit, place: Place) -> None:
        permits.check(permit, self._clock())
        if permit.subject.int != place.resident.int:
            raise PermitForged("the permit is about somebody else")

    def _check_owner(self, permit: Permit, place: Place) -> None:
        self._check(permit, place)
        if permit.owner is not True:
            raise PermitLacksClass

    def _seal(
        self,
        slot: str,
        place: Place,
        text: bytes,
        frame: int | None,
        permit: Permit | None,
        schema: int = 1,
    ) -> Sealed:
        key = self._loader.sealing(slot, place.resident, permit)
        data = key.seal(pad(text, frame), self._contexts[key.suite].of(place), schema)
        if data.startswith(marks.SAMPLE, HEADER_BYTES):
            self._spend(place.resident, Slot(slot), key.dek_id)
        return Sealed(data, place)

    def _spend(self, resident: UUID, slot: Slot, dek_id: int) -> None:
        """Mark a use; when it was one too many, the next seal reads the keyring anew."""
        rings.spend(self._keystore, resident, slot, dek_id, now=self._clock())
        self.forget(resident)

    def _open(self, sealed: Sealed, allowed: Collection[str], permit: Permit | None) -> bytes:
        """The text, when the slot that its key belongs to is among those allowed."""
        data, place = sealed.data, sealed.place
        # The way of nearly all: the key that wrote these first bytes is open already.
        found = self._loader.started(place.resident.int, permit).get(data[:START_BYTES])
        if found is not None and found[0] in allowed:
            key = found[1]
            text = unpad(key.open_started(data, self._contexts[key.suite].of(place)))
            if permit is not None and not permit.owner:
                self.openings.note(permit, found[0])
            return text
        return self._open_found(sealed, allowed, permit)

    def _open_found(self, sealed: Sealed, allowed: Collection[str], permit: Permit | None) -> bytes:
        """As `_open`, when its key is not open yet or there is something to refuse."""
        data, place = sealed.data, sealed.place
        dek_id, revision = dek_id_of(data), revision_of(permit)
        keys = self._cache.get(place.resident.int)
        if keys is None or dek_id not in keys.slots or keys.revision < revision:
            # Another process may have begun a new epoch since these were loaded.
            keys = self._loader.load(place.resident, set(), revision)
        slot = keys.slots.get(dek_id)
        if slot is None:
            raise Gone if dek_id in keys.destroyed else IntegrityBroken
        # Judged by the number alone, before the key itself is loaded.
        if slot not in allowed:
            raise PermitLacksClass
        key = keys.opening.get(dek_id)
        if key is None:
            key = self._loader.load(place.resident, named(permit), revision).opening.get(dek_id)
        if key is None:
            raise IntegrityBroken
        text = unpad(key.open(data, self._bound(key, place)))
        if permit is not None and not permit.owner:
            self.openings.note(permit, slot)
        return text

    def _bound(self, key: Key, place: Place) -> bytes:
        """The place as it is authenticated, by the hash of the key's own suite."""
        return self._contexts[key.suite].of(place)

    def _maintained(self, sealed: Sealed) -> tuple[OpenKeys, Key, bytes]:
        """The keys of its owner, its own key and its padded text: for `service.keys.inspection`."""
        data, place = sealed.data, sealed.place
        keys, key = self._loader.writer_of(data, place.resident)
        text = key.open(data, self._bound(key, place))
        unpad(text)
        return keys, key, text
