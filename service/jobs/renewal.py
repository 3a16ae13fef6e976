"""Renew data keys: begin epochs for one or all, then seal old rows anew in the background."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from consent.vocabulary import DataClass
from service.house import House
from service.keys import rings
from service.keys.keyring import Slot
from service.kit.log import log
from service.upkeep import resealing

BATCH = 500
CLASSES = frozenset(Slot) - {Slot.OWNER, Slot.POLICY}
INTERNAL = frozenset({Slot.OWNER, Slot.POLICY})


def begin(
    house: House,
    resident: UUID | None,
    data_class: DataClass | None,
    *,
    internal: bool,
    now: datetime,
) -> int:
    """Begin the next epoch, as far as keyrings have room; how many keys were made.

    A keyring holds nine keys besides its thirteen and two kept free for shredding, so renewing all
    eleven classes takes two rounds, the second after the first one's old keys were dropped.
    """
    slots = INTERNAL if internal else CLASSES
    if data_class is not None:
        slots = frozenset({Slot(data_class)})
    if resident is not None:
        begun = rings.begin(house.keystore, resident, slots, now=now)
        house.vault.forget(resident)
    else:
        begun = _everybody(house, slots, now)
    log.warning("data keys renewed", count=begun)
    return begun


def reseal(house: House, *, now: datetime) -> Iterator[resealing.Progress]:
    """Seal anew what waits for it; yields after each resident."""
    last = None
    for last in resealing.reseal(
        house.db,
        house.keystore,
        house.vault,
        now=now,
        wait=timedelta(seconds=house.settings.key_seconds),
        kept=timedelta(days=house.settings.backup_days),
    ):
        yield last
    if last is not None:
        log.warning("data sealed anew", residents=last.residents, sealed=last.sealed)


def _everybody(house: House, slots: frozenset[Slot], now: datetime) -> int:
    total, after = 0, None
    while True:
        begun, after = rings.begin_all(house.keystore, slots, after=after, limit=BATCH, now=now)
        total += begun
        if after is None:
            return total
