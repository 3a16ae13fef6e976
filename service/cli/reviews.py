"""`kangma reviews`: looking into emergency access afterwards. Reasons stay sealed."""

from typing import Annotated
from uuid import UUID

import typer

from service.breakglass import actions, store
from service.cli.printing import Json, answer
from service.cli.rooms import open_house

app = typer.Typer(no_args_is_help=True, help="Reviews of emergency access.")
All = Annotated[bool, typer.Option("--all", help="Closed reviews as well.")]
Id = Annotated[UUID, typer.Option("--id", help="The review's id.")]
Outcome = Annotated[str, typer.Option(help="justified or unjustified.")]
By = Annotated[str, typer.Option(help="Name of the person who reviewed.")]


@app.command("list")
def list_(closed: All = False, json: Json = False) -> None:
    """Who opened whose record and when, oldest first."""
    with open_house() as house:
        found = house.db.read(lambda connection: store.every(connection, closed=closed))
        answer({"reviews": [_shown(one) for one in found]}, as_json=json)


@app.command()
def close(review: Id, outcome: Outcome, by: By, json: Json = False) -> None:
    """Close a review; the resident is told the outcome."""
    with open_house() as house:
        closed = house.db.write(
            lambda connection: actions.close_review(
                connection, house.vault, review, outcome=outcome, reviewer=by, now=house.clock()
            )
        )
        answer(_shown(closed), as_json=json)


def _shown(review: store.Review) -> dict[str, str | None]:
    return {name: None if value is None else str(value) for name, value in review._asdict().items()}
