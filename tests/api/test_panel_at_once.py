"""A doctor looks at the panel while a resident corrects, withdraws or erases in another process."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import Connection

from service.kit.settings import Settings
from service.panel import actions as panel
from service.panel import store
from service.records import actions as records
from tests.asgi import Doors
from tests.conftest import MovingClock
from tests.doctor_room import ok, sign
from tests.house_room import Person, Town, town
from tests.meanwhile import PATIENCE, Meanwhile
from tests.record_room import pressures

Act = Callable[[], httpx.Response]


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def signed(here: Town) -> tuple[Person, Person, list[dict[str, object]]]:
    """A resident with high pressures, and the doctor whose card of them is behind by now."""
    lin, zhou = here.resident("lin"), here.doctor()
    sign(here, lin, zhou, "body")
    kept = log(here, lin, 165, 102)
    # A prompt takes a revision and makes no card anew.
    ok(here.doors.get("/v1/me/prompt", headers=lin.headers))
    return lin, zhou, kept


def log(here: Town, who: Person, systolic: float, diastolic: float) -> list[dict[str, object]]:
    batch = {"records": pressures(systolic, diastolic)}
    answer = ok(here.doors.post("/v1/me/records", json=batch, headers=who.headers))
    results: list[dict[str, object]] = answer["results"]
    return results


def shown(here: Town, doctor: Person) -> list[int | None]:
    """The levels on the doctor's panel."""
    panel = ok(here.doors.get("/v1/doctor/panel", headers=doctor.headers))
    return [row["level"] for row in panel["items"]]


def looked_meanwhile(
    here: Town, doctor: Person, act: Act, monkeypatch: pytest.MonkeyPatch
) -> httpx.Response:
    """What `act` answers, which begins while a look is about to keep the cards it made."""
    meanwhile = Meanwhile(here.beneath, act)
    monkeypatch.setattr(store, "keep", meanwhile.before(store.keep))
    shown(here, doctor)
    return meanwhile.result()


def cards(here: Town, who: Person) -> int:
    query = "SELECT count(*) FROM panel_cards WHERE resident_id = %s"
    with here.beneath.connect() as conn:
        return int(conn.exec_driver_sql(query, (UUID(who.id).bytes,)).scalar_one())


def test_no_level_is_held_of_what_was_corrected_meanwhile(
    here: Town, there: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin, zhou, kept = signed(here)
    right = pressures(118, 76)
    batch = {"records": [new | {"id": old["id"]} for new, old in zip(right, kept, strict=True)]}
    answer = looked_meanwhile(
        here,
        zhou,
        lambda: there.post("/v1/me/records", json=batch, headers=lin.headers),
        monkeypatch,
    )
    corrected = ok(answer)
    assert [one["status"] for one in corrected["results"]] == ["updated", "updated"]
    assert shown(here, zhou) == [corrected["prompt"]["level"]]


@pytest.mark.parametrize("path", ["/v1/me", "/v1/me/contract"])
def test_no_card_stays_of_who_erased_or_withdrew_meanwhile(
    here: Town, there: Doors, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    lin, zhou, _ = signed(here)
    answer = looked_meanwhile(
        here, zhou, lambda: there.delete(path, headers=lin.headers), monkeypatch
    )
    assert answer.status_code == 200, answer.text
    assert cards(here, lin) == 0
    assert shown(here, zhou) == []


def test_a_look_holds_its_rows_behind_all_that_is_written_with_it(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of many, taken before those of one, could wait for each other across processes."""
    lin = max((here.resident(login) for login in ("lin", "wei", "mei")), key=lambda one: one.id)
    # By their ids alone the look would come first.
    hired = (here.doctor(f"dr.{number}") for number in count())
    zhou = next(one for one in hired if one.id < lin.id)
    sign(here, lin, zhou, "body")
    order: list[str] = []
    for name, module, function in (("look", panel, "rows"), ("write", records, "log")):
        monkeypatch.setattr(module, function, noted(order, name, getattr(module, function)))
    db, begun, go = here.house.db, Event(), Event()

    def hold(_: Connection) -> bool:
        begun.set()
        return go.wait(PATIENCE)

    with ThreadPoolExecutor() as pool:
        held = pool.submit(db.write, hold)
        assert begun.wait(PATIENCE)
        look = pool.submit(shown, here, zhou)
        logged = pool.submit(log, here, lin, 118, 76)
        end = monotonic() + PATIENCE
        while db._writes.qsize() < 2 and monotonic() < end:
            sleep(0.005)
        go.set()
        assert held.result(PATIENCE)
        assert len(look.result(PATIENCE)) == 1
        assert len(logged.result(PATIENCE)) == 2
    assert order == ["write", "look"]


def noted(order: list[str], name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def told(*args: Any, **more: Any) -> Any:
        order.append(name)
        return call(*args, **more)

    return told
