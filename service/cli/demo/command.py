"""`kangma demo`: a fictional city on this machine, served until interrupted."""

import json as codec
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.progress import Progress

from service.cli.demo import city, population, survey
from service.cli.demo.load import SetBack, doctor_of, move_in
from service.cli.demo.population import Person
from service.cli.printing import Json, answer, console
from service.cli.releases import publish_now
from service.cli.serve import run_server
from service.house import OUTLINES_FILE, REGIONS_FILE, House, build, prepare
from service.identity import actions as identity
from service.kit.clock import city_day, utc_now
from service.kit.settings import Settings

PASSWORD = "kangma-demo"  # noqa: S105 - fictional people, printed on the screen
GUIDE_FILE = "demo.json"
DOCTORS = [
    ("zhou", "周医生", "潮音社区卫生服务中心", "990101001"),
    ("lin", "林医生", "竹溪社区卫生服务中心", "990102002"),
    ("he", "何医生", "星湖社区卫生服务中心", "990103002"),
]

Residents = Annotated[int, typer.Option(help="How many fictional residents.", min=1)]
People = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="A survey file whose people to place instead."),
]
Port = Annotated[int, typer.Option(help="Port to listen on.")]
Build = Annotated[bool, typer.Option("--build-only", help="Make the city, do not serve it.")]


def demo(
    residents: Residents = 2000,
    people: People = None,
    port: Port = 8000,
    build_only: Build = False,
    json: Json = False,
) -> None:
    """Make a fictional city (once) and serve it on 127.0.0.1."""
    os.environ["KANGMA_PROFILE"] = "demo"
    # Browsers make passkeys for localhost without TLS, and for no other name.
    os.environ.setdefault("KANGMA_PUBLIC_URL", f"http://localhost:{port}")
    settings = Settings()
    guide = settings.data / GUIDE_FILE
    if not guide.exists():
        prepare(settings)
        facts = _make(settings, residents, people, quiet=json)
        guide.write_text(codec.dumps(facts, ensure_ascii=False), encoding="utf-8")
    facts = codec.loads(guide.read_text(encoding="utf-8"))
    if json:
        answer(facts, as_json=True)
    else:
        _show(facts, port)
    if not build_only:
        run_server("127.0.0.1", port, workers=1)


def _make(
    settings: Settings, count: int, survey_file: Path | None, *, quiet: bool
) -> dict[str, Any]:
    _write(settings.data / REGIONS_FILE, city.regions())
    _write(settings.data / OUTLINES_FILE, city.outlines())
    clock = SetBack()
    house = build(settings, clock=clock, desk=True)
    try:
        facts = _staff(house)
        yesterday = city_day(utc_now()) - timedelta(days=1)
        homes = [row["code"] for row in city.regions()["regions"] if row["level"] == "community"]
        if survey_file is None:
            newcomers = list(population.people(count, homes, yesterday))
        else:
            newcomers = list(survey.people(survey_file, homes, yesterday))
        with Progress(console=console, disable=quiet) as progress:
            task = progress.add_task("Residents move in 居民入住", total=len(newcomers) + 1)
            move_in(
                house,
                clock,
                newcomers,
                password_hash=house.passwords.hash(PASSWORD),
                doctors=[UUID(one["practitioner_id"]) for one in facts["doctors"]],
                arrived=lambda number: progress.advance(task, number),
            )
            clock.back = timedelta(0)
            facts["release"] = publish_now(house, _last_cut_off())["release_id"]
            progress.advance(task)
        guide = _guide(newcomers)
        facts["residents"] = len(newcomers)
        facts["resident"] = {"login": guide.login, "name": guide.name, "password": PASSWORD}
        facts["doctor"] = facts["doctors"][doctor_of(guide, len(facts["doctors"]))]
        return facts
    finally:
        house.close()


def _guide(people: Sequence[Person]) -> Person:
    """The resident whose credentials are shown: signed, and with something to gain."""
    this_year = utc_now().year
    return next(
        (
            person
            for person in people
            if person.contract
            and 35 <= this_year - person.birth_date.year <= 60
            and any(
                r.get("values", {}).get("smoking_status") == "every day" for r in person.records
            )
        ),
        people[0],
    )


def _smokes(record: dict[str, Any]) -> bool:
    values = record.get("values", {})
    return bool(values.get("smoking_status") == "every day")


def _staff(house: House) -> dict[str, Any]:
    """Three doctors and the city's client, with their credentials for the guide."""
    doctors = []
    for login, name, clinic, region in DOCTORS:
        made = house.db.write(
            lambda conn, login=login, name=name, clinic=clinic, region=region: identity.add_doctor(  # type: ignore[misc]  # mypy cannot infer lambdas with defaults
                conn,
                house.system,
                login=login,
                name=name,
                clinic=clinic,
                region=region,
                now=house.clock(),
                password=PASSWORD,
                passwords=house.passwords,
            )
        )
        doctors.append({**made, "name": name})
    client = house.db.write(
        lambda conn: identity.add_client(
            conn, house.system, role="city", name="望澜市健康办", now=house.clock()
        )
    )
    return {"doctors": doctors, "city": client}


def _last_cut_off() -> datetime:
    """The day to publish for: the end of last year, so that the demonstration has a release."""
    return datetime(utc_now().year - 1, 12, 31, tzinfo=UTC)


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(codec.dumps(document, ensure_ascii=False), encoding="utf-8")


def _show(facts: dict[str, Any], port: int) -> None:
    base = f"http://127.0.0.1:{port}"
    resident, doctor, client = facts["resident"], facts["doctor"], facts["city"]
    console.print(f"\n  望澜市 Wanglan City: {facts['residents']} fictional residents\n")
    rows = [
        ("resident 居民", f"{resident['login']}  {resident['password']}", resident["name"]),
        ("doctor 医生", f"{doctor['login']}  {doctor['password']}", doctor["name"]),
        ("city 城市", f"{client['client_id']}  {client['client_secret']}", facts["release"]),
    ]
    for role, credentials, note in rows:
        console.print(f"  {role:<12} {credentials}  {note}", markup=False, soft_wrap=True)
    console.print(f"\n  {base}/docs   every operation, to try by hand")
    console.print("  Ctrl-C stops it; a second start finds the same city.\n")
