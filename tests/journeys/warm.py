"""Commands without their start: a process that has imported them, and forks for each one.

A command of an operator needs a second and a half before its first line, nearly all of it imports.
What it does after that is the same here: a process of its own, with its own arguments, environment,
folder, standard output and exit status. Servers, and commands that are killed or run beside each
other, are started from nothing, so that the start itself stays proven.
"""

import atexit
import gc
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
_one_at_a_time = threading.Lock()
_warm: "subprocess.Popen[str] | None" = None


def run(
    arguments: tuple[str, ...], environment: dict[str, str], folder: Path, told: str = ""
) -> subprocess.CompletedProcess[str]:
    """`kangma` with these arguments, told this on standard input; what it printed, how it ended."""
    with TemporaryDirectory() as aside:
        asked, *said = [Path(aside, name) for name in ("stdin", "stdout", "stderr")]
        asked.write_text(told, "utf-8")
        wish = [arguments, environment, str(folder), *map(str, (asked, *said))]
        with _one_at_a_time:
            status = int(_asked(json.dumps(wish)))
        printed = [file.read_text("utf-8") for file in said]
    return subprocess.CompletedProcess(arguments, status, *printed)


def _asked(line: str) -> str:
    global _warm
    if _warm is None:
        _warm = subprocess.Popen(
            [sys.executable, __file__],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(_let_go, _warm)
    assert _warm.stdin is not None
    assert _warm.stdout is not None
    _warm.stdin.write(f"{line}\n")
    _warm.stdin.flush()
    return _warm.stdout.readline()


def _let_go(warm: "subprocess.Popen[str]") -> None:
    warm.communicate()


def _fork(wish: str) -> int | None:
    """The exit status of the command, or None in the process that is to run it."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    arguments, environment, folder, *streams = json.loads(wish)
    for number, place in enumerate(streams):
        how = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        opened = os.open(place, how, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["kangma", *arguments]
    return None


def _serve() -> None:
    import alembic.command  # noqa: F401  # what commands import when they need it
    import pyarrow.parquet  # noqa: F401

    from service.cli import main
    from service.cli.commands import tree

    tree()
    # Else the first look for garbage in each child copies every page.
    gc.freeze()
    for wish in sys.stdin:
        status = _fork(wish)
        if status is None:
            main()
            return
        print(status, flush=True)


if __name__ == "__main__":
    _serve()
