"""A small town whose residents use the service alike and live differently, for months.

Eight residents share each calendar (`tests.security.calendars`), one of each sort
(`tests.security.health`). Everything goes through the doors, jobs and the command line's actions;
the clock moves from act to act.
"""

import json
import random
import zlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import Connection

from service.breakglass import actions as breakglass
from service.breakglass import store as reviews
from service.healthcode import actions as healthcode
from service.jobs import checkpoint, watch
from service.jobs.contribute import contribute
from service.kit.audience import speaking_for
from service.kit.ids import new_id
from tests.authenticator import Authenticator
from tests.conftest import MovingClock
from tests.contract.validated import Validated
from tests.family_room import wish
from tests.house_room import Person, Town
from tests.passkey_room import enrolled
from tests.security.calendars import APART, START, Calendar, Deed, calendars
from tests.security.health import SORTS, Body, Sort

REASON = "倒在路边，昏迷，需要了解用药与过敏史"


@dataclass
class Resident:
    """Somebody of the town, what they know of their own use, and how they are."""

    id: str
    login: str
    calendar: int
    sort: Sort
    body: Body
    refresh: str | None = None
    records: list[tuple[str, int]] = field(default_factory=list)
    appeal: str | None = None
    request: str | None = None
    unpadded: list[int] = field(default_factory=list)
    """Bytes of days of samples as a careless store would keep them: compressed, not padded."""


class Cohorts:
    """The town, and who of it lives how: residents in the order in which they moved in."""

    def __init__(self, town: Town, clock: MovingClock, number: int, rounds: int, seed: int) -> None:
        # What is answered is held against the contract elsewhere; here thousands are asked for.
        assert isinstance(town.doors, Validated)
        self.town, self.doors, self.clock = town, town.doors.inner, clock
        self.dice = random.Random(seed)
        self.calendars = calendars(number, rounds, self.dice)
        self.rounds = rounds
        clock.now = START - timedelta(days=1)
        self.doctors = [town.doctor(f"dr-{number}") for number in range(3)]
        self.residents = self._move_in()

    def _move_in(self) -> list[Resident]:
        places = [
            (at, sort)
            for at in range(len(self.calendars))
            for sort in self.dice.sample(SORTS, k=len(SORTS))
        ]
        return [self._one(number, *place) for number, place in enumerate(places)]

    def _one(self, number: int, calendar: int, sort: Sort) -> Resident:
        of, login = self.calendars[calendar], f"r{number}"
        made = {"login": login, "password": "correct horse 电池", "name": "林梅"}
        told = {"birth_date": of.born, "sex": of.sex, "region": "330101001001"}
        answer = self._ok(self.doors.post("/v1/auth/register", json=made | told))
        body = Body(sort, random.Random(self.dice.random()), of.device)
        return Resident(answer["resident_id"], login, calendar, sort, body)

    def live(self) -> None:
        """Everything that happens, in order; jobs run at the end of each round and a week later."""
        happens: list[tuple[datetime, int, Deed | None]] = [
            (deed.at, at, deed) for at, of in enumerate(self.calendars) for deed in of.deeds
        ]
        happens += [
            (START + number * APART + timedelta(days=days), -1, None)
            for number in range(self.rounds)
            for days in (6, 12)
        ]
        twins: dict[int, list[Resident]] = {}
        for one in self.residents:
            twins.setdefault(one.calendar, []).append(one)
        for at, calendar, deed in sorted(happens, key=lambda one: one[:2]):
            self.clock.now = at
            if deed is None:
                self.night()
                continue
            self.dice.shuffle(twins[calendar])
            for one in twins[calendar]:
                getattr(self, f"do_{deed.act}")(one, self.calendars[calendar], deed)
        for doctor in self.doctors:
            self.ask(self._as_doctor(doctor), "GET", "/v1/doctor/indicators")

    def night(self) -> None:
        """What happens without a resident: panels, statistics, the watch over the log."""
        for doctor in self.doctors:
            self.ask(self._as_doctor(doctor), "GET", "/v1/doctor/panel?limit=500")
            self.ask(self._as_doctor(doctor), "GET", "/v1/doctor/panel?limit=500&level=3")
            self.ask(self._as_doctor(doctor), "GET", "/v1/doctor/appeals")
        house = self.town.house
        contribute(house, now=self.clock.now)
        watch.watch(house)
        checkpoint.make(house, now=self.clock.now)
        with speaking_for("operator"):
            for one in house.db.read(lambda conn: reviews.every(conn, closed=False)):
                house.db.write(partial(self._review, id_=one.review_id))

    def _review(self, conn: Connection, id_: UUID) -> None:
        breakglass.close_review(
            conn,
            self.town.house.vault,
            id_,
            outcome="justified",
            reviewer="钱",
            now=self.clock.now,
        )

    def moves(self) -> list[int]:
        """How often each one's level or index changed, as they are told themselves."""
        return [self._moves(one) for one in self.residents]

    def _moves(self, one: Resident) -> int:
        items = self.me(one, "GET", "/prompts")["items"]
        told = [(item["level"], item["index"]) for item in items]
        return sum(earlier != later for earlier, later in pairwise(told))

    # -- acts ----------------------------------------------------------------------------------

    def do_sign(self, one: Resident, of: Calendar, deed: Deed) -> None:
        assert of.doctor is not None
        body = {
            "doctor_id": self.doctors[of.doctor].id,
            "package": "basic",
            "data_classes": ["profile", *of.classes],
        }
        self.me(one, "POST", "/contract", body)

    def do_agree(self, one: Resident, of: Calendar, deed: Deed) -> None:
        classes = ["profile", "body", "screening", "lifestyle"]
        body = {
            "grantee": {"kind": "service", "id": "statistics"},
            "purposes": ["statistics"],
            "data_classes": classes,
            "separate_consent": True,
        }
        self.me(one, "POST", "/grants", body)

    def do_passkey(self, one: Resident, of: Calendar, deed: Deed) -> None:
        enrolled(self.town, self._as(one), Authenticator())

    def do_child(self, one: Resident, of: Calendar, deed: Deed) -> None:
        child = self.me(one, "POST", "/children", wish())["resident_id"]
        record = one.body.report("screen", 4, deed.at)
        self.me(one, "POST", f"/children/{child}/records", {"records": [record]})

    def do_log(self, one: Resident, of: Calendar, deed: Deed) -> None:
        one.body.comes(deed.round)
        records = [
            one.body.report(kind, note, deed.at - timedelta(minutes=5 + at))
            for at, (kind, note) in enumerate(deed.kinds)
        ]
        found = self.me(one, "POST", "/records", {"records": records})
        for result in found["results"]:
            assert result["status"] == "created", result
        one.records += [(result["id"], result["rev"]) for result in found["results"]]

    def do_samples(self, one: Resident, of: Calendar, deed: Deed) -> None:
        series = list(one.body.worn((deed.at - timedelta(days=1)).date(), deed.days))
        one.unpadded.append(
            len(zlib.compress(json.dumps([day["v"] for day in series[:2]]).encode()))
        )
        found = self.me(one, "POST", "/series", {"series": series})
        assert {line["status"] for line in found["results"]} <= {"created", "updated"}, found

    def do_read(self, one: Resident, of: Calendar, deed: Deed) -> None:
        self.me(one, "GET", "/prompt")

    def do_correct(self, one: Resident, of: Calendar, deed: Deed) -> None:
        id_, rev = one.records[0]
        changed = one.body.report("pressure", 5, deed.at - timedelta(hours=1)) | {"id": id_}
        answer = self.ask(
            self._as(one), "PUT", f"/v1/me/records/{id_}", changed, **{"If-Match": f'"{rev}"'}
        )
        one.records[0] = (id_, answer["rev"])

    def do_delete(self, one: Resident, of: Calendar, deed: Deed) -> None:
        id_, rev = one.records.pop()
        self.ask(self._as(one), "DELETE", f"/v1/me/records/{id_}", **{"If-Match": f'"{rev}"'})

    def do_look(self, one: Resident, of: Calendar, deed: Deed) -> None:
        self.ask(self._doctor_of(of), "GET", f"/v1/doctor/patients/{one.id}")

    def do_list(self, one: Resident, of: Calendar, deed: Deed) -> None:
        self.ask(self._doctor_of(of), "GET", f"/v1/doctor/patients/{one.id}/records")

    def do_code(self, one: Resident, of: Calendar, deed: Deed) -> None:
        token = self.me(one, "GET", "/code")["token"]
        body = {"token": token}
        self.ask(self._doctor_of(of), "POST", "/v1/doctor/codes/resolve", body)

    def do_glass(self, one: Resident, of: Calendar, deed: Deed) -> None:
        stranger = self._stranger(of)
        address = f"/v1/doctor/patients/{one.id}"
        self.ask(stranger, "POST", f"{address}/emergency", {"reason": REASON})
        self.ask(stranger, "GET", address)

    def do_close(self, one: Resident, of: Calendar, deed: Deed) -> None:
        address = f"/v1/doctor/patients/{one.id}/emergency"
        headers = self._stranger(of).headers
        assert self.doors.delete(address, headers=headers).status_code in (200, 404)

    def do_appeal(self, one: Resident, of: Calendar, deed: Deed) -> None:
        about = {"record": one.records[0][0]}
        body = {"about": about, "reason": "袖带太小", "for_doctor": of.doctor is not None}
        one.appeal = self.me(one, "POST", "/appeals", body)["id"]

    def do_answer(self, one: Resident, of: Calendar, deed: Deed) -> None:
        if one.appeal is not None:
            address = f"/v1/doctor/patients/{one.id}/appeals/{one.appeal}/answer"
            self.ask(self._doctor_of(of), "POST", address, {"outcome": "rejected", "reason": "准"})

    def do_ask(self, one: Resident, of: Calendar, deed: Deed) -> None:
        # Of a doctor they signed with, or to whom they held up their code in a round before.
        body = {"data_classes": ["mental"]}
        address = f"/v1/doctor/patients/{one.id}/requests"
        one.request = self.ask(self._doctor_of(of), "POST", address, body)["request_id"]

    def do_accept(self, one: Resident, of: Calendar, deed: Deed) -> None:
        if one.request is not None:
            self.me(one, "POST", f"/requests/{one.request}/accept", {"separate_consent": True})

    def do_refresh(self, one: Resident, of: Calendar, deed: Deed) -> None:
        """Sign in, or go on with the sign-in of a round before."""
        form = {"grant_type": "refresh_token", "refresh_token": one.refresh or ""}
        if one.refresh is None:
            form = {
                "grant_type": "password",
                "username": one.login,
                "password": "correct horse 电池",
            }
        answer = self.doors.post("/v1/auth/token", data=form)
        one.refresh = answer.json().get("refresh_token") if answer.status_code == 200 else None

    # -- doors ---------------------------------------------------------------------------------

    def me(self, one: Resident, method: str, rest: str, body: object = None) -> Any:
        return self.ask(self._as(one), method, f"/v1/me{rest}", body)

    def ask(self, who: Person, method: str, path: str, body: object = None, **headers: str) -> Any:
        kept: dict[str, Any] = {} if body is None else {"json": body}
        return self._ok(self.doors.request(method, path, headers=who.headers | headers, **kept))

    def _ok(self, answer: httpx.Response) -> Any:
        assert answer.status_code < 300, (str(answer.request.url), answer.text)
        return answer.json() if answer.content else None

    def _as(self, one: Resident) -> Person:
        return Person(one.id, one.login, self._token(one.id, "resident"), None)

    def _as_doctor(self, doctor: Person) -> Person:
        return Person(doctor.id, doctor.login, self._token(doctor.id, "doctor"), None)

    def _doctor_of(self, of: Calendar) -> Person:
        return self._as_doctor(self.doctors[of.doctor or 0])

    def _stranger(self, of: Calendar) -> Person:
        return self._as_doctor(self.doctors[((of.doctor or 0) + 1) % len(self.doctors)])

    def _token(self, subject: str, audience: str) -> str:
        """A token of somebody who has just proved themselves twice; that leaves no row."""
        scope = {"resident": "me", "doctor": "patients"}[audience]
        return self.town.house.tokens.issue(
            subject=UUID(subject),
            audience=audience,
            scope=frozenset({scope}),
            auth_time=self.clock.now,
            acr=2,
            family=new_id(),
            now=self.clock.now,
        )


def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes are shown without their pictures, which nobody keeps and which take longest."""
    monkeypatch.setattr(healthcode, "_picture", lambda token: "")
