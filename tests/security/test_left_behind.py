"""P5 on real processes: nothing a person told lies anywhere once they have told it.

A real server on either database serves a person whose name, login, values, codes and ids nobody
else has. Then every byte that is left is searched: both databases with journals and write-ahead
logs, PostgreSQL's own files and the memory of its processes, temporary files, the server's log, and
what a crash leaves.
"""

import gzip
import os
import resource
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from kangma_client import Client
from service.cli.demo import city
from tests.journeys.server import Installation, install, serving
from tests.security.search import hits, spellings, spellings_of_id

HOME = next(row["code"] for row in city.regions()["regions"] if row["level"] == "community")
START = (datetime.now(UTC) - timedelta(days=1)).isoformat()


@dataclass(frozen=True)
class Told:
    """What one person told, in words nobody else uses."""

    login: str = field(default_factory=lambda: f"login-{secrets.token_hex(8)}")
    name: str = field(default_factory=lambda: f"欧阳{secrets.token_hex(6)}")
    note: str = field(default_factory=lambda: f"备注 {secrets.token_hex(8)}")
    password: str = field(default_factory=lambda: f"pass-{secrets.token_hex(10)}")
    record: str = field(default_factory=lambda: str(uuid4()))
    weight: float = field(default_factory=lambda: 60 + secrets.randbelow(10**4) / 10**4 + 1e-7)

    def needles(self) -> set[bytes]:
        words = [self.login, self.name, self.note, self.password, repr(self.weight)]
        found = {spelled for word in words for spelled in spellings(word)}
        return found | set(spellings_of_id(self.record))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def served(database_url: str, keystore_url: str, tmp_path: Path) -> Iterator[Installation]:
    installation = install(tmp_path, database_url, keystore_url)
    folder = tmp_path / "tmp"
    folder.mkdir()
    installation.environment |= {"TMPDIR": str(folder), "KANGMA_LOG_LEVEL": "debug"}
    with serving(installation) as running:
        yield running


def live(server: Installation, told: Told) -> None:
    with Client(server.url) as client:
        client.register(
            login=told.login,
            password=told.password,
            name=told.name,
            birth_date="1980-05-17",
            sex="female",
            region=HOME,
        )
        client.sign_in(told.login, told.password)
        client.me.log(records(told))
        assert client.me.prompt()["factors"]
        assert client.me.record(told.record)["note"] == told.note


def records(told: Told) -> list[dict[str, Any]]:
    observed = {"kind": "observation", "start": START}
    return [
        {**observed, "id": told.record, "values": {"body_weight": told.weight}, "note": told.note},
        {
            **observed,
            "values": {"systolic_bp": 181.5, "diastolic_bp": 101, "hiv_screen": "positive"},
        },
        {"kind": "condition", "start": START, "code": "hiv_infection", "status": "active"},
    ]


def files(folder: Path) -> Iterator[Path]:
    # Databases of other tests on the same server come and go meanwhile; theirs are not searched.
    for place, _, names in os.walk(folder, onerror=_gone):
        for name in names:
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def searched(folder: Path, needles: set[bytes]) -> dict[str, set[bytes]]:
    """What was found in which file."""
    found = {}
    for path in files(folder):
        try:
            seen = hits(path.read_bytes(), needles)
        except FileNotFoundError:
            continue
        if seen:
            found[path.name] = seen
    return found


def test_nothing_a_person_told_is_left_behind(served: Installation, told: Told) -> None:
    """One life of one server: its files, PostgreSQL's files and memory, and then a crash."""
    live(served, told)
    words = {spelled for code in ("hiv_infection", "hiv_screen") for spelled in spellings(code)}
    assert searched(served.folder, told.needles() | words) == {}
    folder = data_directory(served)
    if folder is not None:
        assert searched(folder, told.needles()) == {}
        if os.geteuid() == 0:
            assert remembered(folder, told.needles()) == set()
    assert core_after_a_crash(served) == []


def remembered(folder: Path, needles: set[bytes]) -> set[bytes]:
    """What lies in the memory of PostgreSQL's processes, as cores of them would show it."""
    found: set[bytes] = set()
    seen = 0
    for number, process in enumerate(postgres_processes(folder)):
        # All of them map the same shared buffers: once is enough.
        for piece in memory(process, shared=number == 0):
            found |= hits(piece, needles)
            seen += len(piece)
    assert seen > 1 << 20
    return found


def core_after_a_crash(server: Installation) -> list[Path]:
    assert server.process is not None
    limits = Path(f"/proc/{server.process.pid}/limits").read_text().splitlines()
    assert [line.split()[4] for line in limits if "core file" in line] == ["0"]
    server.kill(signal.SIGABRT)
    server.process.wait(timeout=120)
    return list(server.folder.glob("core*"))


def data_directory(server: Installation) -> Path | None:
    url = server.environment["KANGMA_DATABASE_URL"]
    if url.startswith("sqlite"):
        return None
    engine = create_engine(url)
    with engine.connect() as connection:
        folder = Path(connection.execute(text("SHOW data_directory")).scalar_one())
        connection.commit()
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as quiet:
            quiet.execute(text("CHECKPOINT"))
    engine.dispose()
    return folder if os.access(folder, os.R_OK | os.X_OK) else None


def postgres_processes(folder: Path) -> list[int]:
    """The server's first process, named in its lock file, and all its children."""
    first = int((folder / "postmaster.pid").read_text().splitlines()[0])
    found = [first]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        if parent == first:
            found.append(int(stat.parent.name))
    return found


def memory(process: int, *, shared: bool) -> Iterator[bytes]:
    """The memory a process has written to, as a core would hold it, without empty pages."""
    try:
        maps = Path(f"/proc/{process}/maps").read_text().splitlines()
        with open(f"/proc/{process}/mem", "rb", buffering=0) as whole:
            for line in maps:
                span, rights = line.split()[:2]
                low, high = (int(end, 16) for end in span.split("-"))
                if not rights.startswith("rw") or (rights[3] == "s" and not shared):
                    continue
                try:
                    whole.seek(low)
                    yield whole.read(high - low).replace(bytes(4096), b"")
                except OSError:
                    continue
    except OSError:
        return


# Elsewhere the kernel hands a core to a program of its own, and no file of it can be looked for.
@pytest.mark.skipif(
    sys.platform != "linux" or Path("/proc/sys/kernel/core_pattern").read_text().strip() != "core",
    reason="only where the kernel writes cores into the working folder can one be looked for",
)
def test_a_process_that_does_not_forbid_it_leaves_one(tmp_path: Path) -> None:
    """The search for a core would find nothing either where none is ever written."""
    program = "import os; {}os.abort()"
    forbidden = "from service.kit import cores; cores.forbid(); "
    for how, left in (("", 1), (forbidden, 0)):
        folder = tmp_path / str(left)
        folder.mkdir()
        subprocess.run(
            [sys.executable, "-c", program.format(how)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
            preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2
            ),
            check=False,
        )
        assert len(list(folder.glob("core*"))) == left


def test_the_search_finds_what_lies_open_or_compressed(tmp_path: Path, told: Told) -> None:

    for number, spelled in enumerate(told.needles()):
        (tmp_path / f"{number}").write_bytes(b"before" + spelled + b"after")
        (tmp_path / f"{number}.gz").write_bytes(b"x" * 99 + gzip.compress(b"before" + spelled))
    assert len(searched(tmp_path, told.needles())) == 2 * len(told.needles())
