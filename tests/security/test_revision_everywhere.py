"""Wall 2 has no gaps: every statement that reads somebody's data asks for the consent revision.

SQLite's connections see the text of each statement that the service runs; PostgreSQL is given the
same ones.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from service.kit.engines import metadata
from service.kit.guard import Protection
from service.kit.guarded import GuardedSqlite
from tests.standing_room import PRESSURE, Standing, standing

STEPS = {"measure": "steps", "day": "2026-11-19", "t": [0, 60], "v": [5, 7]}
APPEAL = {"reason": "not mine", "for_doctor": True}
OF_RESIDENT = [
    ("GET", "", None),
    ("PATCH", "", {"contact": "139"}),
    ("GET", "/records", None),
    ("GET", "/records?measure=systolic_bp&limit=1", None),
    ("GET", "/records/{record}", None),
    ("POST", "/records", {"records": [PRESSURE]}),
    ("POST", "/series", {"series": [STEPS]}),
    ("GET", "/series/steps", None),
    ("GET", "/prompt", None),
    ("GET", "/prompts", None),
    ("POST", "/prompt/what-if", {"values": {"body_weight": 60}}),
    ("GET", "/code", None),
    ("POST", "/appeals", APPEAL),
    ("GET", "/appeals", None),
    ("DELETE", "/data-classes/screening", None),
]
OF_DOCTOR = [
    ("GET", "/panel", None),
    ("GET", "/appeals", None),
    ("GET", "/patients/{patient}", None),
    ("GET", "/patients/{patient}/records", None),
    ("GET", "/patients/{patient}/records?measure=systolic_bp&limit=1", None),
    ("POST", "/patients/{patient}/records", {"records": [PRESSURE]}),
]


def test_every_statement_that_reads_data_asks_for_the_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: set[str] = set()
    judging = GuardedSqlite.judged

    def heard(self: GuardedSqlite, text: str, *more: Any) -> Any:
        texts.add(text)
        return judging(self, text, *more)

    with standing(tmp_path) as here:
        monkeypatch.setattr(GuardedSqlite, "judged", heard)
        everything_asked(here)
    kinds = Protection(metadata).tables()
    data = {name for name, kind in kinds.items() if kind == "data"}
    reading = [text for text in texts if text.lstrip().upper().startswith(("SELECT", "WITH"))]
    of_data = {text for text in reading if words(text) & (data | {"sealed_profile"})}
    of_appeals = {text for text in reading if {"appeals", "sealed_body"} <= words(text)}
    assert len(of_appeals) >= 2
    of_data |= of_appeals
    assert set().union(*map(words, of_data)) >= data
    assert [text for text in of_data if "consent_revision = " not in text] == []


def everything_asked(here: Standing) -> None:
    for who, base, asks in (
        (here.doctor, "/v1/doctor", OF_DOCTOR),
        (here.resident, "/v1/me", OF_RESIDENT),
        (here.doctor, "/v1/doctor", OF_DOCTOR),
    ):
        for method, rest, body in asks:
            path = base + rest.format(patient=here.resident.id, record=here.record)
            if body is APPEAL:
                body = {**APPEAL, "about": {"record": here.record}}
            answer = here.town.doors.request(method, path, json=body, headers=who.headers)
            assert answer.status_code < 300, (path, answer.text)


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))
