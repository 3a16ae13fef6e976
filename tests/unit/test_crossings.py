"""What the log tells of crossings: all that operators do, and not each minute of the chores."""

import pytest
from structlog.testing import capture_logs

from service.kit import guard
from service.kit.audience import Audience, speaking_for
from service.kit.db import Database
from service.kit.guard import Crossing, dangerously_crossing


@pytest.mark.parametrize(
    ("audience", "level", "lines"),
    [("chores", "info", 3), ("operator", "warning", 121), ("anyone", "warning", 121)],
)
def test_a_crossing_is_told_and_a_chore_s_once_an_hour(
    audience: Audience, level: str, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(guard, "monotonic", lambda: now[0])
    monkeypatch.setattr(guard, "_logged", {})
    database = Database("sqlite://", readers=1)
    job = dangerously_crossing(Crossing.WATCH, lambda conn: None)
    with capture_logs() as told:
        for minute in range(121):
            now[0] = minute * 60.0
            with speaking_for(audience):
                database.read(job)
                database.read(job)
    database.close()
    assert [(one["audience"], one["log_level"]) for one in told] == [(audience, level)] * lines


def test_reasons_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_logged", {})
    database = Database("sqlite://", readers=1)
    with capture_logs() as told, speaking_for("chores"):
        for why in (Crossing.WATCH, Crossing.ERASURES, Crossing.WATCH):
            database.read(dangerously_crossing(why, lambda conn: None))
    with capture_logs() as later, speaking_for("operator"):
        database.read(dangerously_crossing(Crossing.WATCH, lambda conn: None))
    database.close()
    assert [one["why"] for one in told] == [Crossing.WATCH, Crossing.ERASURES]
    # What the chores told before hides nothing of an operator.
    assert [one["audience"] for one in later] == ["operator"]
