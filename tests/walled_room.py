"""A PostgreSQL data store behind wall 4, as docker/roles.sql leaves it, for tests of the walls."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from service.kit.settings import Settings
from tests.conftest import fresh_postgres, walled_postgres


def as_login(url: str, login: str) -> str:
    return make_url(url).set(username=login).render_as_string(hide_password=False)


def plain(url: str) -> psycopg.Connection[Any]:
    """A connection that no wall but the fourth stands before."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True)


def given_away(url: str) -> None:
    """The database in the hands of an owner who is no superuser, as docker/roles.sql leaves it."""
    name = make_url(url).database
    with closing(plain(url)) as conn:
        conn.execute(f'ALTER DATABASE "{name}" OWNER TO kangma_owner')
        conn.execute("ALTER SCHEMA public OWNER TO kangma_owner")


@contextmanager
def walled_settings(folder: Path) -> Iterator[Settings]:
    """Settings of a service whose login owns nothing and is bound by the policies of its rows."""
    with ExitStack() as stack:
        stack.enter_context(walled_postgres())
        url, keys = stack.enter_context(fresh_postgres()), stack.enter_context(fresh_postgres())
        given_away(url)
        yield Settings(
            data=folder / "data",
            kek=f"file:{folder / 'keys' / 'kek.json'}",
            profile="test",
            database_url=as_login(url, "kangma_app"),
            owner_url=as_login(url, "kangma_owner"),
            keystore_url=keys,
        )
