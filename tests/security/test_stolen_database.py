"""P5: whoever steals both databases learns no value, measure, class, name, login or level.

A person with recognisable facts does everything the service offers; then every byte of both
databases is searched for those facts, as text and in the encodings a careless store would use.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import MetaData, create_engine, select

from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.databases import beneath
from tests.house_room import Person, Town, town
from tests.security.search import hits, spellings

NAME, LOGIN, CLASSES = "欧阳金丝雀", "13877665544", ["mental", "infectious", "body"]
WORDS = [
    # who
    NAME, LOGIN, "1980-05-17", "金丝雀备注",
    # measures, codes and values that no schema word contains
    "systolic_bp", "hiv_screen", "phq9_total", "hiv_infection", "191.5", "heart_rate",
    # classes and levels
    "infectious", "reproductive", "conditions", "orange", "yellow",
]  # fmt: skip


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def live(here: Town) -> Person:
    """Records of every sensitive kind, a series, a contract, a grant, looks, a prompt, a code."""
    me, doctor = here.resident(LOGIN, name=NAME, birth_date="1980-05-17"), here.doctor()

    def send(method: str, path: str, body: object = None, who: Person = me) -> None:
        answer = here.doors.request(method, path, json=body, headers=who.headers)
        assert answer.status_code < 300, answer.text

    start = "2026-11-19T08:00:00+08:00"
    observed = {"kind": "observation", "start": start}
    send(
        "POST",
        "/v1/me/records",
        {
            "records": [
                {
                    **observed,
                    "id": str(uuid4()),
                    "note": "金丝雀备注",
                    "values": {"systolic_bp": 191.5, "diastolic_bp": 99, "phq9_total": 19},
                },
                {**observed, "values": {"hiv_screen": "positive"}},
                {"kind": "condition", "start": start, "code": "hiv_infection", "status": "active"},
            ]
        },
    )
    day = {"measure": "heart_rate", "day": "2026-11-19", "t": [0, 60, 120], "v": [71, 72, 73]}
    source = {"kind": "device", "name": "金丝雀手环"}
    send("POST", "/v1/me/series", {"series": [{**day, "source": source}]})
    contract = {"doctor_id": doctor.id, "package": "金丝雀套餐", "data_classes": CLASSES}
    send("POST", "/v1/me/contract", contract)
    grant = {
        "grantee": {"kind": "service", "id": "statistics"},
        "purposes": ["statistics"],
        "data_classes": ["body", "infectious"],
        "separate_consent": True,
    }
    send("POST", "/v1/me/grants", grant)
    send("GET", "/v1/me/prompt")
    send("GET", "/v1/me/code")
    send("GET", "/v1/doctor/panel", who=doctor)
    send("GET", f"/v1/doctor/patients/{me.id}", who=doctor)
    send("GET", f"/v1/doctor/patients/{me.id}/records", who=doctor)
    return me


def loot(url: str) -> bytes:
    """All bytes of a database: the files of SQLite with journals, every cell of PostgreSQL."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        return b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))
    engine = create_engine(url)
    schema = MetaData()
    schema.reflect(engine)
    cells = bytearray()
    with engine.connect() as connection:
        for table in schema.sorted_tables:
            for row in connection.execute(select(table)):
                for cell in row:
                    cells += cell if isinstance(cell, bytes | memoryview) else str(cell).encode()
                    cells += b"\n"
    engine.dispose()
    return bytes(cells)


def schema_free(content: bytes, url: str) -> bytes:
    """SQLite keeps CREATE statements in the file; the words of the schema are no secret."""
    if not url.startswith("sqlite"):
        return content
    engine = create_engine(url)
    with engine.connect() as connection:
        statements = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE sql <> ''")
        for (sql,) in statements:
            content = content.replace(sql.encode(), b"")
    engine.dispose()
    return content


def test_a_stolen_database_says_nothing(here: Town, settings: Settings, tmp_path: Path) -> None:
    live(here)
    for url in (beneath(settings), settings.keys_url):
        content = schema_free(loot(url), url)
        assert len(content) > 1000
        for word in WORDS:
            assert hits(content, spellings(word)) == set(), (word, url)


def test_the_search_would_find_what_lies_open(here: Town, settings: Settings) -> None:
    """The doctor's name is public and stored so: the search must see it."""
    live(here)
    content = schema_free(loot(beneath(settings)), beneath(settings))
    assert "周医生".encode() in content
    assert date(2026, 11, 20).isoformat().encode() not in content
