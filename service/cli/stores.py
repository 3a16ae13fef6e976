"""`kangma init` and `kangma db`: folders, keys, migrations."""

import typer

from service import migrations
from service.cli.printing import Json, answer
from service.house import prepare
from service.kit.db import open_engine
from service.kit.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The two databases.")


def init(json: Json = False) -> None:
    """Make the data folder, the root key and both databases; a second run changes nothing."""
    settings = Settings()
    prepare(settings)
    answer({"data": str(settings.data.resolve()), "profile": settings.profile}, as_json=json)


@app.command()
def upgrade(json: Json = False) -> None:
    """Bring both databases to the newest shape."""
    settings = Settings()
    for store, url in (("data", settings.data_store_url), ("keystore", settings.keys_url)):
        engine = open_engine(url)
        migrations.upgrade("data" if store == "data" else "keystore", engine)
        engine.dispose()
    answer({"upgraded": ["data", "keystore"]}, as_json=json)
