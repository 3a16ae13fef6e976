"""`kangma people`: practitioners and machine clients. Credentials are printed once."""

import json as codec
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import typer
from sqlalchemy import Connection

from service.cli.printing import Json, answer
from service.cli.rooms import open_house
from service.clinics.actions import DEFAULT_ROLE, ROLES
from service.identity import actions, own_password
from service.identity.federation import actions as federation
from service.identity.passkeys import store as passkeys
from service.kit.errors import NotFound
from service.panel import actions as panel

app = typer.Typer(no_args_is_help=True, help="Who may sign in besides residents.")
Login = Annotated[str, typer.Option(help="Name to sign in with.")]
Name = Annotated[str, typer.Option(help="Name shown to residents.")]
Clinic = Annotated[str, typer.Option(help="Clinic, as residents know it.")]
Role = Annotated[str, typer.Option(help="Audience of the client: city.")]
Post = Annotated[str, typer.Option("--role", help=f"One of {', '.join(ROLES)}.")]
Practitioner = Annotated[UUID, typer.Option("--id", help="The practitioner's id.")]
Subject = Annotated[str, typer.Option(help="The account's `sub` at the identity provider.")]
Key = Annotated[
    str | None,
    typer.Option(help="generate, secret, or a file with the public JWK of the machine's own key."),
]


@app.command("add-doctor")
def add_doctor(
    login: Login, name: Name, clinic: Clinic, role: Post = DEFAULT_ROLE, json: Json = False
) -> None:
    """Let a practitioner sign in; prints the one-time password and the clinic's id."""
    with open_house() as house:
        made = house.db.write(
            lambda connection: actions.add_doctor(
                connection,
                house.system,
                login=login,
                name=name,
                clinic=clinic,
                role=role,
                now=house.clock(),
            )
        )
        answer(made, as_json=json)


@app.command("move-doctor")
def move_doctor(
    practitioner: Practitioner, clinic: Clinic, role: Post = DEFAULT_ROLE, json: Json = False
) -> None:
    """Let a practitioner work at another clinic or in another role; the next request knows."""

    def move(connection: Connection) -> dict[str, str]:
        now = house.clock()
        moved = actions.move_practitioner(
            connection, practitioner, clinic=clinic, role=role, now=now
        )
        panel.clear(connection, practitioner)
        return moved

    with open_house() as house:
        answer(house.db.write(move), as_json=json)


@app.command("disable-doctor")
def disable_doctor(practitioner: Practitioner, json: Json = False) -> None:
    """Let a practitioner in no more; the next request knows."""

    def disable(connection: Connection) -> dict[str, str]:
        actions.disable_practitioner(connection, practitioner, now=house.clock())
        panel.clear(connection, practitioner)
        return {"practitioner_id": str(practitioner), "status": "disabled"}

    with open_house() as house:
        answer(house.db.write(disable), as_json=json)


@app.command("add-client")
def add_client(role: Role, name: Name, key: Key = None, json: Json = False) -> None:
    """Let a machine sign in by a key of its own; prints what is secret once.

    In production a key is made unless told otherwise, elsewhere a secret.
    """
    with open_house() as house:
        asked = key or ("generate" if house.settings.profile == "production" else "secret")
        made = house.db.write(
            lambda connection: actions.add_client(
                connection,
                house.system,
                role=role,
                name=name,
                now=house.clock(),
                key=_public_key(asked),
            )
        )
        answer(made, as_json=json)


def _public_key(asked: str) -> dict[str, Any] | Literal["generate"] | None:
    if asked == "secret":
        return None
    if asked == "generate":
        return "generate"
    try:
        found = codec.loads(Path(asked).read_text("utf-8"))
    except (OSError, ValueError):
        raise typer.BadParameter("no readable JWK file") from None
    return found if isinstance(found, dict) else {}


@app.command("link-oidc")
def link_oidc(login: Login, subject: Subject, json: Json = False) -> None:
    """Let a practitioner sign in with their account at the city's identity provider."""
    with open_house() as house:
        issuer = house.settings.oidc_issuer
        if not issuer:
            raise typer.BadParameter("KANGMA_OIDC_ISSUER is not set")
        made = house.db.write(
            lambda connection: federation.link(
                connection, house.system, login=login, issuer=issuer, subject=subject
            )
        )
        answer(made, as_json=json)


@app.command("reset-password")
def reset_password(login: Login, json: Json = False) -> None:
    """Give a practitioner who lost theirs a one-time password; never a resident. Printed once.

    Every sign-in of theirs ends; their passkeys stay.
    """
    with open_house() as house:
        made = house.db.write(
            lambda connection: own_password.reset(
                connection,
                house.system,
                login=login,
                passwords=house.passwords,
                now=house.clock(),
            )
        )
        answer(made, as_json=json)


@app.command("drop-passkeys")
def drop_passkeys(login: Login, json: Json = False) -> None:
    """Remove every passkey of somebody who lost them; a password then enrols the next one."""
    with open_house() as house:
        tag = actions.tag_of(house.system, login)

        def drop(connection: Connection) -> dict[str, int]:
            found = actions.login(connection, tag)
            if found is None:
                raise NotFound
            actions.end_all(connection, found.subject, house.clock())
            return {"removed": passkeys.drop_of(connection, found.subject)}

        answer(house.db.write(drop), as_json=json)
