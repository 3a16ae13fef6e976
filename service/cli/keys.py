"""`kangma keys`: the state of the keys, never the keys."""

import typer

from service.cli.printing import Json, answer
from service.cli.rooms import open_house

app = typer.Typer(no_args_is_help=True, help="Root key and keystore.")


@app.command()
def check(json: Json = False) -> None:
    """Check the root key, the keystore and a sample of keyrings."""
    with open_house() as house:
        answer(house.check_keys(), as_json=json)
