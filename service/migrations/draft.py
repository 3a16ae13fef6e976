"""Draft the next step from the tables: `python -m service.migrations.draft data MESSAGE`.

A draft is a beginning: read it, and write what it could not know (renames, backfills).
"""

import importlib
import pkgutil
import sys
from typing import get_args

from alembic import command
from sqlalchemy import MetaData

import service
from service.keys.tables import keystore_metadata
from service.kit.engines import metadata, open_engine
from service.migrations import Store, configuration


def tables_of(store: Store) -> MetaData:
    """All tables of a store, with every capability's `tables.py` imported."""
    for module in pkgutil.iter_modules(service.__path__, "service."):
        if module.ispkg and importlib.util.find_spec(f"{module.name}.tables"):
            importlib.import_module(f"{module.name}.tables")
    return metadata if store == "data" else keystore_metadata


def draft(store: Store, message: str) -> None:
    engine = open_engine("sqlite://")
    config = configuration(store)
    with engine.begin() as connection:
        config.attributes |= {"connection": connection, "target": tables_of(store)}
        command.upgrade(config, "head")
        command.revision(config, message, autogenerate=True, rev_id=message.replace(" ", "_"))


if __name__ == "__main__":
    name, message = sys.argv[1:]
    draft(next(one for one in get_args(Store) if one == name), message)
