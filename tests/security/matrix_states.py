"""What has to be there before an operation can succeed: made by real requests, just before.

Who is turned away names what one of the subject's people made; each of the others gets a state of
their own, because most of these are good for once.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import httpx

from tests.authenticator import Authenticator
from tests.emergency_room import REASON
from tests.family_room import Child, begin, wish
from tests.house_room import PASSWORD, Person
from tests.passkey_room import ROOT, asked, begun, enrolled, stronger
from tests.record_room import pressures
from tests.security.asks import DECLARED, SUFFIX, Ask
from tests.security.deny_table import CLASSLESS, LET_IN, OWNER
from tests.security.matrix_crowd import Crowd, care_grant, every_ask, send
from tests.standing_room import CLASSES, NOW, PRESSURE, Standing

NEW_PASSWORD = "another horse 电池"
LOGINS = iter(range(100_000))


@dataclass(frozen=True)
class Ready:
    """A request that can succeed, and who sends it where the persona needs a stand-in."""

    ask: Ask
    persona: str
    who: Person | None = None

    def sent(self, crowd: Crowd) -> httpx.Response:
        ask, who = self.ask, self.who
        options = dict(ask.options)
        carried = crowd.headers[self.persona] if who is None else who.headers
        headers = {**options.pop("headers", {}), **carried}
        return crowd.here.town.doors.request(ask.method, ask.path, headers=headers, **options)


class Prepared:
    """Requests of the table, each with what it needs. Those turned away share one state."""

    def __init__(self, crowd: Crowd) -> None:
        self.states = States(crowd)
        self.asks = every_ask(crowd.here)
        self.asks_of_mei = every_ask(crowd.of_mei)
        self.shown: dict[str, Ready] = {}

    def ready(self, name: str, persona: str) -> Ready:
        make = STATES.get(name)
        if make is None:
            asks = self.asks_of_mei if persona == CLASSLESS else self.asks
            return Ready(asks[name], persona)
        of_mei = persona == CLASSLESS and name == "answer_appeal"
        if persona in LET_IN[name] or of_mei:
            return make(self.states, persona)
        if name not in self.shown:
            self.shown[name] = make(self.states, OWNER)
        return replace(self.shown[name], persona=persona, who=None)


@dataclass(frozen=True)
class File:
    """A file of the town, and who asks for it: the resident, or a guardian of theirs."""

    here: Standing
    subject: str
    path: str
    who: Person

    def send(self, method: str, rest: str, body: object = None) -> Any:
        answer = send(self.here, method, self.path + rest, self.who, body)
        return answer.json() if answer.content else None

    def ask(self, name: str, method: str, rest: str, **options: Any) -> Ask:
        suffix = "" if self.path == "/v1/me" else SUFFIX
        return Ask(f"{name}{suffix}", "resident", method, self.path + rest, options)

    def record(self) -> tuple[str, str]:
        """A new record's id and ETag."""
        start = f"2026-11-{1 + next(LOGINS) % 18:02}T07:00:00+08:00"
        sent = self.send("POST", "/records", {"records": [PRESSURE | {"start": start}]})
        result = sent["results"][0]
        return str(result["id"]), f'"{result["rev"]}"'


class States:
    """Makes what the requests need. `persona` is who will send the request."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.here = crowd.here
        self.town = crowd.here.town

    def login(self, kind: str) -> str:
        return f"{kind}-{next(LOGINS)}"

    def own(self, persona: str = OWNER) -> File:
        here = self.crowd.of_mei if persona == CLASSLESS else self.here
        who = here.resident if persona == CLASSLESS else self.crowd.people[persona]
        return File(here, who.id, "/v1/me", who)

    def of_child(self, child: str) -> File:
        return File(self.here, child, f"/v1/me/children/{child}", self.here.resident)

    @cached_property
    def ward(self) -> File:
        assert self.here.child is not None
        return self.of_child(self.here.child.id)

    def stand_in(self, persona: str) -> tuple[Person, str]:
        """Somebody new of the same kind, and their password."""
        if "doctor" not in persona:
            return self.town.resident(self.login("somebody")), PASSWORD
        made = self.town.hire(self.login("dr"))
        return self.town.sign_in(made["login"], made["password"]), made["password"]

    # Sign-in

    @cached_property
    def holder(self) -> Authenticator:
        device = Authenticator()
        enrolled(self.town, self.town.resident("holder"), device)
        return device

    def sign_in_by_passkey(self, persona: str) -> Ready:
        shown = {"json": {"passkey": self.holder.get(asked(self.town))}}
        return Ready(Ask("sign_in_by_passkey", None, "POST", f"{ROOT}/token", shown), persona)

    def add_passkey(self, persona: str) -> Ready:
        # A second one needs a proof with the first, so nobody of the table gets one.
        who, _ = self.stand_in(persona)
        made = {"json": {"passkey": Authenticator().create(begun(self.town, who))}}
        return Ready(Ask("add_passkey", None, "POST", ROOT, made), persona, who)

    def remove_passkey(self, persona: str) -> Ready:
        (who, _), device = self.stand_in(OWNER), Authenticator()
        made = enrolled(self.town, who, device)
        ask = Ask("remove_passkey", None, "DELETE", f"{ROOT}/{made}")
        return Ready(ask, persona, stronger(self.town, who, device))

    def step_up(self, persona: str) -> Ready:
        who, password = self.stand_in(persona)
        body = {"json": {"password": password}}
        return Ready(Ask("step_up", None, "POST", "/v1/auth/step-up", body), persona, who)

    def change_password(self, persona: str) -> Ready:
        who, password = self.stand_in(persona)
        body = {"json": {"password": password, "new_password": NEW_PASSWORD}}
        return Ready(Ask("change_password", None, "POST", "/v1/auth/password", body), persona, who)

    def recover_password(self, persona: str) -> Ready:
        who = self.town.resident(self.login("forgetful"))
        codes = self.town.doors.post("/v1/me/recovery-codes", headers=who.headers).json()["codes"]
        body = {"login": who.login, "code": codes[0], "new_password": NEW_PASSWORD}
        ask = Ask("recover_password", None, "POST", "/v1/auth/recover", {"json": body})
        return Ready(ask, persona)

    # Families

    def claim(self, persona: str) -> Ready:
        child = Child(self.crowd.grown.pop(), self.town, self.crowd.parent)
        code = child.ask("POST", "/handover").json()["code"]
        body = {"code": code, "login": self.login("young"), "password": PASSWORD}
        return Ready(Ask("claim", None, "POST", "/v1/auth/claim", {"json": body}), persona)

    def begin_child(self, persona: str) -> Ready:
        # Nobody can be erased who is the only guardian of somebody, and the subject shall be.
        who = self.stand_in(persona)[0] if persona == OWNER else None
        body = {"json": wish()}
        return Ready(Ask("begin_child", "resident", "POST", "/v1/me/children", body), persona, who)

    def join_child(self, persona: str) -> Ready:
        child = begin(self.town, self.town.resident(self.login("parent")))
        body = {"json": {"code": child.ask("POST", "/guardians").json()["code"]}}
        return Ready(Ask("join_child", "resident", "POST", "/v1/me/children/join", body), persona)

    # Contracts and codes

    @property
    def contract(self) -> dict[str, Any]:
        wished = {"doctor_id": self.here.doctor.id, "package": "basic", "data_classes": CLASSES}
        return {"json": wished}

    def sign_contract(self, persona: str) -> Ready:
        # The subject has signed, with who is looked at here; the others sign for themselves.
        who = self.stand_in(persona)[0] if persona == OWNER else None
        ask = Ask("sign_contract", "resident", "POST", "/v1/me/contract", self.contract)
        return Ready(ask, persona, who)

    def sign_contract_of_child(self, persona: str) -> Ready:
        child = begin(self.town, self.here.resident)
        child.joined_by(self.crowd.people["guardian"])
        file = self.of_child(child.id)
        return Ready(file.ask("sign_contract", "POST", "/contract", **self.contract), persona)

    def resolve_code(self, persona: str) -> Ready:
        body = {"json": {"token": self.own().send("GET", "/code")["token"]}}
        ask = Ask("resolve_code", "doctor", "POST", "/v1/doctor/codes/resolve", body)
        return Ready(ask, persona)

    # Things of a file

    def change_grant(self, file: File) -> Ask:
        terms = care_grant(self.town.doctor(self.login("dr")))
        given = file.send("POST", "/grants", terms)["id"]
        body = terms | {"valid_until": "2026-12-01T00:00:00Z"}
        return file.ask("change_grant", "PUT", f"/grants/{given}", json=body)

    def replace_record(self, file: File) -> Ask:
        record, etag = file.record()
        return file.ask(
            "replace_record", "PUT", f"/records/{record}", json=PRESSURE, headers={"if-match": etag}
        )

    def delete_record(self, file: File) -> Ask:
        record, etag = file.record()
        rest = f"/records/{record}"
        return file.ask("delete_record", "DELETE", rest, headers={"if-match": etag})

    def file_appeal(self, file: File) -> Ask:
        body = {"about": {"record": file.record()[0]}, "reason": REASON, "for_doctor": False}
        return file.ask("file_appeal", "POST", "/appeals", json=body)

    def appeal(self, file: File, *, for_doctor: bool = False) -> str:
        about = {"record": file.record()[0]}
        body = {"about": about, "reason": REASON, "for_doctor": for_doctor}
        return str(file.send("POST", "/appeals", body)["id"])

    def get_appeal(self, file: File) -> Ask:
        return file.ask("get_appeal", "GET", f"/appeals/{self.appeal(file)}")

    def withdraw_appeal(self, file: File) -> Ask:
        return file.ask("withdraw_appeal", "DELETE", f"/appeals/{self.appeal(file)}")

    def get_release_map(self, persona: str) -> Ready:
        # So few people are counted that the city as a whole is all there is.
        path = f"/v1/city/releases/{self.here.release}/map?metric=bmi&level=city"
        return Ready(Ask("get_release_map", "city", "GET", path), persona)

    def answer_appeal(self, persona: str) -> Ready:
        file = self.own(CLASSLESS if persona == CLASSLESS else OWNER)
        appeal = self.appeal(file, for_doctor=True)
        path = f"/v1/doctor/patients/{file.subject}/appeals/{appeal}/answer"
        body = {"json": {"outcome": "upheld", "reason": REASON}}
        return Ready(Ask("answer_appeal", "doctor", "POST", path, body), persona)

    def get_explanation(self, file: File) -> Ask:
        file.send("POST", "/records", {"records": pressures(171, 104, NOW.isoformat())})
        explanation = file.send("GET", "/prompt")["explanation"]
        return file.ask("get_explanation", "GET", f"/explanations/{explanation}")

    def request(self, file: File) -> str:
        """A doctor's question to the file's owner."""
        doctor = self.town.doctor(self.login("dr"))
        file.send("POST", "/grants", care_grant(doctor))
        path = f"/v1/doctor/patients/{file.subject}/requests"
        made = send(self.here, "POST", path, doctor, {"data_classes": ["lifestyle"]}).json()
        return str(made["request_id"])

    def accept_request(self, file: File) -> Ask:
        rest = f"/requests/{self.request(file)}/accept"
        return file.ask("accept_request", "POST", rest, json={"separate_consent": ["lifestyle"]})

    def refuse_request(self, file: File) -> Ask:
        return file.ask("refuse_request", "POST", f"/requests/{self.request(file)}/refuse")

    def mark_notice_read(self, file: File) -> Ask:
        about = self.request(file)
        told = file.send("GET", "/notices")["items"]
        (notice,) = (one["id"] for one in told if one["about"] == about)
        return file.ask("mark_notice_read", "POST", f"/notices/{notice}/read")

    # Emergencies

    def opened(self, doctor: Person, subject: str) -> str:
        path = f"/v1/doctor/patients/{subject}/emergency"
        body = {"reason": REASON}
        return str(send(self.here, "POST", path, doctor, body).json()["session_id"])

    def stop_emergency(self, file: File) -> Ask:
        # Of a clinic of their own: one that was stopped may not open another for a day.
        made = self.town.hire(self.login("dr"), self.login("clinic"))
        doctor = self.town.strong(self.town.sign_in(made["login"], made["password"]))
        session = self.opened(doctor, file.subject)
        return file.ask("stop_emergency", "DELETE", f"/emergency/{session}")

    def emergency(self, persona: str, method: str) -> Ready:
        """Of somebody else: it would let the doctor in at the subject's other doors."""
        doctor = self.crowd.people[persona] if "doctor" in persona else self.here.doctor
        strong = self.town.strong(doctor)
        found = self.town.resident(self.login("found"))
        if method == "DELETE":
            self.opened(strong, found.id)
        path = f"/v1/doctor/patients/{found.id}/emergency"
        body = {"json": {"reason": REASON}} if method == "POST" else {}
        name = "open_emergency" if method == "POST" else "close_emergency"
        return Ready(Ask(name, "doctor", method, path, body), persona, strong)

    def open_emergency(self, persona: str) -> Ready:
        return self.emergency(persona, "POST")

    def close_emergency(self, persona: str) -> Ready:
        return self.emergency(persona, "DELETE")


Make = Callable[[States, str], Ready]


def _own(make: Callable[[States, File], Ask]) -> Make:
    """Of the subject's own file, or of the sender's where everybody has one."""

    def ready(states: States, persona: str) -> Ready:
        of_all = "another resident" in LET_IN[make.__name__]
        return Ready(make(states, states.own(persona if of_all else OWNER)), persona)

    return ready


def _of_child(make: Callable[[States, File], Ask]) -> Make:
    return lambda states, persona: Ready(make(states, states.ward), persona)


_OF_PERSONAS: tuple[Make, ...] = (
    *(States.sign_in_by_passkey, States.add_passkey, States.remove_passkey),
    *(
        States.step_up,
        States.change_password,
        States.recover_password,
        States.claim,
        States.begin_child,
    ),
    *(States.join_child, States.sign_contract, States.sign_contract_of_child),
    *(States.resolve_code, States.answer_appeal, States.open_emergency, States.close_emergency),
    States.get_release_map,
)
_OF_FILES: tuple[Callable[[States, File], Ask], ...] = (
    *(States.change_grant, States.replace_record, States.delete_record, States.file_appeal),
    *(States.get_appeal, States.withdraw_appeal, States.get_explanation),
    *(States.accept_request, States.refuse_request, States.mark_notice_read),
    States.stop_emergency,
)
STATES: dict[str, Make] = {
    **{make.__name__: make for make in _OF_PERSONAS},
    **{make.__name__: _own(make) for make in _OF_FILES},
    **{
        name: _of_child(make)
        for make in _OF_FILES
        if "owner" in LET_IN[name := f"{make.__name__}{SUFFIX}"]
    },
}
assert set(STATES) <= DECLARED, set(STATES) - DECLARED
