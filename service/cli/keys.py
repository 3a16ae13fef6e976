"""`kangma keys`: the state of the keys, never the keys."""

from dataclasses import asdict

import typer

from service.cli.printing import Json, answer
from service.cli.rooms import open_house
from service.keys.check import check as look
from service.kit.errors import IntegrityBroken

app = typer.Typer(no_args_is_help=True, help="Root key and keystore.")


@app.command()
def check(json: Json = False) -> None:
    """Check the root key, the keystore and a sample of keyrings."""
    with open_house() as house:
        report = look(house.keystore)
        answer({**asdict(report), "sound": report.sound}, as_json=json)
        if not report.sound:
            raise IntegrityBroken
