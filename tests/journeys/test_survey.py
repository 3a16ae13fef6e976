"""6,337 real people through the front door of a running server, checked against the plain file.

The ordinary run takes every fiftieth person; `./run test --all` takes all of them. Both run on
SQLite and on PostgreSQL, through HTTP, with what the file holds: mg/dL, three readings, missing
values. Every check is made in both; how many people there are changes none of them.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from consent.vocabulary import Action
from kangma_client import AsyncClient, Client, NotFound, Refused, Unauthenticated
from service.cli.demo import city
from service.contributions import actions as contributions
from service.grants import gate
from service.house import build
from service.kit.errors import ServiceError
from tests.journeys.server import Installation, install, serving
from tests.journeys.survey import Participant, participants

PASSWORD = "survey password 1"
AT_ONCE = 12
HOMES = [row["code"] for row in city.regions()["regions"] if row["level"] == "community"]
STATISTICS = {
    "grantee": {"kind": "service", "id": "statistics"},
    "purposes": ["statistics"],
    "data_classes": ["lifestyle", "body", "screening", "conditions"],
    "separate_consent": True,
}
CARE_CLASSES = ["lifestyle", "body", "screening"]


@dataclass
class Outcome:
    """What became of one participant at the service."""

    person: Participant
    client: AsyncClient
    resident: str
    statuses: Counter[str] = field(default_factory=Counter)
    bmi: str | None = None
    blood_pressure: str | None = None
    signed: bool = False
    consents: bool = False
    withdrew: bool = False

    @property
    def home(self) -> str:
        return HOMES[self.person.number % len(HOMES)]


def today() -> date:
    return datetime.now(UTC).date()


async def _each(
    people: list[Participant], act: Callable[[Participant], Awaitable[Outcome]]
) -> list[Outcome]:
    """Run `act` for everybody, a few at a time."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(person: Participant) -> Outcome:
        async with limit:
            return await act(person)

    return await asyncio.gather(*(one(person) for person in people))


async def _live(url: str, people: list[Participant], doctor: str) -> list[Outcome]:
    """Register, sign in, log everything, agree or not, read the prompt."""
    pool = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=AT_ONCE))

    async def act(person: Participant) -> Outcome:
        client = AsyncClient(url, transport=pool, timeout=120)
        made = await client.register(
            login=person.login,
            password=PASSWORD,
            name=f"参与者{person.number}",
            birth_date=person.birth_date(today()).isoformat(),
            sex=person.sex,
            region=HOMES[person.number % len(HOMES)],
        )
        outcome = Outcome(person, client, made["resident_id"])
        await client.sign_in(person.login, PASSWORD)
        answer = await client.me.log(list(person.records(today())))
        outcome.statuses = Counter(result["status"] for result in answer["results"])
        rejected = [r["problem"] for r in answer["results"] if r["status"] == "rejected"]
        assert all(problem["errors"][0]["pointer"] for problem in rejected)
        if person.number % 3 == 0:
            await client.me.sign(doctor, "基础包", CARE_CLASSES)
            outcome.signed = True
        if person.number % 2 == 0:
            grant = await client.me.give(STATISTICS)
            outcome.consents = True
            if person.number % 10 == 0:
                await client.me.withdraw(grant["id"])
                outcome.consents, outcome.withdrew = False, True
        prompt = await client.me.prompt()
        models = {model["model"]: model for model in prompt["models"]}
        outcome.bmi = _term(models, "cn_body_size", "bmi")
        outcome.blood_pressure = _term(models, "cn_bp_grade_and_cv_stratification", "grade")
        return outcome

    outcomes = await _each(people, act)
    await pool.aclose()
    return outcomes


def _term(models: dict[str, Any], name: str, term: str) -> str | None:
    return models[name]["terms"].get(term) if name in models else None


@pytest.fixture(
    params=[
        pytest.param(100, id="every-hundredth"),
        pytest.param(1, id="everybody", marks=pytest.mark.slow),
    ]
)
def people(request: pytest.FixtureRequest, shared: Path) -> list[Participant]:
    return participants(shared / "people" / "nhanes_2021_2023.tsv", every=request.param)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_real_people_through_the_front_door(
    people: list[Participant], database_url: str, keystore_url: str, tmp_path: Path
) -> None:
    installation = install(tmp_path, database_url, keystore_url)
    doctor = installation.kangma(
        "people", "add-doctor", "--login", "zhou", "--name", "周医生", "--clinic", "潮音"
    )
    client = installation.kangma("people", "add-client", "--role", "city", "--name", "市平台")
    with serving(installation, workers=2):
        outcomes = asyncio.run(_live(installation.url, people, doctor["practitioner_id"]))
        _check_records(outcomes)
        _check_categories(outcomes)
        _check_doctor(installation, outcomes, doctor)
        release = installation.kangma("releases", "publish", "--as-of", f"{today().year}-01-01")
        _check_release(installation, outcomes, client, release["release_id"])
        _check_contributions(installation, outcomes)
        _check_erasure(installation, outcomes)


def _check_records(outcomes: list[Outcome]) -> None:
    """Nothing is lost: accepted plus rejected is what was sent, and rejected is what is missing."""
    total = sum((outcome.statuses for outcome in outcomes), Counter())
    assert set(total) <= {"created", "rejected"}
    sent = sum(len(list(outcome.person.records(today()))) for outcome in outcomes)
    assert total["created"] + total["rejected"] == sent
    for outcome in outcomes:
        assert outcome.statuses["rejected"] == outcome.person.expected_rejections()


def _check_categories(outcomes: list[Outcome]) -> None:
    """Each person's categories are those of the plain file, so the distributions are too."""
    for outcome in outcomes:
        person = outcome.person
        assert outcome.bmi == person.bmi_category(), person.row["SEQN"]
        assert outcome.blood_pressure == person.blood_pressure_grade(), person.row["SEQN"]


def _check_doctor(
    installation: Installation, outcomes: list[Outcome], credentials: dict[str, Any]
) -> None:
    """The panel holds the signed and nobody else; a look is in the log; an end is an end."""
    signed = {outcome.resident for outcome in outcomes if outcome.signed}
    stranger = next(outcome for outcome in outcomes if not outcome.signed)
    with Client(installation.url, language="en") as doctor:
        doctor.sign_in(credentials["login"], credentials["password"])
        panel = list(doctor.doctor.panel(page_size=500))
        assert {row["patient_id"] for row in panel} == signed
        levels = [row["level"] or 0 for row in panel]
        assert levels == sorted(levels, reverse=True)
        patient = next(outcome for outcome in outcomes if outcome.signed)
        seen = doctor.doctor.patient(patient.resident)
        assert {one["data_class"] for one in seen["withheld"]} >= {"mental", "genetic"}
        measures = {code for r in doctor.doctor.records(patient.resident) for code in r["values"]}
        assert "phq9_total" not in measures
        with pytest.raises(NotFound):
            doctor.doctor.patient(stranger.resident)
        with Client(installation.url) as resident:
            resident.sign_in(patient.person.login, PASSWORD)
            entry = next(iter(resident.me.access_log()))
            assert "周医生" in str(entry)
            resident.me.end_contract()
        with pytest.raises(Refused) as refused:
            doctor.doctor.patient(patient.resident)
        assert refused.value.rule


def _check_release(
    installation: Installation,
    outcomes: list[Outcome],
    credentials: dict[str, Any],
    release_id: str,
) -> None:
    """Published shares of body size and blood pressure lie where the true counts are."""
    with Client(installation.url) as office:
        office.sign_in_client(credentials["client_id"], credentials["client_secret"])
        cells = list(office.city.cells(release_id, metric="bmi", level="district"))
        cells += list(office.city.cells(release_id, metric="bmi", level="city"))
        with pytest.raises((Refused, Unauthenticated, NotFound)):
            office.me.prompt()
    truth: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        if outcome.consents:
            category = outcome.person.bmi_category() or "unknown"
            truth[outcome.home[:6], category] += 1
            truth[city.CITY, category] += 1
    totals = [cell for cell in cells if cell["sex"] == "all" and cell["age"] == "all"]
    # The city, its districts, and whoever told no district.
    assert len(totals) == 5 * (1 + len(city.DISTRICTS) + 1)
    inside = [
        cell["low"] <= truth[cell["region"], cell["category"]] <= cell["high"] for cell in totals
    ]
    # 25 intervals of 95 %: fewer than 16 hits happen once in some million honest releases.
    assert sum(inside) >= 16


def _check_contributions(installation: Installation, outcomes: list[Outcome]) -> None:
    """Those who never agreed, and those who withdrew, are in no contribution."""
    house = build(installation.settings())
    try:
        key = house.system.secret("statistics")
        counted = {
            outcome.resident: house.db.read(
                lambda conn, login=outcome.person.login: contributions.contributes(  # type: ignore[misc]  # mypy cannot infer lambdas with defaults
                    conn,
                    statistics_key=key,
                    identity=house.system.blind_index("login", login),
                )
            )
            for outcome in outcomes
        }
    finally:
        house.close()
    for outcome in outcomes:
        assert counted[outcome.resident] == outcome.consents


def _check_erasure(installation: Installation, outcomes: list[Outcome]) -> None:
    """After one resident is erased nothing of theirs opens; everybody else's does."""
    gone, stays = outcomes[1], outcomes[2]
    with Client(installation.url) as resident:
        resident.sign_in(gone.person.login, PASSWORD)
        receipt = resident.me.erase()
        assert receipt["receipt"].count(".") == 2
        with pytest.raises(Unauthenticated):
            resident.me.profile()
        with pytest.raises(Unauthenticated):
            resident.sign_in(gone.person.login, PASSWORD)
    house = build(installation.settings())
    try:
        for outcome in (gone, stays):
            opened = _opens(house, outcome.resident)
            assert opened == (outcome is stays)
    finally:
        house.close()
    with Client(installation.url) as other:
        other.sign_in(stays.person.login, PASSWORD)
        assert other.me.prompt()["models"]
        assert len(list(other.me.records())) == stays.statuses["created"]


def _opens(house: Any, resident: str) -> bool:
    from uuid import UUID

    from service.residents import actions as residents

    def job(conn: Any) -> None:
        permit = gate.own(
            conn,
            house.vault,
            resident=UUID(resident),
            action=Action.READ,
            now=house.clock(),
        )
        residents.profile(conn, house.vault, permit)

    try:
        house.db.read(job)
    except ServiceError:
        return False
    return True
