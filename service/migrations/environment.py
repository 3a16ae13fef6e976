"""What both Alembic environments do: run steps on the connection that `upgrade` hands over."""

from alembic import context
from sqlalchemy import MetaData


def run(target: MetaData | None) -> None:
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=target,
        compare_type=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    if connection.dialect.name == "postgresql":
        # A migration that cannot get its lock soon must not queue everybody behind it.
        connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    with context.begin_transaction():
        context.run_migrations()
