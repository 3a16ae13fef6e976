"""The frames of one resident, opened as far as a permit reaches, and put back when they changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import DataClass
from service.domain.risk.done import NAMES as CHECKS_DONE
from service.keys.vault import Vault
from service.kit.sealed import Sealed
from service.prompts import frames, head, store
from service.prompts.frames import FRAME_BYTES, Entry, Frame
from service.prompts.head import Head
from service.prompts.readings import PROMPT_CLASSES, entries_of
from service.prompts.store import HEAD, Day, Slot
from service.records import pages
from service.records.plan import Change


@dataclass(slots=True)
class Shelf:
    """`rev` is the newest revision among the slots read, of all classes."""

    vault: Vault
    permit: Permit
    rev: int
    frames: dict[DataClass, Frame]
    head: Head
    changed: set[DataClass] = field(default_factory=set)
    corrected: set[DataClass] = field(default_factory=set)
    """Where a reading that was looked at was replaced or taken out: what rested on it is void."""
    last: Sequence[Day] | None = None
    """The last day of history, when it was read ahead (empty before the first); None when not."""

    def take(self, connection: Connection, changes: Sequence[Change]) -> None:
        """Bring the frames up to the changes of this transaction."""
        entries: dict[DataClass, dict[str, Entry]] = {}
        stale: set[DataClass] = set()
        for change in changes:
            told = {} if change.record is None else entries_of(change.record, change.key)
            key = frames.short_key(change.key)
            for data_class in self.frames:
                if data_class in told:
                    entries.setdefault(data_class, {})[key] = told[data_class]
                elif not change.fresh:
                    # Nothing is left of it in this class: an entry without values takes it out.
                    entries.setdefault(data_class, {})[key] = Entry(key, 0, {})
                # No level ever rested on whether an advised check was done.
                if not change.fresh and frames.holds(self.frames[data_class], key, CHECKS_DONE):
                    self.corrected.add(data_class)
                if not change.fresh and frames.forgets(self.frames[data_class], [key]):
                    stale.add(data_class)
        for data_class, fresh in entries.items():
            before = self.frames[data_class]
            if data_class in stale:
                after = self._rebuilt(connection, data_class)
            else:
                after = frames.with_entries(before, fresh.values())
            if after.entries != before.entries:
                self.frames[data_class] = after
                self.changed.add(data_class)

    def slots(self, rev: int) -> list[Slot]:
        """What changed, sealed anew at `rev`."""
        return [
            _sealed(self.vault, self.permit, data_class, self.frames[data_class], rev)
            for data_class in self.changed
        ]

    def _rebuilt(self, connection: Connection, data_class: DataClass) -> Frame:
        found = Frame()
        for key, record in pages.of_class(connection, self.vault, self.permit, data_class):
            told = entries_of(record, key).get(data_class)
            if told is not None:
                found.entries.append(told)
        return frames.with_entries(Frame(), found.entries)


def opened(connection: Connection, vault: Vault, permit: Permit) -> Shelf:
    """The frames of the permit's classes; the head too when the permit is the owner's."""
    return of(vault, permit, store.slots(connection, permit))


def of(
    vault: Vault, permit: Permit, found: Sequence[Slot], last: Sequence[Day] | None = None
) -> Shelf:
    """The shelf of stored slots."""
    classes = [data_class for data_class in PROMPT_CLASSES if data_class in permit.classes]
    slots = {slot.tag: slot for slot in found}
    rev = max((slot.rev for slot in slots.values()), default=0)
    shelf = Shelf(vault, permit, rev, {}, Head(), last=last)
    tags = {data_class: vault.class_tag(permit.subject, data_class) for data_class in classes}
    filled = {data_class: slots[tag] for data_class, tag in tags.items() if tag in slots}
    texts = vault.open_many([_sealed_in(permit, slot) for slot in filled.values()], permit)
    unpacked = dict(zip(filled, map(frames.unpack, texts), strict=True))
    shelf.frames.update((data_class, unpacked.get(data_class, Frame())) for data_class in classes)
    if permit.owner and HEAD in slots:
        slot = slots[HEAD]
        place = store.slot_place(permit.subject, HEAD, slot.rev)
        shelf.head = head.unpack(vault.open_owner(Sealed(slot.sealed, place), permit))
    return shelf


def empty(vault: Vault, permit: Permit, rev: int) -> Iterable[Slot]:
    """The slots of somebody who has no records yet."""
    for data_class in PROMPT_CLASSES:
        yield _sealed(vault, permit, data_class, Frame(), rev)
    yield sealed_head(vault, permit, Head(), rev)


def sealed_head(vault: Vault, permit: Permit, value: Head, rev: int) -> Slot:
    place = store.slot_place(permit.subject, HEAD, rev)
    sealed = vault.seal_owner(permit, place, head.pack(value), frame=FRAME_BYTES)
    return Slot(HEAD, rev, sealed.data)


def _sealed_in(permit: Permit, slot: Slot) -> Sealed:
    return Sealed(slot.sealed, store.slot_place(permit.subject, slot.tag, slot.rev))


def _sealed(vault: Vault, permit: Permit, data_class: DataClass, frame: Frame, rev: int) -> Slot:
    tag = vault.class_tag(permit.subject, data_class)
    place = store.slot_place(permit.subject, tag, rev)
    sealed = vault.seal(permit, data_class, place, frames.pack(frame), frame=FRAME_BYTES)
    return Slot(tag, rev, sealed.data)
