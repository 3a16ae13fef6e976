"""A stolen database does not tell who is whose guardian, nor which children are siblings."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import MetaData, create_engine, select

from service.guardians.tables import guardianships
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.databases import beneath
from tests.family_room import Child, begin, ok
from tests.house_room import Town, town
from tests.record_room import pressure

Row = frozenset[bytes]


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def family(here: Town) -> tuple[Child, Child, Child]:
    """Two siblings of one mother, and their father who joined for the first; all of it used."""
    mother, father = here.resident("mother", name="林梅"), here.resident("father", name="陈伟")
    first, second = begin(here, mother, name="林小乐"), begin(here, mother, name="林小米")
    joined = first.joined_by(father)
    for child in (first, second, joined):
        ok(child.ask("POST", "/records", {"records": [pressure(99, 61)]}))
        ok(child.ask("GET", "/access-log"))
    ok(second.ask("POST", "/guardians"), 201)
    ok(second.ask("POST", "/handover"), 201)
    doctor = here.doctor()
    wish = {"doctor_id": doctor.id, "package": "basic", "data_classes": ["body"]}
    ok(first.ask("POST", "/contract", wish), 201)
    # What the mother has of her own shows her id and the numbers of her own keys.
    own = here.doors.post("/v1/me/contract", json=wish, headers=mother.headers)
    ok(own, 201)
    ok(here.doors.get("/v1/me/children", headers=mother.headers))
    return first, second, joined


def rows(url: str) -> list[tuple[str, bytes]]:
    """Every row of every table as one run of bytes, whatever the types of its cells."""
    engine = create_engine(url)
    schema = MetaData()
    schema.reflect(engine)
    found = []
    with engine.connect() as connection:
        for table in schema.sorted_tables:
            for row in connection.execute(select(table)):
                cells = [
                    bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode()
                    for cell in row
                ]
                found.append((table.name, b"\n".join(cells)))
    engine.dispose()
    return found


def spelled(id_: str) -> tuple[bytes, ...]:
    return UUID(id_).bytes, id_.encode(), UUID(id_).hex.encode()


def names(row: bytes, id_: str) -> bool:
    return any(spelling in row for spelling in spelled(id_))


def dek_ids(stolen: list[tuple[str, bytes]], id_: str) -> set[bytes]:
    """The numbers of the keys in rows that name somebody: ver, suite, then four bytes."""
    return {
        row[at + 2 : at + 6]
        for _, row in stolen
        if names(row, id_)
        for at in range(len(row) - 6)
        if row[at : at + 2] == b"\x01\x01"
    }


def test_no_row_names_both_a_child_and_a_guardian(here: Town, settings: Settings) -> None:
    first, second, joined = family(here)
    people = [first.id, second.id, first.guardian.id, joined.guardian.id]
    stolen = rows(beneath(settings))
    for table, row in stolen:
        named = [one for one in people if names(row, one)]
        assert len(named) <= 1, (table, named)
    # The search sees ids: each of them is somewhere, the children in the rows of this very kind.
    for one in people:
        assert any(names(row, one) for _, row in stolen)
    kept = [row for table, row in stolen if table == "guardianships"]
    assert len(kept) == 3
    assert all(names(row, first.id) or names(row, second.id) for row in kept)


def test_no_name_of_the_family_lies_open(here: Town, settings: Settings) -> None:
    family(here)
    stolen = b"\n".join(row for _, row in rows(beneath(settings)))
    for word in ("林梅", "陈伟", "林小乐", "林小米"):
        assert word.encode() not in stolen
        assert word.encode("unicode_escape") not in stolen
    assert "周医生".encode() in stolen


def test_siblings_and_guardians_share_no_bytes_to_be_matched_by(
    here: Town, settings: Settings
) -> None:
    """Neither a tag nor the number of a key stands beside two people of the family."""
    first, second, _ = family(here)
    tags = here.house.db.read(
        lambda conn: [bytes(tag) for tag in conn.scalars(select(guardianships.c.tag))]
    )
    assert len(set(tags)) == 3
    stolen = rows(beneath(settings))
    for tag in tags:
        assert len([row for _, row in stolen if tag in row]) == 1
    pseudonyms = {}
    for child in (first, second):
        log = [row for table, row in stolen if table == "access_log" and names(row, child.id)]
        assert log
        pseudonyms[child.id] = {row.split(b"\nresident\n")[1][:36] for row in log}
    assert not pseudonyms[first.id] & pseudonyms[second.id]
    assert len(pseudonyms[first.id]) == 2
    kept = {one: dek_ids(stolen, one) for one in (first.id, second.id, first.guardian.id)}
    assert all(kept.values())
    assert not kept[first.id] & kept[first.guardian.id]
    assert not kept[first.id] & kept[second.id]
