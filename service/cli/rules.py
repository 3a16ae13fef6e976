"""`kangma rules`: the rule pack in force, what another would change, and putting it in force."""

import json as spelled
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.printing import Json, answer
from service.cli.rooms import open_house
from service.domain.risk.rules import PackRefused, Rules, in_force, read
from service.jobs.rules import follow, trial
from service.prompts import packs

app = typer.Typer(no_args_is_help=True, help="Which level each published category gives.")
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Rule pack (JSON).")]


@app.command()
def show() -> None:
    """Print the pack in force as a document, to be changed under a new name."""
    with open_house() as house:
        follow(house)
        print(spelled.dumps(in_force().document, ensure_ascii=False, indent=1))


@app.command()
def preview(file: File, json: Json = False) -> None:
    """Say how many residents would change level, of those who agree to be counted."""
    wanted = _read(file)
    with open_house() as house:
        follow(house)
        answer(trial(house, wanted, now=house.clock()).as_facts(), as_json=json)


@app.command()
def activate(file: File, json: Json = False) -> None:
    """Check, sign and keep a pack; every process judges by it within a minute."""
    wanted = _read(file)
    with open_house() as house:
        try:
            packs.activate(house.settings.data, house.system, wanted.document)
        except PackRefused as refusal:
            raise _refused(refusal) from None
        follow(house)
        answer({"pack": in_force().pack, "activated": True}, as_json=json)


def _read(file: Path) -> Rules:
    try:
        document: Any = spelled.loads(file.read_text("utf-8"))
        return read(document)
    except PackRefused as refusal:
        raise _refused(refusal) from None
    except ValueError:
        raise typer.BadParameter("the file is no JSON document") from None


def _refused(refusal: PackRefused) -> typer.BadParameter:
    return typer.BadParameter(str(refusal))
