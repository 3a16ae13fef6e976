"""Each of the four walls of consent stops an attack that no other wall stops.

Every attack runs twice: on the whole house, where it fails, and with one wall taken away, where the
very same attack succeeds. So whoever takes a wall out of the service breaks the test of that wall,
and the other three are seen not to stand in for it. On PostgreSQL the service runs as a login that
owns nothing, behind all four; SQLite has the first three.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import Connection, text

from consent.decision import Permit, PermitForged
from consent.request import Actor
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, DataClass, Purpose
from service.grants import actions as grants
from service.grants import gate
from service.house import House, build
from service.kit.audience import Audience, speaking_for
from service.kit.guard import NoPermit
from service.kit.sealed import Sealed
from service.kit.settings import Settings
from service.records import parts, store
from tests import wall_slips as slips
from tests.house_room import Person, Town, town
from tests.standing_room import NOW, PRESSURE, settings
from tests.walled_room import plain

pytestmark = pytest.mark.walled
SHOWN = ["body", "lifestyle"]
MOOD = {"kind": "observation", "start": "2026-11-18T08:00:00+08:00", "values": {"phq9_total": 14}}
STEPS = {"measure": "steps", "day": "2026-11-19", "t": [0, 60], "v": [5, 7]}
READS = ["", "/records", "/series/steps"]
"""What a doctor may ask about one patient, each with data statements of its own."""


@dataclass(frozen=True)
class Place:
    """A town behind its walls, and how its stores are reached."""

    town: Town
    where: Settings

    @property
    def house(self) -> House:
        return self.town.house

    @property
    def is_postgresql(self) -> bool:
        return self.house.db.dialect == "postgresql"


@dataclass(frozen=True)
class Patient:
    """Somebody who lets their doctor see `SHOWN`, and has a record of the mood beside."""

    place: Place
    person: Person
    doctor: Person
    grant: UUID

    @property
    def id(self) -> UUID:
        return UUID(self.person.id)

    def seen(self, path: str = "/records") -> httpx.Response:
        """What the doctor is answered."""
        address = f"/v1/doctor/patients/{self.id}{path}"
        return self.place.town.doors.get(address, headers=self.doctor.headers)

    def withdraw(self) -> None:
        doors, address = self.place.town.doors, f"/v1/me/grants/{self.grant}"
        assert doors.delete(address, headers=self.person.headers).status_code < 300


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("walls")
    with ExitStack() as stack:
        where = settings(folder, request.param, stack)
        yield Place(stack.enter_context(town(where, lambda: NOW)), where)


@pytest.fixture(scope="module")
def doctor(place: Place) -> Person:
    with speaking_for("operator"):
        return place.town.doctor()


@pytest.fixture
def patient(place: Place, doctor: Person) -> Patient:
    return signed(place, doctor)


@pytest.fixture
def other(place: Place) -> Person:
    """Somebody who has a record and never met the doctor."""
    return lived_in(place.town)


def lived_in(here: Town) -> Person:
    """Somebody with two records, one of them of the mood, and some steps."""
    who = here.resident(uuid4().hex)
    for path, body in (
        ("/v1/me/records", {"records": [PRESSURE, MOOD]}),
        ("/v1/me/series", {"series": [STEPS]}),
    ):
        answer = here.doors.post(path, json=body, headers=who.headers)
        assert {one["status"] for one in answer.json()["results"]} == {"created"}, answer.text
    return who


def signed(place: Place, doctor: Person) -> Patient:
    who = lived_in(place.town)
    wish = {"doctor_id": doctor.id, "package": "basic", "data_classes": SHOWN}
    made = place.town.doors.post("/v1/me/contract", json=wish, headers=who.headers)
    assert made.status_code == 201, made.text
    return Patient(place, who, doctor, UUID(made.json()["grant_id"]))


def decided(conn: Connection, house: House, doctor: Person, about: UUID) -> Permit | None:
    """What the gate hands this doctor for a look at somebody."""
    return gate.admit(
        conn,
        house.vault,
        actor=Actor(ActorKind.PRACTITIONER, doctor.id),
        subject=about,
        purpose=Purpose.CARE,
        action=Action.READ,
        classes=ALL_CLASSES,
        now=NOW,
    ).permit


class _Undone(Exception):
    """Ends an attack that changed something; it carries what the attack achieved."""


def attacking(house: House, audience: Audience, attack: Callable[[Connection], Any]) -> Any:
    """What `attack` achieves through the service's own connection; nothing of it is kept."""

    def job(conn: Connection) -> None:
        raise _Undone(attack(conn))

    with speaking_for(audience), pytest.raises(_Undone) as told:
        house.db.write(job)
    return told.value.args[0]


# -- wall 1: the permit, and the keys of its classes ----------------------------------------------


def test_wall_1_keeps_classes_shut_that_a_list_forgot_to_leave_out(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert patient.seen().json()["items"][0]["values"] == PRESSURE["values"]
    slips.list_every_class(monkeypatch)
    told = patient.seen()
    assert (told.status_code, told.json()["code"]) == (500, "integrity")
    assert "phq9" not in told.text

    slips.without_classes_of_permits(monkeypatch)
    assert [one["values"] for one in patient.seen().json()["items"]] == [
        PRESSURE["values"],
        MOOD["values"],
    ]


def test_wall_1_takes_no_permit_that_was_made_wider(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = patient.place.house

    def read(conn: Connection) -> list[bytes]:
        """Every value of the patient's, under a permit whose classes were changed by force."""
        genuine = decided(conn, house, patient.doctor, patient.id)
        assert genuine is not None
        assert DataClass.MENTAL not in genuine.classes
        permit = slips.widened(genuine)
        tags = list(parts.tags_of(house.vault, permit))
        rows = store.newest(conn, permit, tags, low=-(2**31), high=2**31 - 1, most=9)
        assert len(rows) == 2
        sealed = [Sealed(row.sealed, parts.place_of(patient.id, row)) for row in rows]
        return house.vault.open_many(sealed, permit)

    with speaking_for("doctor"), pytest.raises(PermitForged):
        house.db.read(read)

    slips.without_seals_of_permits(monkeypatch)
    assert any(b"phq9_total" in value for value in attacking(house, "doctor", read))


# -- wall 2: the consent revision, in the statement that reads ------------------------------------


@pytest.mark.parametrize("path", READS)
def test_wall_2_wins_over_a_decision_that_somebody_remembered(
    place: Place, doctor: Person, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    slips.remember_decisions(monkeypatch, seconds=60)

    def late() -> httpx.Response:
        patient = signed(place, doctor)
        assert patient.seen(path).status_code == 200
        patient.withdraw()
        return patient.seen(path)

    told = late()
    assert (told.status_code, told.json()["rule"]) == (403, "withdrawn")

    slips.without_consent_revision(monkeypatch)
    assert late().status_code == 200


@pytest.mark.parametrize("path", READS)
def test_wall_2_wins_when_the_withdrawal_comes_between_decision_and_read(
    place: Place, doctor: Person, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """On PostgreSQL only: SQLite has one writer at a time, and a look writes its entry."""
    if not place.is_postgresql:
        pytest.skip("nothing comes between the statements of a look on SQLite")
    elsewhere = build(place.where, clock=lambda: NOW)
    deciding = gate.admit_look
    about = signed(place, doctor)

    def withdraw(conn: Connection) -> None:
        permit = gate.own(conn, elsewhere.vault, resident=about.id, action=Action.MANAGE, now=NOW)
        grants.withdraw(conn, elsewhere.vault, permit, about.grant, now=NOW)

    def overtaken(*given: Any, **named: Any) -> Any:
        found = deciding(*given, **named)
        assert found[1].allow
        with speaking_for("resident"):
            elsewhere.db.write(withdraw)
        return found

    monkeypatch.setattr(gate, "admit_look", overtaken)
    try:
        told = about.seen(path)
        assert (told.status_code, told.json()["rule"]) == (403, "withdrawn")

        slips.without_consent_revision(monkeypatch)
        about = signed(place, doctor)
        assert about.seen(path).status_code == 200
    finally:
        elsewhere.close()


# -- wall 3: the guard of every connection --------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    ["SELECT resident_id FROM record_parts", "DELETE FROM record_parts RETURNING resident_id"],
)
def test_wall_3_stops_a_statement_that_names_nobody(
    patient: Patient, other: Person, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    """Raw SQL in a doctor's job, under a genuine permit of one patient."""
    house = patient.place.house

    def attack(conn: Connection) -> set[bytes]:
        assert decided(conn, house, patient.doctor, patient.id) is not None
        return {bytes(row[0]) for row in conn.execute(text(statement))}

    with speaking_for("doctor"), pytest.raises(NoPermit):
        house.db.write(attack)

    slips.without_guard(monkeypatch)
    reached = attacking(house, "doctor", attack)
    if patient.place.is_postgresql:
        # All rows of the one whom the permit is about; wall 4 still keeps everybody else's.
        assert reached == {patient.id.bytes}
    else:
        assert reached >= {patient.id.bytes, UUID(other.id).bytes}


def test_wall_3_keeps_data_shut_while_a_decision_is_only_being_asked(
    place: Place, doctor: Person, other: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate was asked about somebody and refused: their policy was read, their data is not."""
    subject = UUID(other.id)
    statement = text("SELECT sealed_profile FROM residents WHERE resident_id = :who")

    def attack(conn: Connection) -> int:
        assert decided(conn, place.house, doctor, subject) is None
        return len(conn.execute(statement, {"who": subject.bytes}).all())

    with speaking_for("doctor"), pytest.raises(NoPermit):
        place.house.db.read(attack)

    slips.without_guard(monkeypatch)
    assert attacking(place.house, "doctor", attack) == 1


# -- wall 4: row-level security of PostgreSQL -----------------------------------------------------


@pytest.fixture
def owner(place: Place) -> str:
    if not place.is_postgresql:
        pytest.skip("SQLite has no row-level security")
    return place.where.owning_url


@pytest.mark.parametrize(
    "statement",
    ["SELECT sealed FROM record_parts WHERE {}", "DELETE FROM record_parts WHERE {}"],
)
def test_wall_4_stops_a_connection_below_the_guard(
    place: Place, owner: str, patient: Patient, other: Person, statement: str
) -> None:
    """The driver alone, as the service's login, in the role of residents, told of one of them."""
    filled = statement.format("resident_id = %s")

    def reached(whose: UUID) -> int:
        url = place.where.data_store_url
        with closing(plain(url)) as conn, conn.transaction(force_rollback=True):
            conn.execute("SET LOCAL ROLE kangma_resident")
            told = f'{{"\\\\x{patient.id.hex}"}}'
            conn.execute("SELECT set_config('kangma.subjects', %s, true)", (told,))
            return conn.execute(filled, (whose.bytes,)).rowcount

    assert reached(patient.id) == 2
    assert reached(UUID(other.id)) == 0
    with slips.without_row_security(owner, "record_parts"):
        assert reached(UUID(other.id)) == 2
    assert reached(UUID(other.id)) == 0


def test_wall_4_sees_what_no_text_of_a_statement_tells(
    place: Place, owner: str, patient: Patient, other: Person
) -> None:
    """Through the service's own connection, past its guard, which reads the text."""
    harmless = f"harmless_{uuid4().hex}"
    with closing(plain(owner)) as conn:
        conn.execute(
            f"CREATE FUNCTION {harmless}() RETURNS SETOF bytea LANGUAGE sql"
            " AS 'SELECT resident_id FROM record_parts'".encode()
        )

    def attack(conn: Connection) -> set[bytes]:
        assert decided(conn, place.house, patient.doctor, patient.id) is not None
        return {bytes(row[0]) for row in conn.execute(text(f"SELECT {harmless}()"))}

    assert attacking(place.house, "doctor", attack) == {patient.id.bytes}
    with slips.without_row_security(owner, "record_parts"):
        assert attacking(place.house, "doctor", attack) >= {patient.id.bytes, UUID(other.id).bytes}
    assert attacking(place.house, "doctor", attack) == {patient.id.bytes}
