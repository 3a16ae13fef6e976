"""`kangma appeals`: how many wait for an answer. What they are about and why stays sealed."""

import typer

from service.cli.printing import Json, answer
from service.cli.rooms import open_house
from service.jobs.appeals import standing

app = typer.Typer(no_args_is_help=True, help="Appeals of residents, counted.")


@app.callback()
def appeals() -> None:
    """Keeps `overdue` a command of its own, beside others to come."""


@app.command()
def overdue(json: Json = False) -> None:
    """How many appeals wait, are overdue, and are overdue with nobody who may read them."""
    with open_house() as house:
        answer(standing(house, now=house.clock())._asdict(), as_json=json)
