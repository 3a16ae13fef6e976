"""What a person is and measures stays out of logs, metrics, problems and exceptions.

A person with values nobody else has goes through every operation: once while all is well, once
while each table of the data store is missing in turn, once while opening any sealed value fails
with that value in the exception. Then everything that was written down meanwhile is searched.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import SQLAlchemyError

from consent.decision import Permit
from service.identity.tables import practitioners
from service.keys.vault import Vault
from service.kit.engines import metadata
from service.kit.sealed import Sealed
from tests import family_room as family
from tests.guarded_room import statements_heard
from tests.house_room import Person
from tests.security.asks import (
    BORN,
    CANARIES,
    DECLARED,
    DEVICE,
    ENDING,
    LOGIN,
    NAME,
    NOTE,
    PASSWORD,
    PRESSURE,
    SIGNED,
    SUFFIX,
    WEIGHT,
    Ask,
    asks,
    record,
)
from tests.standing_room import Standing, everything_logged, standing, ward


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def here(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("leaks"), request.param) as opened:
        opened.town.register(LOGIN, password=PASSWORD, name=NAME, birth_date=BORN)
        gan = opened.town.sign_in(LOGIN, PASSWORD)
        doors = opened.town.doors
        wish = {"doctor_id": opened.doctor.id, "package": "basic", "data_classes": SIGNED}
        signed = doors.post("/v1/me/contract", json=wish, headers=gan.headers)
        logged = doors.post("/v1/me/records", json={"records": [record()]}, headers=gan.headers)
        yield Standing(
            opened.town,
            gan,
            opened.doctor,
            opened.city,
            signed.json()["grant_id"],
            logged.json()["results"][0]["id"],
            opened.release,
            ward(opened.town, gan, opened.doctor),
        )


TOOK = re.compile(r"(?<=_seconds_sum)(.*) [^ ]+$", re.MULTILINE)
"""How long all requests together took: any digits may be among them by chance."""


def send(here: Standing, ask: Ask) -> httpx.Response:
    person = here.person(ask.audience)
    options = dict(ask.options)
    headers = {**options.pop("headers", {}), **(person.headers if person else {})}
    return here.town.doors.request(ask.method, ask.path, headers=headers, **options)


def send_all(
    here: Standing,
    chosen: Callable[[int, Ask], bool] = lambda place, ask: True,
    note: Callable[[int, Ask], None] = lambda place, ask: None,
) -> dict[str, list[int]]:
    """The statuses of every operation chosen. No problem and no header repeats a canary."""
    shown = here.town.doors.get("/v1/me/code", headers=here.resident.headers)
    token = shown.json().get("token", "none")
    statuses: dict[str, list[int]] = {}
    for place, ask in enumerate(asks(here, token)):
        if not chosen(place, ask):
            continue
        try:
            answer = send(here, ask)
        except httpx.RemoteProtocolError:
            # A stream that had begun can only be cut short; what it had told was its owner's.
            statuses.setdefault(ask.name, []).append(500)
            continue
        finally:
            note(place, ask)
        statuses.setdefault(ask.name, []).append(answer.status_code)
        if answer.status_code >= 400:
            assert found_in(answer.text) == [], ask
        assert found_in(str(answer.headers.multi_items())) == [], ask
    return statuses


def of_people(_: int, ask: Ask) -> bool:
    """Whether a person is behind the request, and nobody else was asked the same for them."""
    if ask.audience not in {"resident", "doctor"} and ask.method == "GET":
        return False
    return not ask.name.endswith(SUFFIX) or ask.name in SAMPLE


SAMPLE = {f"{name}{SUFFIX}" for name in ("get_me", "log_records", "list_access_log", "get_grant")}
"""The same functions served them for the resident; what differs is who asks."""


def found_in(written: str) -> list[str]:
    return [canary for canary in CANARIES if canary in written]


@contextmanager
def nothing_leaks(here: Standing, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Log lines, both standard streams and the metrics of all that happens inside are clean."""
    capfd.readouterr()
    with everything_logged() as pages:
        yield
    assert found_in(pages.getvalue()) == []
    streams = capfd.readouterr()
    assert found_in(streams.out + streams.err) == []
    metrics = here.town.doors.get("/metrics")
    assert metrics.status_code == 200
    assert "kangma_requests_total" in metrics.text
    assert found_in(TOOK.sub(r"\1", metrics.text)) == []


def test_every_operation_is_asked(here: Standing) -> None:
    assert {ask.name for ask in asks(here, "none")} == DECLARED - ENDING


def test_while_all_is_well(here: Standing, capfd: pytest.CaptureFixture[str]) -> None:
    with nothing_leaks(here, capfd):
        statuses = send_all(here)
    assert max(max(each) for each in statuses.values()) < 500
    # The search would find nothing either if nothing had been served.
    seen = here.town.doors.get("/v1/me/records", headers=here.resident.headers)
    assert {NOTE, DEVICE, str(WEIGHT), str(PRESSURE)} <= set(found_words(seen.text))
    served = {name for name, each in statuses.items() if min(each) < 300}
    assert len(served) > 50, set(statuses) - served


def found_words(written: str) -> list[str]:
    return [word for word in (NOTE, DEVICE, str(WEIGHT), str(PRESSURE)) if word in written]


def test_while_tables_are_missing(here: Standing, capfd: pytest.CaptureFixture[str]) -> None:
    """A real failure of the database in every operation, with the driver's own message.

    While a table is away only those are asked whose statements named it while all was well: to
    the others nothing is missing, and `test_while_all_is_well` has heard them out.
    """
    failed: set[str] = set()
    touched = tables_by_place(here)
    # A process asks about revocations first, so without that table nothing further is reached.
    missing = sorted(set(metadata.tables) - {"revocations"} - PUBLISHED)
    with nothing_leaks(here, capfd):
        for name in missing:
            with without(here, name):
                statuses = send_all(here, partial(_is_touched, touched, name))
            failed |= {ask for ask, each in statuses.items() if max(each) >= 500}
    assert {"log_records", "list_records", "get_prompt", "list_panel", "get_patient"} <= failed
    assert {"register", "issue_token", "give_grant", "list_access_log", "append_series"} <= failed


def _is_touched(touched: Mapping[int, frozenset[str]], table: str, place: int, _: Ask) -> bool:
    return table in touched.get(place, ())


def tables_by_place(here: Standing) -> dict[int, frozenset[str]]:
    """The tables that the statements of each request named, by the request's place in the row."""
    found: dict[int, frozenset[str]] = {}
    named: set[str] = set()

    def note(place: int, _: Ask) -> None:
        found[place] = frozenset(named & set(metadata.tables))
        named.clear()

    with statements_heard(lambda text: named.update(re.findall(r"\w+", text))):
        send_all(here, of_people, note)
    return found


PUBLISHED = {name for name in metadata.tables if name.startswith(("release", "budget"))}
"""What anybody may read holds nothing of a person."""


@contextmanager
def without(here: Standing, table: str) -> Iterator[None]:
    engine = here.town.beneath
    with engine.begin() as conn:
        conn.execute(text(f"ALTER TABLE {table} RENAME TO away"))
    try:
        yield
    finally:
        with engine.begin() as conn:
            conn.execute(text(f"ALTER TABLE away RENAME TO {table}"))


def test_while_opening_a_value_fails_with_the_value(
    here: Standing, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bytes] = []
    open_ = Vault.open

    def spill(vault: Vault, sealed: Sealed, permit: Permit) -> bytes:
        opened.append(open_(vault, sealed, permit))
        raise ValueError(opened[-1].decode("utf-8", "replace"), permit)

    monkeypatch.setattr(Vault, "open", spill)
    with nothing_leaks(here, capfd):
        statuses = send_all(here)
    assert NAME.encode() in b"".join(opened)
    assert {500} <= {status for each in statuses.values() for status in each}


def test_an_exception_of_the_database_names_no_value(here: Standing) -> None:
    """Two rows of one key: the driver complains, and SQLAlchemy would print what was bound."""
    row = {"practitioner_id": None, "name": NAME, "clinic": NOTE}
    for values in (row, {**row, "no_such_column": WEIGHT}):
        with pytest.raises(SQLAlchemyError) as failure:
            here.town.house.db.write(lambda conn, v=values: conn.execute(insert(practitioners), v))
        assert found_in(str(failure.value)) == []
        assert found_in(repr(failure.value)) == []


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_the_end_of_a_person_and_of_their_child_is_quiet_too(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], store: str
) -> None:
    """Every operation that ends something, first while a table is missing, then for good."""
    with standing(tmp_path, store) as opened:
        endings = everything_to_end(opened)
        assert {name for name, _, _ in endings} == ENDING
        with nothing_leaks(opened, capfd):
            with without(opened, "resident_state"):
                assert {ended(opened, path, who).status_code for _, path, who in endings} == {500}
            for name, path, who in endings:
                assert ended(opened, path, who).is_success, name


def everything_to_end(opened: Standing) -> list[tuple[str, str, Person]]:
    """Names, addresses and people of the ends of a resident and of their child, in an order in
    which each finds what it ends."""
    town = opened.town
    town.register(LOGIN, password=PASSWORD, name=NAME, birth_date=BORN)
    gan, other = town.sign_in(LOGIN, PASSWORD), town.resident("other guardian")
    child = family.begin(town, gan, name=NAME)
    child.joined_by(other)
    found = []
    for root, suffix in ((child.path, SUFFIX), ("/v1/me", "")):
        grant = told(opened, root, gan)
        ends = {"withdraw_grant": f"/grants/{grant}", "end_contract": "/contract"}
        ends |= {"erase_class": "/data-classes/body"}
        found += [(f"{name}{suffix}", f"{root}{rest}", gan) for name, rest in ends.items()]
        if suffix:
            found.append(("leave_child", root, other))
        found.append((f"erase_me{suffix}", f"{root}/file" if suffix else root, gan))
    return found


def told(opened: Standing, root: str, who: Person) -> str:
    """A record with every canary and a contract are made there; answers the grant's id."""
    doors = opened.town.doors
    logged = doors.post(f"{root}/records", json={"records": [record()]}, headers=who.headers)
    assert logged.json()["results"][0]["status"] == "created", logged.text
    wish = {"doctor_id": opened.doctor.id, "package": "basic", "data_classes": SIGNED}
    signed = doors.post(f"{root}/contract", json=wish, headers=who.headers)
    assert signed.status_code == 201, signed.text
    return str(signed.json()["grant_id"])


def ended(opened: Standing, path: str, who: Person) -> httpx.Response:
    answer = opened.town.doors.delete(path, headers=who.headers)
    assert found_in(str(answer.headers.multi_items())) == []
    if answer.status_code >= 400:
        assert found_in(answer.text) == []
    return answer
