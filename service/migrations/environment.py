"""What both Alembic environments do: run steps on the connection that `upgrade` hands over."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import MetaData
from sqlalchemy.types import TypeDecorator

from service.migrations import walls


def run(target: MetaData | None) -> None:
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=target,
        compare_type=True,
        render_item=spell,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    if connection.dialect.name == "postgresql":
        # A migration that cannot get its lock soon must not queue everybody behind it.
        connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    with context.begin_transaction(), walls.lowered(connection):
        context.run_migrations()


def spell(kind: str, item: Any, _: object) -> str | Literal[False]:
    """Steps name plain column types: what a decorator means today must not change an old step."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False
