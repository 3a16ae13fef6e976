"""What is stored of a prompt, and asking for it as its owner."""

import json
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from service.domain.risk.person import Person
from service.prompts import actions, history
from service.prompts.actions import Readings
from service.prompts.head import Brief
from service.prompts.history import Moment
from service.prompts.readings import PROMPT_CLASSES
from service.records import actions as records
from tests.record_room import PROFILE, REGIONS, Home

SLOTS = len(PROMPT_CLASSES) + 1
SLOT_BYTES = 1024 + 40


def stored(home: Home, resident: UUID) -> bytes | None:
    return home.read(
        lambda conn: actions.current(conn, home.vault, home.own(conn, resident), now=home.now)
    )


def prompt(home: Home, resident: UUID) -> dict[str, Any]:
    """What the route answers: the stored prompt while it is true, else a new one."""
    found = stored(home, resident)
    if found is None:
        found = home.write(
            lambda conn: actions.renew(
                conn, home.vault, home.own(conn, resident), regions=REGIONS, now=home.now
            )
        )
    document: dict[str, Any] = json.loads(found)
    return document


def readings(home: Home, resident: UUID) -> tuple[Person, Readings]:
    return home.read(
        lambda conn: actions.readings(conn, home.vault, home.own(conn, resident), regions=REGIONS)
    )


def moments(home: Home, resident: UUID, **span: date) -> list[Moment]:
    return home.read(
        lambda conn: history.between(conn, home.vault, home.own(conn, resident), **span)
    )


def days_ago(home: Home, days: int) -> str:
    return (home.now - timedelta(days=days)).isoformat()


def remove(home: Home, resident: UUID, sent: dict[str, Any], rev: int) -> Brief:
    def job(conn: Connection) -> Brief:
        permit = home.own(conn, resident)
        change, gone = records.delete(conn, home.vault, permit, UUID(sent["id"]), if_match=rev)
        return actions.note(
            conn,
            home.vault,
            permit,
            profile=PROFILE,
            regions=REGIONS,
            changes=[change],
            rev=gone,
            now=home.now,
        )

    return home.write(job)
