"""A resident's own file on a real data store and keystore, under permits of the real gate."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, select

from consent.decision import Permit
from consent.vocabulary import Action, DataClass, Text
from service.domain.regions import Level, Region, RegionTree
from service.grants import gate
from service.keys.vault import PermitLacksClass, Vault
from service.kit.db import Database
from service.kit.engines import open_engine
from service.kit.errors import IntegrityBroken, Invalid, NotFound
from service.kit.ids import new_id
from service.residents import actions, store
from service.residents.actions import Profile
from service.residents.store import Withdrawn
from service.residents.tables import resident_state, residents
from tests.guarded_room import carrying
from tests.keyring_room import Room, found
from tests.meanwhile import ONE_WRITER, Meanwhile

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)
REGIONS = RegionTree(
    [Region("330100", Text("临水市", "Linshui"), Level.CITY, None, False, True, 1000)]
)
LIN = Profile("林梅", date(1980, 2, 29), "female", "330100")


@pytest.fixture
def db(database: Database) -> Database:
    return database


@pytest.fixture
def vault(keystore_url: str, tmp_path: Path) -> Iterator[Vault]:
    keystore = found(keystore_url, tmp_path)
    yield Room(keystore).vault
    keystore.close()


def own(conn: Connection, vault: Vault, resident: UUID, action: Action = Action.WRITE) -> Permit:
    return gate.own(conn, vault, resident=resident, action=action, now=NOW, stepped_up=True)


@pytest.fixture
def lin(db: Database, vault: Vault) -> UUID:
    resident = new_id()
    vault.create(resident)

    def begin(conn: Connection) -> None:
        actions.begin(conn, resident)
        actions.register(conn, vault, own(conn, vault, resident), profile=LIN)

    db.write(begin)
    return resident


def profile_of(db: Database, vault: Vault, resident: UUID) -> Profile:
    return db.read(
        lambda conn: actions.profile(conn, vault, own(conn, vault, resident, Action.READ))
    )


def amended(db: Database, vault: Vault, resident: UUID, **changes: Any) -> Profile:
    return db.write(
        lambda conn: actions.amend(
            conn,
            vault,
            own(conn, vault, resident),
            changes=changes,
            regions=REGIONS,
            now=NOW,
        )
    )


def test_a_profile_is_read_as_it_was_given(db: Database, vault: Vault, lin: UUID) -> None:
    assert profile_of(db, vault, lin) == LIN


def test_the_row_says_nothing(db: Database, lin: UUID) -> None:
    row = db.read(lambda conn: conn.execute(select(residents)).one())
    raw = bytes(row.sealed_profile)
    for canary in ("林梅", "1980", "female", "330100"):
        assert canary.encode() not in raw


def test_amending_changes_what_is_named_and_keeps_the_rest(
    db: Database, vault: Vault, lin: UUID
) -> None:
    after = amended(db, vault, lin, name="  林 梅 ", language="en")
    assert after == replace(LIN, name="林 梅", language="en")
    assert profile_of(db, vault, lin) == after


def test_amending_to_the_same_writes_nothing(db: Database, vault: Vault, lin: UUID) -> None:
    before = db.read(lambda conn: store.state(conn, lin))
    amended(db, vault, lin, name=LIN.name)
    assert db.read(lambda conn: store.state(conn, lin)) == before


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"name": "  "}, "/name", "wrong-length"),
        ({"name": "a" * 101}, "/name", "wrong-length"),
        ({"name": "a\nb"}, "/name", "wrong-length"),
        ({"birth_date": date(2026, 11, 21)}, "/birth_date", "in-the-future"),
        ({"birth_date": date(1890, 1, 1)}, "/birth_date", "too-long-ago"),
        ({"region": "999999"}, "/region", "unknown-region"),
        ({"zone": "Mars/Olympus"}, "/zone", "unknown-choice"),
        ({"sex": "x"}, "/sex", "unknown-choice"),
        ({"language": "fr"}, "/language", "unknown-choice"),
        ({"contact": "a" * 201}, "/contact", "wrong-length"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    db: Database, vault: Vault, lin: UUID, changes: dict[str, Any], pointer: str, code: str
) -> None:
    with pytest.raises(Invalid) as caught:
        amended(db, vault, lin, **changes)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [(pointer, code)]
    assert profile_of(db, vault, lin) == LIN


def objected(db: Database, vault: Vault, resident: UUID) -> Profile:
    return db.write(
        lambda conn: actions.automate(conn, vault, own(conn, vault, resident), on=False)[0]
    )


def renamed(db: Database, vault: Vault, resident: UUID) -> Profile:
    return amended(db, vault, resident, name="林 梅")


def born_earlier(db: Database, vault: Vault, resident: UUID) -> Profile:
    return amended(db, vault, resident, birth_date=date(1979, 3, 1))


@pytest.mark.parametrize(
    ("first", "stops_at", "second", "both"),
    [
        (renamed, "checked", objected, {"name": "林 梅", "automation": False}),
        (renamed, "checked", born_earlier, {"name": "林 梅", "birth_date": date(1979, 3, 1)}),
        (objected, "replace", renamed, {"name": "林 梅", "automation": False}),
    ],
)
def test_of_two_changes_at_once_neither_is_lost(
    db: Database,
    database_url: str,
    vault: Vault,
    lin: UUID,
    monkeypatch: pytest.MonkeyPatch,
    first: Callable[..., Profile],
    stops_at: str,
    second: Callable[..., Profile],
    both: dict[str, Any],
) -> None:
    """The first has read the profile and not yet kept it when another process gets the second."""
    if db.dialect == "sqlite":
        pytest.skip(ONE_WRITER)
    other, beneath = Database(database_url), open_engine(database_url)
    meanwhile = Meanwhile(beneath, lambda: second(other, vault, lin))
    monkeypatch.setattr(actions, stops_at, meanwhile.before(getattr(actions, stops_at)))
    first(db, vault, lin)
    meanwhile.result()
    assert profile_of(db, vault, lin) == replace(LIN, **both)
    other.close()
    beneath.dispose()


def test_switching_to_the_same_writes_nothing(db: Database, vault: Vault, lin: UUID) -> None:
    objected(db, vault, lin)
    before = db.read(lambda conn: store.state(conn, lin))
    assert objected(db, vault, lin) == replace(LIN, automation=False)
    assert db.read(lambda conn: store.state(conn, lin)) == before


def test_somebody_born_today_in_shanghai_may_be_registered() -> None:
    """At 17:00 UTC on the 20th it is the 21st in Shanghai."""
    evening = datetime(2026, 11, 20, 17, tzinfo=UTC)
    born = replace(LIN, birth_date=date(2026, 11, 21))
    assert actions.checked(born, REGIONS, evening) == born
    with pytest.raises(Invalid):
        actions.checked(replace(born, zone="Europe/Lisbon"), REGIONS, evening)


def test_the_counter_rises_by_one_with_each_write(db: Database, vault: Vault, lin: UUID) -> None:
    def advance(conn: Connection) -> int:
        return store.advance(conn, own(conn, vault, lin))

    first = db.write(advance)
    assert db.write(advance) == first + 1


def test_a_change_of_consent_voids_the_permit_before_it(
    db: Database, vault: Vault, lin: UUID
) -> None:
    permit = db.read(lambda conn: own(conn, vault, lin))
    assert db.read(carrying(permit, lambda conn: actions.profile(conn, vault, permit))) == LIN
    db.write(lambda conn: store.bump_consent(conn, lin))
    with pytest.raises(Withdrawn):
        db.write(lambda conn: store.advance(conn, permit))
    with pytest.raises(Withdrawn):
        db.read(carrying(permit, lambda conn: actions.profile(conn, vault, permit)))


def test_a_refused_write_leaves_the_counter(db: Database, vault: Vault, lin: UUID) -> None:
    permit = db.read(lambda conn: own(conn, vault, lin))
    db.write(lambda conn: store.bump_consent(conn, lin))
    before = db.read(lambda conn: store.state(conn, lin))
    with pytest.raises(Withdrawn):
        db.write(lambda conn: store.advance(conn, permit))
    assert db.read(lambda conn: store.state(conn, lin)) == before


def test_deny_all_is_a_change_of_consent(db: Database, lin: UUID) -> None:
    before = db.read(lambda conn: store.state(conn, lin))
    assert before is not None
    revision = db.write(lambda conn: store.set_deny_all(conn, lin, True))
    assert revision == before.consent_revision + 1
    after = db.read(lambda conn: store.state(conn, lin))
    assert after == replace(before, deny_all=True, consent_revision=revision)


def test_nobody_unknown_has_a_state(db: Database) -> None:
    assert db.read(lambda conn: store.state(conn, new_id())) is None
    with pytest.raises(NotFound):
        db.write(lambda conn: store.bump_consent(conn, new_id()))


def test_erasure_leaves_an_empty_shell(db: Database, vault: Vault, lin: UUID) -> None:
    permit = db.read(lambda conn: own(conn, vault, lin, Action.ERASE))
    db.write(carrying(permit, lambda conn: actions.erase(conn, permit)))
    row = db.read(lambda conn: conn.execute(select(residents)).one())
    assert (row.status, row.sealed_profile) == ("erased", None)
    for late in (store.advance, store.profile):
        with pytest.raises(Withdrawn):
            db.write(lambda conn, late=late: late(conn, permit))
    with pytest.raises(NotFound):
        db.read(lambda conn: own(conn, vault, lin))


def test_an_older_profile_put_back_does_not_open(db: Database, vault: Vault, lin: UUID) -> None:
    def row(conn: Connection) -> Any:
        return conn.execute(select(residents.c.sealed_profile)).scalar_one()

    older = db.read(row)
    amended(db, vault, lin, name="新")
    db.write(lambda conn: conn.execute(residents.update().values(sealed_profile=older)))
    with pytest.raises(IntegrityBroken):
        profile_of(db, vault, lin)


def test_another_residents_profile_does_not_open(db: Database, vault: Vault, lin: UUID) -> None:
    other = new_id()
    vault.create(other)

    def begin(conn: Connection) -> None:
        actions.begin(conn, other)
        actions.register(conn, vault, own(conn, vault, other), profile=replace(LIN, name="别人"))

    db.write(begin)

    def swap(conn: Connection) -> None:
        mine = conn.execute(
            select(residents.c.sealed_profile).where(residents.c.resident_id == lin)
        ).scalar_one()
        conn.execute(
            residents.update().where(residents.c.resident_id == other).values(sealed_profile=mine)
        )

    db.write(swap)
    with pytest.raises(IntegrityBroken):
        profile_of(db, vault, other)


def test_a_permit_without_the_class_opens_no_profile(db: Database, vault: Vault, lin: UUID) -> None:
    def read(conn: Connection) -> Profile:
        permit = gate.own(
            conn,
            vault,
            resident=lin,
            action=Action.READ,
            now=NOW,
            classes=frozenset({DataClass.BODY}),
        )
        return actions.profile(conn, vault, permit)

    with pytest.raises(PermitLacksClass):
        db.read(read)


def test_each_file_begins_its_own_epoch(db: Database) -> None:
    for _ in range(2):
        db.write(lambda conn: actions.begin(conn, new_id()))
    epochs = db.read(lambda conn: conn.scalars(select(resident_state.c.epoch)).all())
    assert len({bytes(epoch) for epoch in epochs}) == 2
