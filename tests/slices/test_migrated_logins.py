"""A store of before may have two names of one person; the step finds them and takes none away."""

import pytest
from alembic import command
from sqlalchemy import Engine, column, delete, insert, table
from sqlalchemy.exc import IntegrityError

from service import migrations
from service.identity import store
from service.kit.engines import open_engine
from service.kit.errors import ServiceError
from service.kit.guard import Crossing, dangerously_without_permit
from service.kit.ids import new_id

BEFORE = table(
    "logins", column("tag"), column("subject"), column("kind"), column("password_hash"),
    column("disabled"),
)  # fmt: skip


def laid_before(engine: Engine) -> None:
    """Make the store as it was before the step."""
    config = migrations.configuration("data")
    with engine.execution_options(kangma_writes=True).begin() as conn:
        config.attributes["connection"] = conn
        with dangerously_without_permit(conn, Crossing.MIGRATION):
            command.upgrade(config, "recovery_codes")


def test_two_names_of_one_person_stop_the_step_until_one_is_gone(database_url: str) -> None:
    engine = open_engine(database_url)
    writing = engine.execution_options(kangma_writes=True)
    laid_before(engine)
    twice, once = new_id(), new_id()
    names = {b"a" * 16: twice, b"b" * 16: twice, b"c" * 16: once}
    with writing.begin() as conn:
        for tag, who in names.items():
            row = {"kind": "resident", "password_hash": "h", "disabled": False}
            conn.execute(insert(BEFORE).values(tag=tag, subject=who.bytes, **row))
    with pytest.raises(ServiceError) as refused:
        migrations.upgrade("data", engine)
    for sentence in (refused.value.sentence.zh, refused.value.sentence.en):
        assert str(twice) in sentence
        assert str(once) not in sentence
    with writing.begin() as conn:
        conn.execute(delete(BEFORE).where(BEFORE.c.tag == b"b" * 16))
    migrations.upgrade("data", engine)
    assert migrations.is_current("data", engine)
    with engine.connect() as conn:
        assert set(store.tags_of(conn, [twice, once]).values()) == {b"a" * 16, b"c" * 16}
    with pytest.raises(IntegrityError), writing.begin() as conn:
        store.add_login(conn, b"b" * 16, subject=twice, kind="resident", password="h")
    engine.dispose()
