"""`kangma audit`: the access log's own proof."""

from dataclasses import asdict

import typer

from service.audit import actions
from service.cli.printing import Json, answer
from service.cli.rooms import open_house
from service.kit.errors import IntegrityBroken

app = typer.Typer(no_args_is_help=True, help="The access log.")


@app.command()
def verify(json: Json = False) -> None:
    """Recompute every chain of the access log; names the first broken entry."""
    with open_house() as house:
        found = house.db.read(actions.verify)
        broken = None if found is None else asdict(found)
        answer({"intact": found is None, "broken": broken}, as_json=json)
        if found is not None:
            raise IntegrityBroken
