"""`kangma regions`: the divisions of the city."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.printing import Json, answer
from service.domain.regions import RegionTree
from service.house import REGIONS_FILE
from service.kit.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The divisions of the city.")
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Region file (JSON).")]


@app.command()
def load(file: File, json: Json = False) -> None:
    """Check a region file and put it into the data folder."""
    text = file.read_text(encoding="utf-8")
    tree = RegionTree.from_json(text)
    target = Settings().data / REGIONS_FILE
    target.write_text(text, encoding="utf-8")
    answer({"regions": len(tree), "file": str(target)}, as_json=json)
