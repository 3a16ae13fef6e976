"""`kangma keys`: the state of the keys, never the keys."""

from dataclasses import asdict
from typing import Annotated

import typer

from service.cli.printing import Json, answer
from service.cli.rooms import open_house
from service.keys.check import check as look
from service.kit.errors import IntegrityBroken

RENEWABLE = ("jwt",)
"""Receipts and releases must stay verifiable for years, so their keys are not taken out of use."""
Renewed = Annotated[str, typer.Argument(help="Which keys: jwt.")]

app = typer.Typer(no_args_is_help=True, help="Root key and keystore.")


@app.command()
def check(json: Json = False) -> None:
    """Check the root key, the keystore and a sample of keyrings."""
    with open_house() as house:
        report = look(house.keystore)
        answer({**asdict(report), "sound": report.sound}, as_json=json)
        if not report.sound:
            raise IntegrityBroken


@app.command()
def renew(name: Renewed, json: Json = False) -> None:
    """Renew the keys that sign access tokens: the next one signs, the last one still verifies.

    Running processes take part without a restart: they know the next key beforehand, and look for
    a newer set every five minutes. Twice within that time is for a key that leaked: tokens of the
    key before last are refused then, wherever the new set has been read.
    """
    if name not in RENEWABLE:
        raise typer.BadParameter(f"one of: {', '.join(RENEWABLE)}")
    with open_house() as house:
        house.system.renew_signing_key(name)
        kids = {key.stage: key.kid for key in house.system.signing_keys(name)}
        answer(kids, as_json=json)
