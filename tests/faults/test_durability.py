"""P11: what was acknowledged survives a killed server; what is sent again changes nothing."""

import signal
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx

from kangma_client import Client, KangmaError, RetryPolicy
from service.cli.demo import city
from tests.journeys.server import install, serving

HOME = next(row["code"] for row in city.regions()["regions"] if row["level"] == "community")
START = datetime.now(UTC) - timedelta(days=2)


def reading(number: int) -> dict[str, object]:
    return {
        "id": str(uuid4()),
        "kind": "observation",
        "start": (START + timedelta(seconds=number)).isoformat(),
        "values": {"body_weight": 60 + number / 100},
    }


def test_acknowledged_records_survive_a_kill(
    database_url: str, keystore_url: str, tmp_path: Path
) -> None:
    installation = install(tmp_path, database_url, keystore_url)
    acknowledged: list[dict[str, object]] = []
    in_doubt: list[dict[str, object]] = []
    with (
        serving(installation) as first,
        Client(first.url, retries=RetryPolicy(attempts=1)) as client,
    ):
        client.register(
            login="durable",
            password="durable 1234",
            name="耐久",
            birth_date="1980-01-01",
            sex="male",
            region=HOME,
        )
        client.sign_in("durable", "durable 1234")
        killer = threading.Timer(0.7, first.kill, [signal.SIGKILL])
        try:
            for number in range(100_000):
                record = reading(number)
                in_doubt = [record]
                client.me.log([record])
                acknowledged.append(record)
                if number == 0:
                    # However long the first one took.
                    killer.start()
        except (KangmaError, httpx.HTTPError):
            pass
        killer.join()
    assert acknowledged
    with serving(installation) as second, Client(second.url) as client:
        client.sign_in("durable", "durable 1234")
        kept = {record["id"] for record in client.me.records(page_size=1000)}
        assert {record["id"] for record in acknowledged} <= kept
        assert kept <= {record["id"] for record in acknowledged + in_doubt}
        again = client.me.log(acknowledged[:500])
        assert {result["status"] for result in again["results"]} == {"unchanged"}
