"""`kangma people`: practitioners and machine clients. Credentials are printed once."""

from typing import Annotated

import typer

from service.cli.printing import Json, answer
from service.cli.rooms import open_house
from service.identity import actions

app = typer.Typer(no_args_is_help=True, help="Who may sign in besides residents.")
Login = Annotated[str, typer.Option(help="Name to sign in with.")]
Name = Annotated[str, typer.Option(help="Name shown to residents.")]
Clinic = Annotated[str, typer.Option(help="Clinic, as residents know it.")]
Role = Annotated[str, typer.Option(help="Audience of the client: city.")]


@app.command("add-doctor")
def add_doctor(login: Login, name: Name, clinic: Clinic, json: Json = False) -> None:
    """Let a practitioner sign in; prints the one-time password."""
    with open_house() as house:
        made = house.db.write(
            lambda connection: actions.add_doctor(
                connection, house.system, login=login, name=name, clinic=clinic, now=house.clock()
            )
        )
        answer(made, as_json=json)


@app.command("add-client")
def add_client(role: Role, name: Name, json: Json = False) -> None:
    """Let a machine sign in; prints its one-time secret."""
    with open_house() as house:
        made = house.db.write(
            lambda connection: actions.add_client(
                connection, house.system, role=role, name=name, now=house.clock()
            )
        )
        answer(made, as_json=json)
