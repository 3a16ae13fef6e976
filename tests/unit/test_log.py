"""The log keeps kinds, ids and counts; what could hold a record is named by its type."""

import json
from uuid import UUID

import pytest
import structlog

from service.kit import log

CANARY = "canary-7f3a"


@pytest.fixture(autouse=True)
def configured() -> object:
    before = structlog.get_config()
    log.configure("info")
    yield
    structlog.configure(**before)


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    subject = UUID("8e5f7a10-1111-4222-8333-444455556666")
    log.log.info("request", subject=subject, count=3, route="/v1/me", ok=True, none=None)
    line = json.loads(capsys.readouterr().err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "request",
        "level": "info",
        "subject": str(subject),
        "count": 3,
        "route": "/v1/me",
        "ok": True,
        "none": None,
    }


@pytest.mark.parametrize(
    "value",
    [
        {"systolic_bp": CANARY},
        [CANARY],
        (CANARY,),
        CANARY.encode(),
        ValueError(CANARY),
        {CANARY},
    ],
)
def test_what_could_hold_a_record_is_not_written(
    capsys: pytest.CaptureFixture[str], value: object
) -> None:
    log.log.error("failure", what=value, exc_info=ValueError(CANARY))
    written = capsys.readouterr().err
    assert CANARY not in written
    assert json.loads(written)["what"] == f"<{type(value).__name__}>"


def test_long_text_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    log.log.info("x", text="a" * 1000)
    assert len(json.loads(capsys.readouterr().err)["text"]) == log.TEXT_LIMIT


def test_debug_is_quiet_unless_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    log.log.debug("x")
    assert capsys.readouterr().err == ""
    log.configure("debug")
    log.log.debug("x")
    assert json.loads(capsys.readouterr().err)["level"] == "debug"
