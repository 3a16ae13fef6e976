"""A forgotten password: what a recovery code opens, what it ends, and that nobody guesses one."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from time import sleep
from uuid import UUID

import httpx
import pytest
from sqlalchemy import Connection, select

from service.identity import recovery, store
from service.identity.attempts import PLACE
from service.identity.caller import Caller
from service.identity.recovery import COUNT
from service.identity.tables import recovery_codes
from service.kit.audience import speaking_for
from service.kit.db import Database
from service.kit.errors import Unauthenticated
from service.kit.settings import Settings
from tests.authenticator import Authenticator
from tests.conftest import MovingClock
from tests.house_room import PASSWORD, Person, Town, town
from tests.passkey_room import asked, enrolled, entered, refused
from tests.standing_room import everything_logged, standing

NEW = "a newer horse 新的"


@pytest.fixture(params=["sqlite", "postgresql"])
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    with standing(tmp_path, request.param) as made:
        yield made.town


def codes_of(here: Town, who: Person) -> list[str]:
    made = here.doors.post("/v1/me/recovery-codes", headers=who.headers)
    assert made.status_code == 201, made.text
    codes: list[str] = made.json()["codes"]
    return codes


def left(here: Town, who: Person) -> int:
    found = here.doors.get("/v1/me/recovery-codes", headers=who.headers)
    count: int = found.json()["left"]
    return count


def recover(here: Town, login: str, code: str, new: str = NEW) -> httpx.Response:
    wish = {"login": login, "code": code, "new_password": new}
    return here.doors.post("/v1/auth/recover", json=wish)


def knocked(here: Town, login: str, password: str) -> int:
    return here.token(grant_type="password", username=login, password=password).status_code


def called(here: Town, who: Person) -> Caller:
    """Somebody as the edge let them in."""
    now = here.house.clock()
    return Caller.of(here.house.tokens.verify(who.access, audience="resident", now=now))


def put_by(here: Town, caller: Caller, db: Database | None = None) -> list[str]:
    now = here.house.clock()
    with speaking_for("resident"):
        return (db or here.house.db).write(lambda conn: recovery.make(conn, caller, now))


def kinds(here: Town, who: Person) -> set[str]:
    told = here.doors.get("/v1/me/notices", headers=who.headers).json()["items"]
    return {one["kind"] for one in told}


def test_a_code_sets_a_new_password_and_ends_every_sign_in(here: Town) -> None:
    fu = here.resident("fu")
    codes = codes_of(here, fu)
    assert len(set(codes)) == COUNT
    answer = recover(here, "fu", codes[0])
    assert answer.status_code == 200
    after = here.person("fu", answer.json())
    assert here.doors.get("/v1/me", headers=after.headers).json()["resident_id"] == fu.id
    refused(here.doors.get("/v1/me", headers=fu.headers), 401, "unauthenticated")
    assert (knocked(here, "fu", PASSWORD), knocked(here, "fu", NEW)) == (401, 200)
    assert left(here, after) == COUNT - 1
    assert kinds(here, after) == {"password-recovered", "recovery-codes-made"}


def test_a_code_is_good_once_and_in_the_spelling_of_people(here: Town) -> None:
    fu = here.resident("fu")
    codes = codes_of(here, fu)
    assert recover(here, "fu", codes[0].upper().replace("-", " ")).status_code == 200
    for spent in (codes[0], codes[0].upper()):
        refused(recover(here, "fu", spent, "yet another horse"), 401, "invalid-credentials")
    assert knocked(here, "fu", NEW) == 200


def test_a_new_sheet_makes_the_old_one_worthless(here: Town) -> None:
    fu = here.resident("fu")
    before, after = codes_of(here, fu), codes_of(here, fu)
    refused(recover(here, "fu", before[0]), 401, "invalid-credentials")
    assert recover(here, "fu", after[0]).status_code == 200


def test_full_width_letters_are_the_same_code(here: Town) -> None:
    """As an input method for Chinese writes them."""
    fu = here.resident("fu")
    wide = "".join(chr(ord(one) + 0xFEE0) for one in codes_of(here, fu)[0])
    assert recover(here, "fu", wide).status_code == 200


def test_of_two_sheets_made_at_once_one_is_left(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    fu = here.resident("fu")
    both, replace = Barrier(2, timeout=1), store.replace_recovery

    def slowly(conn: Connection, subject: UUID, digests: Sequence[bytes], now: datetime) -> None:
        # Where nobody else gets here before the commit, the barrier breaks, and that is right.
        with suppress(BrokenBarrierError):
            both.wait()
        replace(conn, subject, digests, now)
        sleep(0.2)

    monkeypatch.setattr(store, "replace_recovery", slowly)
    caller = called(here, fu)
    # One process commits what it writes in groups, so the race is between two.
    with closing(Database(here.house.settings.desk_url)) as other, ThreadPoolExecutor(2) as pool:
        made = [pool.submit(put_by, here, caller, db) for db in (here.house.db, other)]
        assert all(len(one.result()) == COUNT for one in made)
    assert left(here, fu) == COUNT


@pytest.mark.parametrize("ended", ["signed out", "erased"])
def test_whoever_is_being_signed_out_makes_no_sheet(here: Town, ended: str) -> None:
    """Their request was let in, and then the owner recovered, or was erased."""
    fu = here.resident("fu")
    code, thief = codes_of(here, fu)[0], called(here, fu)
    if ended == "erased":
        assert here.doors.delete("/v1/me", headers=fu.headers).status_code == 200
    else:
        assert recover(here, "fu", code).status_code == 200
    with pytest.raises(Unauthenticated):
        put_by(here, thief)
    kept = here.house.db.read(lambda conn: store.recovery(conn, UUID(fu.id)))
    assert kept[0] == (0 if ended == "erased" else COUNT - 1)


def test_a_changed_password_voids_the_codes(here: Town) -> None:
    """Whoever knew the old password could have made them, and would come back with one."""
    fu = here.resident("fu")
    stolen = codes_of(here, fu)[0]
    wish = {"password": PASSWORD, "new_password": NEW}
    answer = here.doors.post("/v1/auth/password", json=wish, headers=fu.headers)
    after = here.person("fu", answer.json())
    refused(recover(here, "fu", stolen, "the thief's horse"), 401, "invalid-credentials")
    assert left(here, after) == 0
    assert knocked(here, "fu", NEW) == 200


def test_every_wrong_way_gets_the_same_answer(here: Town) -> None:
    """An unknown name, somebody without codes, somebody else's code, a practitioner's name."""
    fu, yu = here.resident("fu"), here.resident("yu")
    here.resident("bare")
    theirs, mine = codes_of(here, yu)[0], codes_of(here, fu)[0]
    doctor = here.doctor("wen")
    ways = [("nobody-at-all", mine), ("bare", mine), ("fu", theirs), (doctor.login, mine)]
    answers = [recover(here, login, code) for login, code in ways]
    assert {(one.status_code, one.headers["content-type"]) for one in answers} == {
        (401, "application/problem+json")
    }
    bodies = [{k: v for k, v in one.json().items() if k != "request_id"} for one in answers]
    assert all(one == bodies[0] for one in bodies)
    assert knocked(here, "fu", PASSWORD) == 200
    assert (left(here, fu), left(here, yu)) == (COUNT, COUNT)


def test_a_password_that_is_none_uses_no_code_up(here: Town) -> None:
    fu = here.resident("fu")
    code = codes_of(here, fu)[0]
    refused(recover(here, "fu", code, "short"), 422, "invalid")
    assert left(here, fu) == COUNT
    assert recover(here, "fu", code).status_code == 200


def test_erasure_takes_the_codes_along(here: Town) -> None:
    fu = here.resident("fu")
    code = codes_of(here, fu)[0]
    assert here.doors.delete("/v1/me", headers=fu.headers).status_code == 200
    refused(recover(here, "fu", code), 401, "invalid-credentials")
    kept = here.house.db.read(lambda conn: list(conn.execute(select(recovery_codes.c.subject))))
    assert all(str(row.subject) != fu.id for row in kept)


def test_the_stored_rows_are_no_codes(here: Town) -> None:
    codes = codes_of(here, here.resident("fu"))
    rows = here.house.db.read(lambda conn: list(conn.execute(select(recovery_codes.c.digest))))
    stored = b"".join(bytes(row.digest) for row in rows)
    plain = {form for code in codes for form in (code, code.replace("-", ""))}
    assert len(rows) == COUNT
    assert not any(form.encode() in stored for form in plain)


class TestOnOneDatabase:
    @pytest.fixture
    def here(self, settings: Settings, clock: MovingClock) -> Iterator[Town]:
        limited = settings.model_copy(update={"rate_limits": True})
        with town(limited, clock) as opened:
            yield opened

    def test_making_them_needs_a_fresh_proof(self, here: Town, clock: MovingClock) -> None:
        fu = here.resident("fu")
        clock.advance(timedelta(minutes=6))
        answer = here.doors.post("/v1/me/recovery-codes", headers=fu.headers)
        refused(answer, 403, "step-up-required")
        assert left(here, fu) == 0

    def test_whoever_has_a_passkey_makes_them_with_it(self, here: Town) -> None:
        fu, device = here.resident("fu"), Authenticator()
        enrolled(here, fu, device)
        weak = here.sign_in("fu")
        answer = here.doors.post("/v1/me/recovery-codes", headers=weak.headers)
        assert answer.status_code == 403
        strong = here.person("fu", entered(here, device.get(asked(here))).json())
        assert len(codes_of(here, strong)) == COUNT

    def test_guesses_are_held_back_together_with_passwords(self, here: Town) -> None:
        code = codes_of(here, here.resident("fu"))[0]
        statuses = [recover(here, "fu", f"guess-{n}").status_code for n in range(PLACE.free + 2)]
        assert statuses[0] == 401
        assert statuses[-1] == 429
        # Not the right one either, and no password: it is one bucket.
        assert recover(here, "fu", code).status_code == 429
        assert knocked(here, "fu", PASSWORD) == 429

    def test_no_code_reaches_a_log(self, here: Town) -> None:
        fu = here.resident("fu")
        with everything_logged() as pages:
            codes = codes_of(here, fu)
            recover(here, "fu", codes[0])
            recover(here, "fu", codes[0])
        said = pages.getvalue()
        assert "password-recovered" in said
        assert not any(code in said for code in (*codes, NEW))
