"""Two times two hundred residents who live differently and use the service alike.

Half are active and half lie in bed; half are HIV positive and half are not, crosswise. Their
devices and clinics report on the same days, as often and with texts of their own; what is reported
differs as it does between such people. What a thief sees of it is turned into numbers here.
"""

import json
import random
import re
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from service.prompts import actions as prompts
from service.records import series
from tests.consent_room import Clinic
from tests.record_room import PROFILE, REGIONS, observation

DAYS = [f"2026-11-{day:02}" for day in range(6, 20)]
TAGS_SHOWN = 8
_WORD = re.compile(r"[a-z_-]{1,40}")
"""What stands in clear as a word of ours: an action, a rule, a purpose, a status."""


class Cohorts(NamedTuple):
    """Who lives how; the residents stand in the order of the features."""

    residents: list[UUID]
    active: list[bool]
    positive: list[bool]
    unpadded: list[int]
    """Bytes of each one's samples as a careless store would keep them: compressed, not padded."""


def settle(clinic: Clinic, people: int, seed: int = 7) -> Cohorts:
    """Let so many people live for two weeks."""
    dice = random.Random(seed)
    doctor = clinic.doctor_named()
    cohorts = Cohorts([], [], [], [])
    for number in range(people):
        active, positive = number % 2 == 0, number % 4 < 2
        resident, unpadded = live(clinic, doctor, dice, active=active, positive=positive)
        cohorts.residents.append(resident)
        cohorts.unpadded.append(unpadded)
        cohorts.active.append(active)
        cohorts.positive.append(positive)
    return cohorts


def live(
    clinic: Clinic, doctor: UUID, dice: random.Random, *, active: bool, positive: bool
) -> tuple[UUID, int]:
    resident = clinic.resident()
    clinic.log(resident, *check_ups(dice, active, positive))
    days = [day for at in DAYS for day in worn(dice, at, active)]
    clinic.write(
        lambda conn: series.append(
            conn, clinic.vault, clinic.own(conn, resident), days, clinic.now, profile=PROFILE
        )
    )
    clinic.sign(resident, doctor, ["body", "screening", "infectious"])
    clinic.write(lambda conn: read_prompt(clinic, conn, resident))
    return resident, len(zlib.compress(json.dumps(days).encode()))


def read_prompt(clinic: Clinic, conn: Connection, resident: UUID) -> None:
    permit = clinic.own(conn, resident)
    prompts.renew(conn, clinic.vault, permit, regions=REGIONS, now=clinic.now)


def check_ups(dice: random.Random, active: bool, positive: bool) -> list[dict[str, Any]]:
    """Everybody is tested and examined; how often and with how many words has other reasons.

    A class used at all can be told from one that is not, so the cohorts use the same classes: what
    a result says must not show, that somebody has results of several kinds does.
    """
    found = [body_of(dice, DAYS[number], active) for number in range(4 + dice.randrange(4))]
    screen = {"hiv_screen": "positive" if positive else "negative"}
    found.append(observation(screen, f"{DAYS[1]}T09:00:00+08:00", note=words(dice)))
    serology = {"hbsag": "negative", "hcv_antibody": "positive" if positive else "negative"}
    found.append(observation(serology, f"{DAYS[2]}T09:00:00+08:00"))
    found.append(observation(lipids(dice, active), f"{DAYS[3]}T09:00:00+08:00"))
    if dice.random() < 0.5:
        code = "hypertension" if not active else "asthma"
        start = f"{DAYS[4]}T09:00:00+08:00"
        found.append({"kind": "condition", "start": start, "code": code, "status": "active"})
    return found


def body_of(dice: random.Random, day: str, active: bool) -> dict[str, Any]:
    base = (118, 74, 62.0) if active else (139, 86, 81.0)
    values = {
        "systolic_bp": base[0] + dice.randrange(15),
        "diastolic_bp": base[1] + dice.randrange(9),
        "body_weight": base[2] + dice.randrange(90) / 10,
    }
    return observation(values, f"{day}T08:00:00+08:00", note=words(dice))


def lipids(dice: random.Random, active: bool) -> dict[str, Any]:
    return {"ldl_c": (2 if active else 3) + dice.randrange(20) / 10, "hdl_c": 1.2}


def words(dice: random.Random) -> str:
    return "".join(dice.choice("天气心情好累早晚") for _ in range(dice.randrange(12)))


def worn(dice: random.Random, day: str, active: bool) -> Iterator[dict[str, Any]]:
    """Steps of every quarter of an hour and heart rates of every five minutes."""
    source = {"kind": "device", "name": "band"}
    quarters = list(range(0, 86_400, 900))
    walked = [dice.randrange(900) if active else 0 for _ in quarters]
    yield {"measure": "steps", "day": day, "source": source, "t": quarters, "v": walked}
    fives = list(range(0, 86_400, 300))
    rates = [58 + dice.randrange(90 if active else 6) for _ in fives]
    yield {"measure": "heart_rate", "day": day, "source": source, "t": fives, "v": rates}


def features(databases: list[Path], residents: list[UUID]) -> tuple[list[str], list[list[float]]]:
    """One row a resident: row counts, sizes, sizes of groups of equal tags, spans of days, words.

    Everything is read from the files alone, as somebody who stole them would read them.
    """
    tables = {name: found for database in databases for name, found in _tables(database)}
    counted = [_features_of(tables, resident.bytes) for resident in residents]
    names = sorted({name for one in counted for name in one})
    return names, [[one.get(name, 0.0) for name in names] for one in counted]


def _tables(database: Path) -> Iterator[tuple[str, tuple[list[str], list[tuple[Any, ...]]]]]:
    thief = sqlite3.connect(database)
    names = [name for (name,) in thief.execute("SELECT name FROM sqlite_master WHERE type='table'")]
    for name in names:
        cursor = thief.execute(f'SELECT * FROM "{name}"')
        columns = [column[0] for column in cursor.description]
        if "resident_id" in columns:
            yield name, (columns, cursor.fetchall())
    thief.close()


def _features_of(
    tables: dict[str, tuple[list[str], list[tuple[Any, ...]]]], resident: bytes
) -> dict[str, float]:
    found: dict[str, float] = {}
    for table, (columns, rows) in tables.items():
        mine = [row for row in rows if row[columns.index("resident_id")] == resident]
        found[f"{table} rows"] = len(mine)
        for place, column in enumerate(columns):
            found |= _of_column(f"{table}.{column}", [row[place] for row in mine])
    return found


def _of_column(name: str, cells: list[Any]) -> dict[str, float]:
    """Of bytes their lengths and how often equal ones occur; of numbers their span and variety."""
    found: dict[str, float] = {f"{name} varieties": len(set(cells))}
    groups = sorted(Counter(cells).values(), reverse=True)[:TAGS_SHOWN]
    found |= {f"{name} group {n}": size for n, size in enumerate(groups)}
    if cells and isinstance(cells[0], bytes | str):
        # The head of a ciphertext names its suite, key and epoch in clear.
        heads = Counter(cell[:8] for cell in cells)
        found |= {f"{name} heads": len(heads), f"{name} commonest head": max(heads.values())}
        sizes = Counter(map(len, cells))
        found |= {f"{name} of {size} bytes": count for size, count in sizes.items()}
    words = Counter(cell for cell in cells if isinstance(cell, str) and _WORD.fullmatch(cell))
    found |= {f"{name} = {word}": count for word, count in words.items()}
    numbers = [cell for cell in cells if isinstance(cell, int)]
    if numbers:
        found[f"{name} span"] = max(numbers) - min(numbers)
    return found
