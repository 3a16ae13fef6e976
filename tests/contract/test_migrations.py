"""Migrations and tables say the same, on both databases, up and down again."""

from typing import get_args

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from service import migrations
from service.kit.engines import open_engine
from service.kit.guard import Crossing, dangerously_without_permit
from service.migrations.draft import tables_of

STORES = get_args(migrations.Store)


@pytest.mark.parametrize("store", STORES)
def test_migrated_store_has_exactly_the_tables_of_the_code(
    store: migrations.Store, database_url: str
) -> None:
    engine = open_engine(database_url)
    migrations.upgrade(store, engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables_of(store)) == []
    assert migrations.is_current(store, engine)
    engine.dispose()


@pytest.mark.parametrize("store", STORES)
def test_every_step_can_be_undone_and_repeated(store: migrations.Store, database_url: str) -> None:
    engine = open_engine(database_url)
    migrations.upgrade(store, engine)
    migrations.upgrade(store, engine)
    config = migrations.configuration(store)
    with engine.execution_options(kangma_writes=True).begin() as connection:
        config.attributes["connection"] = connection
        with dangerously_without_permit(connection, Crossing.MIGRATION):
            command.downgrade(config, "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    assert not migrations.is_current(store, engine)
    migrations.upgrade(store, engine)
    engine.dispose()
