"""`kangma init` and `kangma db`: folders, keys, migrations, verification, backups."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from service import migrations
from service.cli.printing import Json, answer, console
from service.cli.rooms import open_house
from service.house import prepare
from service.jobs import backup as backups
from service.kit.engines import open_engine
from service.kit.errors import IntegrityBroken
from service.kit.settings import Settings
from service.upkeep import verify as upkeep

app = typer.Typer(no_args_is_help=True, help="The two databases.")

OfKeystore = Annotated[
    bool, typer.Option("--keystore", help="The keystore instead of the data store.")
]
Folder = Annotated[Path, typer.Argument(help="A folder for one backup.")]
Shut = Annotated[
    bool, typer.Option(help="Shut everybody else out until each resident opens their file again.")
]


def init(json: Json = False) -> None:
    """Make the data folder, the root key and both databases; a second run changes nothing."""
    settings = Settings()
    prepare(settings)
    answer({"data": str(settings.data.resolve()), "profile": settings.profile}, as_json=json)


@app.command()
def upgrade(json: Json = False) -> None:
    """Bring both databases to the newest shape."""
    settings = Settings()
    for store, url in (("data", settings.owning_url), ("keystore", settings.keys_url)):
        engine = open_engine(url)
        migrations.upgrade("data" if store == "data" else "keystore", engine)
        engine.dispose()
    answer({"upgraded": ["data", "keystore"]}, as_json=json)


@app.command()
def verify(json: Json = False) -> None:
    """Open every sealed value, drop it, and name each row that is not as it was written."""
    with open_house() as house:
        seen = upkeep.verify(house.db, house.vault, house.system.secret("statistics"))
    facts = {"opened": seen.opened, "intact": not seen.faults}
    answer({**facts, "faults": [asdict(fault) for fault in seen.faults]}, as_json=json)
    if seen.faults:
        raise IntegrityBroken


@app.command()
def backup(folder: Folder, keystore: OfKeystore = False, json: Json = False) -> None:
    """Copy one of the two databases while it is in use; never both into one folder."""
    answer(backups.save(Settings(), folder, keystore=keystore), as_json=json)


@app.command()
def restore(
    folder: Folder, keystore: OfKeystore = False, shut: Shut = False, json: Json = False
) -> None:
    """Put a backup in the place of a database, with the service stopped.

    After the data store everything erased since is erased again from the keystore's tombstones.
    """
    facts = backups.restore(Settings(), folder, keystore=keystore, shut=shut)
    if not json and not keystore:
        console.print("Withdrawals made after the backup are not in it; see docs/operations.md.")
    answer(facts, as_json=json)
