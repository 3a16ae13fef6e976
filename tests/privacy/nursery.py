"""A process that bears publishers and lets them be killed: `python -m tests.privacy.nursery URL`.

It has imported everything and holds no connection and no thread, so a fork of it is a publisher
within milliseconds. Each line on its input is a round: publishers that start at the same moment,
each with the step before which it kills itself, or none. Each line of its output tells how they
ended. What they drew and what they returned they write to a file themselves, before and after.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Any

from sqlalchemy import event

from service.contributions import actions as contributions
from service.domain.anonymity import noise
from service.domain.anonymity.specification import current
from service.kit.db import Database
from service.kit.errors import Conflict
from service.releases import actions, artifact, calendar, manifest, store
from tests.city_room import publish_here

NEVER = 1_000_000
STEPS: tuple[tuple[Any, str], ...] = (
    (store, "artifact"),
    (contributions, "read_all"),
    (store, "specification"),
    (store, "add_specification"),
    (store, "locked_charge_of"),
    (store, "open_budget"),
    (store, "spend"),
    (store, "add_charge"),
    (store, "add_attempt"),
    (noise, "draw"),
    (actions, "rows_of"),
    (store, "latest"),
    (artifact, "csv_bytes"),
    (manifest, "build"),
    (artifact, "sign"),
    (store, "add_artifact"),
)
"""Before and after each of these, and of every commit, a publisher may die."""


class Publisher:
    """A forked process: one run of the publishing job that dies at its n-th step."""

    def __init__(self, url: str, diary: str, round_: dict[str, Any], number: int) -> None:
        self._url = url
        self._cadence = round_["cadences"][number]
        self._as_of = date.fromisoformat(round_["as_of"][number])
        self._left = round_["steps"][number] or NEVER
        self._is_careless = round_["careless"]
        self._door = threading.Lock()
        self._diary = os.open(diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def live(self) -> int:
        (period,) = calendar.due(
            current(), today=self._as_of, as_of=self._as_of, profile="test", cadence=self._cadence
        )
        self._watch(period.release_id)
        db = Database(self._url)
        whole = db.engine.dialect.do_commit

        def commit(connection: Any) -> None:
            self._step()
            whole(connection)
            self._step()

        db.engine.dialect.do_commit = commit  # type: ignore[method-assign]
        event.listen(db.engine, "begin", lambda _: self._step())
        try:
            made = publish_here(db, cadence=self._cadence, as_of=self._as_of)
        except Conflict as refused:
            self._note("refused", period.release_id, refused.code)
            return 3
        self._note("returned", made.release_id, made.csv_sha256 + made.manifest_sha256)
        return 0

    def _watch(self, release_id: str) -> None:
        if self._is_careless:
            # A publisher that redraws in secret, for the test that the audit finds it.
            store.add_attempt = lambda conn, release_id, now: 1  # type: ignore[assignment]
        for module, name in STEPS:
            setattr(module, name, self._stepping(getattr(module, name)))
        draw = noise.draw

        def noted(*arguments: Any) -> Any:
            self._note("drawn", release_id, "")
            return draw(*arguments)

        noise.draw = noted  # type: ignore[assignment]

    def _stepping(self, whole: Callable[..., Any]) -> Callable[..., Any]:
        def stepping(*arguments: Any, **options: Any) -> Any:
            self._step()
            found = whole(*arguments, **options)
            self._step()
            return found

        return stepping

    def _step(self) -> None:
        with self._door:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def _note(self, *words: str) -> None:
        os.write(self._diary, f"{' '.join(words)}\n".encode())


def bear(url: str, diary: str, round_: dict[str, Any]) -> list[int]:
    """Fork the publishers of a round, let them start together; their wait statuses."""
    ready, go = os.pipe()
    children = []
    for number in range(len(round_["cadences"])):
        child = os.fork()
        if child == 0:
            status = 1
            with suppress(BaseException):
                os.close(go)
                os.read(ready, 1)
                status = Publisher(url, diary, round_, number).live()
            os._exit(status)
        children.append(child)
    # Closing the last writing end wakes all of them at once.
    os.close(go)
    os.close(ready)
    return [os.waitpid(child, 0)[1] for child in children]


def main() -> None:
    url, diary = sys.argv[1:]
    for line in sys.stdin:
        sys.stdout.write(json.dumps(bear(url, diary, json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
