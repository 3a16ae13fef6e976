"""Alembic's entry point; the work is in service.migrations.environment."""

from alembic import context

from service.migrations.environment import run

run(context.config.attributes.get("target"))
