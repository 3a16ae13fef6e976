"""A child decides alone from local midnight of the fourteenth birthday."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from consent.life import minor_until


@pytest.mark.parametrize(
    ("born", "zone", "until"),
    [
        ("2012-05-04", "Asia/Shanghai", "2026-05-03T16:00:00+00:00"),
        ("2012-05-04", "Asia/Urumqi", "2026-05-03T18:00:00+00:00"),
        ("2012-05-04", "UTC", "2026-05-04T00:00:00+00:00"),
        ("2012-12-31", "America/New_York", "2026-12-31T05:00:00+00:00"),
        # Born on 29 February: 2026 is a common year, 2040 is not.
        ("2012-02-29", "UTC", "2026-03-01T00:00:00+00:00"),
        ("2026-02-28", "UTC", "2040-02-28T00:00:00+00:00"),
        # The clocks of Brazil skipped this midnight: the day began at one o'clock.
        ("2004-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00+00:00"),
        # The clocks of Cuba showed this midnight twice: the day began at the first.
        ("2005-11-03", "America/Havana", "2019-11-03T04:00:00+00:00"),
    ],
)
def test_begins_with_the_local_day(born: str, zone: str, until: str) -> None:
    assert minor_until(date.fromisoformat(born), zone).isoformat() == until


def test_is_the_first_instant_of_that_day_where_they_live() -> None:
    instant = minor_until(date(2004, 11, 4), "America/Sao_Paulo")
    local = instant.astimezone(ZoneInfo("America/Sao_Paulo"))
    assert (local.date(), local.hour) == (date(2018, 11, 4), 1)


def test_is_in_utc() -> None:
    assert minor_until(date(2012, 5, 4), "Asia/Shanghai").tzinfo is UTC
    assert minor_until(date(2012, 5, 4), "Asia/Shanghai") == datetime(2026, 5, 3, 16, tzinfo=UTC)


def test_a_zone_nobody_knows_is_an_error() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        minor_until(date(2012, 5, 4), "Moon/Tycho")
