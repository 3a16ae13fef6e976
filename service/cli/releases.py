"""`kangma releases`: publish the period, verify what was published."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli import files, nodes
from service.cli.printing import Json, answer
from service.cli.report import report
from service.cli.rooms import open_house
from service.domain.anonymity import specification
from service.house import House
from service.jobs import publish as publish_job
from service.jobs.contribute import contribute
from service.releases import actions as releases
from service.releases import bundles
from service.releases import plan as plans
from service.releases.artifact import Signer
from service.releases.nodes import pull as pulls
from service.releases.store import Artifact

app = typer.Typer(no_args_is_help=True, help="Anonymous releases for the city.")
AsOf = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Day to publish for (demo and test profiles only)."),
]


Cadence = Annotated[
    str | None, typer.Option(help="monthly, quarterly, communities or annual; all without it.")
]


@app.command()
def plan(json: Json = False) -> None:
    """Print how precise every table will be, before anything is spent; signs the plan."""
    with open_house() as house:
        answer(planned(house), as_json=json)


@app.command()
def publish(as_of: AsOf = None, cadence: Cadence = None, json: Json = False) -> None:
    """Rebuild contributions and publish what is due; a second run returns the same releases."""
    with open_house() as house:
        answer(publish_now(house, as_of, cadence), as_json=json)


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
    keys: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Key set of the node that FILE must be of."),
    ] = None,
    json: Json = False,
) -> None:
    """Check one exported release, or without FILE every stored one and the chain they make."""
    if file is not None:
        found = bundles.verify(bundles.read(file), None if keys is None else keys.read_bytes())
        facts = {"release_id": found["release_id"], "intact": True, "key_known": keys is not None}
        answer(facts, as_json=json)
        return
    with open_house() as house:
        own = house.db.read(releases.verify_chain)
        pulled = pulls.verify(house.db)
        answer({"releases": own, "pulled": pulled, "intact": True}, as_json=json)


app.command()(nodes.trust)
app.command()(nodes.pull)
app.command()(report)


def planned(house: House) -> dict[str, Any]:
    """The plan of a year as it will be published, signed and kept for everybody to see."""
    signer = _signer(house)
    current = specification.current()
    house.db.write(lambda connection: releases.announce(connection, current, signer, house.clock()))
    geography = publish_job.geography_of(house.regions)
    return plans.of_year(current, geography)


def publish_now(house: House, as_of: datetime | None, cadence: str | None = None) -> dict[str, Any]:
    """Contributions first, then the releases: the one-way valve and the press.

    The answer names the last release, and all of them in their order.
    """
    now = house.clock()
    contribute(house, now=now)
    made = publish_job.publish(
        house.db,
        region_tree=house.regions,
        statistics_key=house.system.secret("statistics"),
        signing_key=_signer(house),
        as_of=None if as_of is None else as_of.replace(tzinfo=UTC).date(),
        profile=house.settings.profile,
        now=now,
        cadence=cadence,
    )
    told = [_told(kept) for kept in made]
    return {**told[-1], "releases": told}


def _told(kept: Artifact) -> dict[str, Any]:
    return {
        "release_id": kept.release_id,
        "table_sha256": kept.csv_sha256,
        "manifest_sha256": kept.manifest_sha256,
        "published_at": kept.published_at.isoformat(timespec="seconds"),
        "sequence": kept.sequence,
    }


def _signer(house: House) -> Signer:
    key = house.system.signing_key("release")
    return Signer(key.kid, key.private)
