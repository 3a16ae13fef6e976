"""The machine a run was made on, and the processor time its processes took (Linux)."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PACKAGES = ("fastapi", "uvicorn", "uvloop", "httptools", "sqlalchemy", "psycopg", "cryptography")


def described() -> dict[str, str]:
    """Cores, kernel, Python and the packages that matter here."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "cpu": cpu,
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


@dataclass
class Spent:
    """Seconds of processor time by kind of process."""

    service: float = 0.0
    postgres: float = 0.0
    other: float = 0.0
    """Everything else on the machine, the load generator included."""
    idle: float = 0.0


def _times() -> dict[int, tuple[str, int, float]]:
    """Name, parent and seconds of every process there is."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue
        name = stat[stat.index("(") + 1 : stat.rindex(")")]
        fields = stat[stat.rindex(")") + 2 :].split()
        found[int(entry.name)] = name, int(fields[1]), (int(fields[11]) + int(fields[12])) / TICK
    return found


def single_threaded(root: int) -> float:
    """Seconds of a tree of processes with one thread each, to the nanosecond: PostgreSQL's."""
    taken = 0
    for pid in _under(root, _times()):
        with suppress(OSError):
            taken += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    return taken / 1e9


def child(word: str) -> int:
    """The process started by this one that has a word among its arguments."""
    for pid, (_, parent, _) in _times().items():
        if parent == os.getpid():
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if word.encode() in arguments:
                return pid
    raise RuntimeError(f"no process of ours has {word} among its arguments")


def _under(root: int, times: dict[int, tuple[str, int, float]]) -> set[int]:
    family = {root}
    while True:
        more = {pid for pid, (_, parent, _) in times.items() if parent in family} - family
        if not more:
            return family
        family |= more


@contextmanager
def watching(service: int, postgres: int) -> Iterator[Spent]:
    """Processor time taken inside the block by two trees of processes and by all others."""
    spent = Spent()
    before, busy, idle = _times(), *_cores()
    yield spent
    after = _times()
    for root, name in ((service, "service"), (postgres, "postgres")):
        took = sum(after[pid][2] - before.get(pid, ("", 0, 0.0))[2] for pid in _under(root, after))
        setattr(spent, name, took)
    busy_after, idle_after = _cores()
    spent.other = max(0.0, busy_after - busy - spent.service - spent.postgres)
    spent.idle = idle_after - idle


def _cores() -> tuple[float, float]:
    """Seconds that all cores together were busy and idle since the start of the machine."""
    user, nice, system, idle, waiting, irq, soft, *_ = (
        int(text) for text in Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    )
    return (user + nice + system + irq + soft) / TICK, (idle + waiting) / TICK
