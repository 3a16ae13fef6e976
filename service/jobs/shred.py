"""Erase a person or a class at the operator's desk, for somebody who asked for it on paper.

It is the resident's own right that is used (rule own-record, as stepped up), and nothing is read
out: the same use cases run as behind the resident's own button.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action, DataClass
from service.grants import gate
from service.house import House
from service.keys.rings import ClassTombstone
from service.kit.audience import speaking_for
from service.kit.log import log
from service.upkeep import receipt, shredding

REASON = "erased by an operator at the resident's request"


def run(
    house: House, resident: UUID, data_class: DataClass | None, *, now: datetime
) -> dict[str, Any]:
    """Erase, destroy the keys, and return the facts with the signed receipt."""
    with speaking_for("resident"):
        return _run(house, resident, data_class, now)


def _run(
    house: House, resident: UUID, data_class: DataClass | None, now: datetime
) -> dict[str, Any]:
    if data_class is None:
        house.db.write(lambda conn: _person(conn, house, resident, now), key=resident.bytes)
        house.vault.shred(resident, now=now, reason=REASON)
    else:
        stone = house.db.write(
            lambda conn: _class(conn, house, resident, data_class, now), key=resident.bytes
        )
        house.vault.bury(stone)
    log.warning("keys shredded by an operator", resident=resident, whole=data_class is None)
    told = receipt.issue(house.system, house.settings.issuer, resident, data_class, now)
    return {
        "resident_id": str(resident),
        "data_class": data_class and data_class.value,
        "erased_at": now.isoformat(),
        "final_at": told.final_at.isoformat(),
        "receipt": told.signed,
    }


def _person(conn: Connection, house: House, resident: UUID, now: datetime) -> None:
    key = house.system.secret("statistics")
    permit = _permit(conn, house, resident, now)
    shredding.erase_person(conn, house.vault, house.system, permit, statistics_key=key, now=now)


def _class(
    conn: Connection, house: House, resident: UUID, data_class: DataClass, now: datetime
) -> ClassTombstone:
    return shredding.erase_class(
        conn,
        house.vault,
        _permit(conn, house, resident, now),
        data_class,
        regions=house.regions,
        statistics_key=house.system.secret("statistics"),
        now=now,
        reason=REASON,
    )


def _permit(conn: Connection, house: House, resident: UUID, now: datetime) -> Permit:
    return gate.own(
        conn, house.vault, resident=resident, action=Action.ERASE, now=now, stepped_up=True
    )
