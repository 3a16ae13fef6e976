"""A real server: prepared by the command line, run as processes of its own, stopped at the end."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from service.cli.demo import city
from service.kit.settings import Settings
from tests.journeys import warm

KANGMA = Path(sys.executable).parent / "kangma"


@dataclass
class Installation:
    """One deployment as its operator sees it: a folder, two databases, a command line."""

    folder: Path
    environment: dict[str, str]
    """What commands are given; the server gets no login but its own."""
    url: str = ""
    process: subprocess.Popen[bytes] | None = None

    def kill(self, number: int) -> None:
        """Send a signal to the server process."""
        assert self.process is not None
        self.process.send_signal(number)

    def kangma(self, *arguments: str) -> dict[str, Any]:
        """What a command answers with `--json`."""
        done = self._run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def refused(self, *arguments: str) -> str:
        """The sentence with which a command is refused; its last line, and no traceback."""
        done = self._run(*arguments)
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr
        sentence = done.stderr.splitlines()[-1]
        # In English and in Chinese, with nothing of the machinery in either.
        assert re.fullmatch(r"[A-Z].+[.] [^A-Z].*。", sentence), done.stderr
        assert "Error" not in sentence
        return sentence

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return warm.run(arguments, self.environment, self.folder)

    def settings(self) -> Settings:
        """The same settings inside this process, to look at what lies in the databases."""
        named = {
            name.removeprefix("KANGMA_").lower(): value
            for name, value in self.environment.items()
            if name.startswith("KANGMA_") and name != "KANGMA_TEST_POSTGRES"
        }
        return Settings.model_validate(named)


PORTS = range(16_384, 32_768)
_asked = count()
COMMANDS = ("KANGMA_OWNER_URL", "KANGMA_OPERATOR_URL", "KANGMA_BACKUP_URL")
"""Settings that are for the command line alone."""


def install(
    folder: Path, database_url: str, keystore_url: str, logins: dict[str, str] | None = None
) -> Installation:
    """Initialise a deployment with the regions of the fictional city.

    `logins` are addresses of the data store for the command line, by setting.
    """
    environment = {
        **os.environ,
        "KANGMA_DATA": str(folder / "data"),
        "KANGMA_DATABASE_URL": database_url,
        "KANGMA_KEYSTORE_URL": keystore_url,
        "KANGMA_KEK": f"file:{folder / 'keys' / 'kek.json'}",
        "KANGMA_PROFILE": "test",
        **(logins or {}),
    }
    made = Installation(folder, environment)
    made.kangma("init")
    regions = folder / "regions.json"
    regions.write_text(json.dumps(city.regions()), encoding="utf-8")
    made.kangma("regions", "load", str(regions))
    return made


@contextmanager
def serving(installation: Installation, *, workers: int = 1) -> Iterator[Installation]:
    """Serve it on a free port until the block ends; a copy of it may be served beside it."""
    port = free_port()
    log = (installation.folder / f"server-{port}.log").open("wb")
    process = subprocess.Popen(
        [KANGMA, "serve", "--port", str(port), "--workers", str(workers)],
        env={
            name: value for name, value in installation.environment.items() if name not in COMMANDS
        },
        cwd=installation.folder,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    installation.url = f"http://127.0.0.1:{port}"
    installation.process = process
    try:
        _wait(installation, process, Path(log.name))
        yield installation
    finally:
        process.terminate()
        process.wait(timeout=120)
        log.close()


def free_port() -> int:
    """A port that nobody else takes before the server does.

    The system gives away others, from 32768 on Linux; processes of a run begin at different ones.
    """
    for number in _asked:
        port = PORTS[(os.getpid() * 101 + number) % len(PORTS)]
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("the numbers never end")


def _wait(installation: Installation, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < end:
        try:
            if httpx.get(f"{installation.url}/readyz", timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError(log.read_text(encoding="utf-8")[-4000:])
