"""`kangma audit`: the access log's own proof, and copies of it for others to keep."""

import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated

import typer

from consent.vocabulary import Text
from service.audit import actions
from service.cli import files
from service.cli.printing import Json, answer
from service.cli.rooms import open_house
from service.jobs import checkpoint as checkpoints
from service.jobs import reconcile as reconciling
from service.kit.errors import IntegrityBroken, NotFound

app = typer.Typer(no_args_is_help=True, help="The access log.")
NOTHING = Text("日志还是空的。", "The log is empty so far.")
NO_TEXT = Text("该文件不是检查点文本。", "A file of checkpoints is not text.")
Copies = Annotated[
    list[Path] | None,
    typer.Option(
        "--checkpoint",
        exists=True,
        dir_okay=False,
        help="Checkpoints kept elsewhere, one a line; may be given more than once.",
    ),
]


@app.command()
def verify(copies: Copies = None, json: Json = False) -> None:
    """Recompute chains, tree and checkpoints; names the first entry that is not as written."""
    kept = [line for path in copies or () for line in _checkpoints(path)]
    with open_house() as house:
        found = checkpoints.prove(house, kept)
        broken = None if found is None else asdict(found)
        answer({"intact": found is None, "broken": broken}, as_json=json)
        if found is not None:
            raise IntegrityBroken


@app.command()
def checkpoint(json: Json = False) -> None:
    """Sign what the log is now; prints the newest checkpoint, for others to keep."""
    with open_house() as house:
        checkpoints.make(house, now=house.clock())
        newest = house.db.read(actions.newest)
        if newest is None:
            raise NotFound(NOTHING)
        told = {"number": newest.number, "size": newest.size, "at": newest.at.isoformat()}
        answer({**told, "checkpoint": newest.text}, as_json=json)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="New file to write to.")], json: Json = False
) -> None:
    """Write the whole log with its checkpoints into a signed file, for auditors alone.

    It tells who looked at whose data, never at which classes; it is made readable for its owner
    only. clients/verifiers/whole_log.py checks it.
    """
    with open_house() as house:
        with _new(file) as into:
            size = checkpoints.export(house, into, now=house.clock())
        answer({"entries": size, "file": str(file)}, as_json=json)


@app.command()
def reconcile(
    day: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="A day of the city, best a past one.")
    ],
    json: Json = False,
) -> None:
    """Compare the classes that the vault opened for others with those that entries tell of."""
    with open_house() as house:
        found = reconciling.reconcile(house, day.date())
        answer(reconciling.report(found), as_json=json)
        if not found.sound:
            raise IntegrityBroken


def _checkpoints(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").split()
    except (OSError, UnicodeDecodeError):
        raise files.FileRefused(NO_TEXT) from None


def _new(file: Path) -> IO[str]:
    # Never over a file that is there: it may be the copy that proves a fork.
    return os.fdopen(files.make(file), "w", encoding="utf-8")
