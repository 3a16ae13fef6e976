"""A prepared house with a small city, its doors, and people who can sign in."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import httpx

from service.app import create
from service.house import REGIONS_FILE, House, build
from service.identity import actions as identity
from service.keys import actions as keys
from service.kit.audience import speaking_for
from service.kit.clock import Clock
from service.kit.engines import open_engine
from service.kit.ids import new_id
from service.kit.settings import Settings
from tests.asgi import Doors, doors
from tests.contract.validated import Validated
from tests.databases import beneath, lay_sqlite

CITY, DISTRICT, STREET, COMMUNITY = "330100", "330101", "330101001", "330101001001"
PASSWORD = "correct horse 电池"
REGIONS = {
    "version": 1,
    "source": "made for tests",
    "regions": [
        {
            "code": code,
            "name": {"zh": zh, "en": en},
            "level": level,
            "parent": parent,
            "north": False,
            "urban": True,
            "population": 1000,
        }
        for code, zh, en, level, parent in (
            (CITY, "临水市", "Linshui", "city", None),
            (DISTRICT, "东区", "East", "district", CITY),
            (STREET, "河街", "River Street", "street", DISTRICT),
            (COMMUNITY, "柳社区", "Willow", "community", STREET),
        )
    ],
}


@dataclass(frozen=True)
class Person:
    """Somebody signed in; `headers` carry their access token."""

    id: str
    login: str
    access: str
    refresh: str | None

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.access}"}


@contextmanager
def another_house(house: House, clock: Clock) -> Iterator[House]:
    """A house of another process over the same stores."""
    other = build(house.settings, clock=clock, desk=True)
    yield other
    other.close()


@contextmanager
def another_process(house: House, clock: Clock) -> Iterator[Doors]:
    """The doors of another process over the stores of a house."""
    with another_house(house, clock) as other, doors(create(other)) as opened:
        yield opened


class Town:
    """The application over a fresh house. `doors` are its HTTP doors, held against openapi.yaml.

    `beneath` opens its data store as somebody whom no wall of PostgreSQL binds."""

    def __init__(self, house: House, doors: Doors) -> None:
        self.house = house
        self.doors = doors
        # Tests look at rows, and attack them, beneath wall 4.
        self.beneath = open_engine(beneath(house.settings))

    def register(self, login: str, /, **changes: Any) -> httpx.Response:
        wish = {
            "login": login,
            "password": PASSWORD,
            "name": "林梅",
            "birth_date": "1980-05-17",
            "sex": "female",
            "region": COMMUNITY,
        }
        return self.doors.post("/v1/auth/register", json=wish | changes)

    def token(self, **form: str) -> httpx.Response:
        return self.doors.post("/v1/auth/token", data=form)

    def sign_in(self, login: str, password: str = PASSWORD) -> Person:
        answer = self.token(grant_type="password", username=login, password=password)
        assert answer.status_code == 200, answer.text
        return self.person(login, answer.json())

    def person(self, login: str, token: dict[str, Any]) -> Person:
        for audience in ("resident", "doctor", "city"):
            try:
                found = self.house.tokens.verify(
                    token["access_token"], audience=audience, now=self.house.clock()
                )
            except Exception:
                continue
            return Person(
                str(found.subject), login, token["access_token"], token.get("refresh_token")
            )
        raise AssertionError("a token that no audience accepts")

    def resident(self, login: str = "lin", **changes: Any) -> Person:
        """A new resident, signed in."""
        answer = self.register(login, **changes)
        assert answer.status_code == 201, answer.text
        return self.sign_in(login)

    def hire(self, login: str, clinic: str = "河街卫生站") -> dict[str, str]:
        """A new doctor's credentials."""
        house = self.house
        with speaking_for("operator"):
            return house.db.write(
                lambda conn: identity.add_doctor(
                    conn,
                    house.system,
                    login=login,
                    name="周医生",
                    clinic=clinic,
                    now=house.clock(),
                    passwords=house.passwords,
                )
            )

    def doctor(self, login: str = "dr.zhou") -> Person:
        """A new doctor, signed in."""
        return self.sign_in(login, self.hire(login)["password"])

    def strong(self, person: Person) -> Person:
        """A doctor with a fresh token of somebody who proved themselves twice."""
        token = self.house.tokens.issue(
            subject=UUID(person.id),
            audience="doctor",
            scope=frozenset({"patients"}),
            auth_time=self.house.clock(),
            acr=2,
            family=new_id(),
            now=self.house.clock(),
        )
        return replace(person, access=token)

    def client(self) -> dict[str, str]:
        """A new city client's credentials."""
        house = self.house
        with speaking_for("operator"):
            return house.db.write(
                lambda conn: identity.add_client(
                    conn, house.system, role="city", name="Cockpit", now=house.clock()
                )
            )

    def city(self) -> Person:
        """A new city client, signed in."""
        answer = self.token(grant_type="client_credentials", **self.client())
        assert answer.status_code == 200, answer.text
        return self.person("city", answer.json())


@contextmanager
def town(settings: Settings, clock: Clock) -> Iterator[Town]:
    """A city of four divisions on empty databases, open for one test.

    The doors have a house of their own where they sign in to the data store by themselves.
    """
    lay_sqlite(settings)
    # What `prepare` does besides looking at the shape of both stores, which is the newest already.
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys.prepare(settings.kek_uri, settings.keys_url, data=settings.data, suite=settings.suite)
    (settings.data / REGIONS_FILE).write_text(json.dumps(REGIONS), "utf-8")
    house = build(settings, clock=clock, desk=True)
    alone = settings.desk_url == settings.data_store_url
    behind = house if alone else build(settings, clock=clock)
    try:
        with doors(create(behind)) as opened:
            here = Town(house, Validated(opened))
            try:
                yield here
            finally:
                here.beneath.dispose()
    finally:
        house.close()
        if behind is not house:
            behind.close()
