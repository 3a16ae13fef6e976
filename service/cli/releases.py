"""`kangma releases`: publish the period, verify what was published."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli import files
from service.cli.printing import Json, answer
from service.cli.rooms import open_house
from service.house import House
from service.jobs.contribute import contribute
from service.jobs.publish import publish as publish_job
from service.releases import actions as releases
from service.releases import bundles
from service.releases.artifact import Signer

app = typer.Typer(no_args_is_help=True, help="Anonymous releases for the city.")
AsOf = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Day to publish for (demo and test profiles only)."),
]


@app.command()
def publish(as_of: AsOf = None, json: Json = False) -> None:
    """Rebuild contributions and publish the period; a second run returns the same release."""
    with open_house() as house:
        answer(publish_now(house, as_of), as_json=json)


@app.command()
def export(
    release_id: Annotated[str, typer.Argument(help="As `GET /v1/city/releases` names it.")],
    to: Annotated[Path, typer.Option(help="New zip file to write to.")],
    json: Json = False,
) -> None:
    """Write a release with all it takes to check it; clients/verifiers/release.py does so."""
    with open_house() as house:
        packed = house.db.read(lambda connection: bundles.pack(connection, release_id))
        # Published for everybody, unlike what other commands write.
        with os.fdopen(files.make(to, 0o644), "wb") as file:
            file.write(packed)
        answer({"release_id": release_id, "bytes": len(packed), "file": str(to)}, as_json=json)


@app.command()
def verify(
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, help="A release that was exported, of this node or another."),
    ] = None,
    json: Json = False,
) -> None:
    """Check one exported release, or without FILE every stored one and the chain they make."""
    if file is not None:
        found = bundles.verify(bundles.read(file))
        answer({"release_id": found["release_id"], "intact": True}, as_json=json)
        return
    with open_house() as house:
        answer({"releases": house.db.read(releases.verify_chain), "intact": True}, as_json=json)


def publish_now(house: House, as_of: datetime | None) -> dict[str, Any]:
    """Contributions first, then the release: the one-way valve and the press."""
    now = house.clock()
    contribute(house, now=now)
    key = house.system.signing_key("release")
    return publish_job(
        house.db,
        region_tree=house.regions,
        statistics_key=house.system.secret("statistics"),
        signing_key=Signer(key.kid, key.private),
        as_of=None if as_of is None else as_of.replace(tzinfo=UTC).date(),
        profile=house.settings.profile,
        now=now,
    )
