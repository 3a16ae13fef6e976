"""How a grant stands, and what cannot be a grant."""

from datetime import datetime
from typing import Any

import pytest

from tests.unit.consent.people import BODY, NOW, SECOND, grant


@pytest.mark.parametrize(
    ("status", "change"),
    [
        ("active", {}),
        ("active", {"valid_from": NOW}),
        ("active", {"valid_until": NOW + SECOND}),
        ("active", {"valid_until": None}),
        ("active", {"uses_left": 1}),
        ("not-yet-valid", {"valid_from": NOW + SECOND}),
        ("expired", {"valid_until": NOW}),
        ("active", {"outdated_from": NOW + SECOND}),
        ("outdated", {"outdated_from": NOW}),
        ("expired", {"outdated_from": NOW, "valid_until": NOW}),
        ("used-up", {"uses_left": 0}),
        ("withdrawn", {"withdrawn_at": NOW + SECOND}),
        ("withdrawn", {"withdrawn_at": NOW, "valid_until": NOW, "uses_left": 0}),
    ],
)
def test_status(status: str, change: dict[str, Any]) -> None:
    assert grant(BODY, **change).status(NOW) == status


@pytest.mark.parametrize("field", ["valid_from", "valid_until", "withdrawn_at", "outdated_from"])
def test_an_instant_without_a_zone_makes_no_grant(field: str) -> None:
    changes: dict[str, Any] = {field: datetime(2026, 5, 4)}  # noqa: DTZ001
    with pytest.raises(ValueError, match="zone"):
        grant(BODY, **changes)
