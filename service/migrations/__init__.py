"""Migrations of the data store and of the keystore: `upgrade` brings either to its newest shape.

Revisions are dated files in `data/versions` and `keystore/versions`. They describe steps in their
own words and never import table definitions, so an old step keeps meaning what it meant.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Engine

from service.kit.guard import Crossing, dangerously_without_permit
from service.migrations import walls

# Alembic is imported where something is to be migrated: most starts of a process migrate nothing.
if TYPE_CHECKING:
    from alembic.config import Config

Store = Literal["data", "keystore"]


def configuration(store: Store) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / store))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(year)d-%%(month).2d-%%(day).2d_%%(slug)s")
    return config


def upgrade(store: Store, engine: Engine) -> None:
    """Apply every step that is missing, and the walls, in one transaction where the database can.

    Where nothing is missing nothing is locked, so that every start may ask for it.
    """
    if is_current(store, engine) and _walls_stand(store, engine):
        return
    from alembic import command

    config = configuration(store)
    with engine.execution_options(kangma_writes=True).begin() as connection:
        config.attributes["connection"] = connection
        with dangerously_without_permit(connection, Crossing.MIGRATION):
            command.upgrade(config, "head")
            if store == "data":
                walls.raise_(connection)


def _walls_stand(store: Store, engine: Engine) -> bool:
    with engine.connect() as connection:
        return store == "keystore" or walls.are_current(connection)


def is_current(store: Store, engine: Engine) -> bool:
    """Whether the database stands at the newest revision."""
    from alembic.migration import MigrationContext

    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == newest(store)


@cache
def newest(store: Store) -> str | None:
    """The revision that this release ends with; to know it every step's file is read."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(configuration(store)).get_current_head()
