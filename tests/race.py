"""Doctors who read while their patients withdraw: what was answered before and after.

A turn gives a grant, lets a reader ask again and again through one process, and withdraws the grant
through another at a random moment. The reader asks once more after the answer to the withdrawal has
arrived. What began before may still be answered with data; what began after may not.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import httpx

from service.api.auth.answers import SCOPES
from service.house import House
from service.identity import actions as identity
from service.kit.ids import new_id
from tests.house_room import PASSWORD

FAMILY = 4
"""Patients of one doctor."""
FAMILIES = 4
"""Doctors whose patients take turns at the same time."""
WINDOW = 0.06
"""Seconds within which a withdrawal comes after its grant."""
START = datetime.now(UTC) - timedelta(days=2)
PRESSURE = {
    "kind": "observation",
    "start": START.isoformat(),
    "values": {"systolic_bp": 128, "diastolic_bp": 82},
}
STEPS = {"measure": "steps", "day": START.date().isoformat(), "t": [0, 60], "v": [5, 7]}

Sides = Sequence[httpx.AsyncClient]


@dataclass
class Outcome:
    """What became of all turns. A read is late when it began after the withdrawal's answer."""

    turns: int = 0
    shown: int = 0
    """Early reads that were answered with data."""
    overtaken: int = 0
    """Early reads during which the withdrawal was answered."""
    overtaken_shown: int = 0
    """Those of them that were answered with data all the same, as they may be: on PostgreSQL, where
    a read does not hold up a withdrawal."""
    late: int = 0
    stale: list[str] = field(default_factory=list)
    """Doors that answered a late read with data."""
    rules: Counter[str] = field(default_factory=Counter)
    """Why reads were refused, the late ones and the early ones."""
    odd: Counter[str] = field(default_factory=Counter)
    """Answers that are neither data nor a refusal."""


@dataclass
class Patient:
    """A resident and their doctor, with headers of both."""

    id: str
    mine: dict[str, str]
    doctor: str
    theirs: dict[str, str]

    @property
    def doors(self) -> dict[str, str]:
        """What a doctor may ask that tells something of this patient."""
        about = f"/v1/doctor/patients/{self.id}"
        return {
            "records": f"{about}/records",
            "patient": about,
            "series": f"{about}/series/steps",
            "panel": "/v1/doctor/panel",
        }

    def offer(self, door: str) -> dict[str, Any]:
        """A grant that opens this door. Without a name in it no card is made for the panel."""
        named = ["profile"] if door in ("panel", "patient") else []
        return {
            "grantee": {"kind": "practitioner", "id": self.doctor},
            "purposes": ["care"],
            "data_classes": ["body", "lifestyle", *named],
            "separate_consent": True,
        }


class Race:
    """`turns` turns of each of many patients, over `sides`: clients of the processes that serve.

    With `crossing` each turn draws anew which side its doctor reads from; without, doctors read
    from the first and residents are at the last. `house` is one over the same stores, for people.
    """

    def __init__(
        self, house: House, sides: Sides, *, random: Random, doors: Sequence[str], crossing: bool
    ) -> None:
        self._house = house
        self._sides = sides
        self._random = random
        self._doors = doors
        self._crossing = crossing
        self.outcome = Outcome()

    async def run(self, *, families: int, turns: int) -> Outcome:
        free = asyncio.Semaphore(FAMILIES)

        async def family() -> None:
            async with free:
                patients = await self._move_in()
                await asyncio.gather(*[self._play(patient, turns) for patient in patients])

        await asyncio.gather(*[family() for _ in range(families)])
        return self.outcome

    async def _play(self, patient: Patient, turns: int) -> None:
        for number in range(turns):
            await self._turn(patient, number)

    async def _turn(self, patient: Patient, number: int) -> None:
        here, there = self._sides[0], self._sides[-1]
        if self._crossing and self._random.random() < 0.5:
            here, there = there, here
        door = self._random.choice(self._doors)
        offer = patient.offer(door)
        given = await there.post("/v1/me/grants", json=offer, headers=patient.mine)
        assert given.status_code == 201, given.text
        over, answered = asyncio.Event(), asyncio.Event()
        reader = asyncio.create_task(self._read(here, patient, door, over, answered))
        if number % 4:
            # However slow the machine: before most withdrawals something was read.
            await answered.wait()
        await asyncio.sleep(self._random.uniform(0, WINDOW))
        grant = f"/v1/me/grants/{given.json()['id']}"
        shutting = self._random.random() < 0.2
        if shutting:
            answer = await self._shut_out(there, patient, on=True)
        else:
            answer = await there.delete(grant, headers=patient.mine)
        over.set()
        assert answer.status_code < 300, answer.text
        await reader
        if shutting:
            assert (await there.delete(grant, headers=patient.mine)).status_code < 300
            assert (await self._shut_out(there, patient, on=False)).status_code < 300
        self.outcome.turns += 1

    async def _shut_out(
        self, side: httpx.AsyncClient, patient: Patient, *, on: bool
    ) -> httpx.Response:
        return await side.put("/v1/me/deny-all", json={"on": on}, headers=patient.mine)

    async def _read(
        self,
        side: httpx.AsyncClient,
        patient: Patient,
        door: str,
        over: asyncio.Event,
        answered: asyncio.Event,
    ) -> None:
        """Ask until a read that began after the withdrawal was answered."""
        late = False
        while not late:
            late = over.is_set()
            answer = await side.get(patient.doors[door], headers=patient.theirs)
            answered.set()
            self._note(answer, patient, door, late=late, overtaken=not late and over.is_set())

    def _note(
        self, answer: httpx.Response, patient: Patient, door: str, *, late: bool, overtaken: bool
    ) -> None:
        outcome = self.outcome
        shown = shows(answer, patient, door)
        outcome.late += late
        outcome.overtaken += overtaken
        outcome.overtaken_shown += overtaken and shown
        if shown:
            outcome.shown += not late
            outcome.stale += [door] if late else []
        elif answer.status_code == 200:
            outcome.rules["on no panel"] += 1
        elif answer.status_code == 403:
            outcome.rules[answer.json()["rule"]] += 1
        else:
            outcome.odd[f"{door} {answer.status_code}"] += 1

    async def _move_in(self) -> list[Patient]:
        """A doctor, and patients who signed with them and log something; nothing is granted yet."""
        doctor, theirs = await asyncio.to_thread(self._doctor)
        return await asyncio.gather(*[self._patient(doctor, theirs) for _ in range(FAMILY)])

    def _doctor(self) -> tuple[str, dict[str, str]]:
        house = self._house
        made = house.db.write(
            lambda conn: identity.add_doctor(
                conn,
                house.system,
                login=uuid4().hex,
                name="周医生",
                clinic=f"河街卫生站{uuid4().hex}",
                now=house.clock(),
                passwords=house.passwords,
            )
        )
        return made["practitioner_id"], self._headers(made["practitioner_id"], "doctor")

    async def _patient(self, doctor: str, theirs: dict[str, str]) -> Patient:
        side = self._sides[-1]
        wish = {"login": uuid4().hex, "password": PASSWORD, "name": "林梅", "sex": "female"}
        wish |= {"birth_date": "1980-05-17", "region": next(iter(self._house.regions)).code}
        made = await side.post("/v1/auth/register", json=wish)
        assert made.status_code == 201, made.text
        mine = self._headers(made.json()["resident_id"], "resident")
        signing = {"doctor_id": doctor, "package": "basic", "data_classes": ["body"]}
        for path, body in (
            ("/v1/me/records", {"records": [PRESSURE]}),
            ("/v1/me/series", {"series": [STEPS]}),
            ("/v1/me/contract", signing),
        ):
            answer = await side.post(path, json=body, headers=mine)
            assert answer.status_code < 300, answer.text
        gone = await side.delete(f"/v1/me/grants/{answer.json()['grant_id']}", headers=mine)
        assert gone.status_code < 300, gone.text
        return Patient(made.json()["resident_id"], mine, doctor, theirs)

    def _headers(self, who: str, audience: Any) -> dict[str, str]:
        """As after signing in just now, without the cost of a password."""
        now = self._house.clock()
        token = self._house.tokens.issue(
            subject=UUID(who),
            audience=audience,
            scope=SCOPES[audience],
            auth_time=now,
            acr=1,
            family=new_id(),
            now=now,
        )
        return {"authorization": f"Bearer {token}"}


def shows(answer: httpx.Response, patient: Patient, door: str) -> bool:
    """Whether an answer tells anything of the patient."""
    if answer.status_code != 200:
        return False
    if door == "panel":
        return patient.id in {row["patient_id"] for row in answer.json()["items"]}
    return True
