"""Stores of before have names of clinics; the step makes clinics of them."""

from uuid import uuid4

from alembic import command
from sqlalchemy import column, select, table

from service import migrations
from service.clinics import store
from service.clinics.actions import normal_name
from service.identity import store as identity
from service.kit.clock import utc_now
from service.kit.engines import open_engine


def test_practitioners_of_one_name_come_to_one_clinic(database_url: str) -> None:
    engine = open_engine(database_url)
    config = migrations.configuration("data")
    before = table(
        "practitioners", column("practitioner_id"), column("name"), column("clinic"),
        column("region"),
    )  # fmt: skip
    ids = [uuid4() for _ in range(3)]
    with engine.execution_options(kangma_writes=True).begin() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, "initial")
        for one, name in zip(ids, ("河街 卫生站", "河街  卫生站", "山上卫生站"), strict=True):
            row = {"practitioner_id": one.bytes, "name": "周", "clinic": name, "region": None}
            conn.execute(before.insert().values(row))
    migrations.upgrade("data", engine)
    with engine.execution_options(kangma_writes=True).begin() as conn:
        people = [identity.practitioner(conn, one) for one in ids]
        first, second, third = (one for one in people if one is not None)
        assert first.clinic_id == second.clinic_id != third.clinic_id
        assert (first.role, first.disabled) == ("family-doctor", False)
        # The clinic is found by its name from now on, and the post counts from the beginning.
        found = store.found_or_made(conn, "河街 卫生站", normal_name("河街 卫生站"))
        assert found.clinic_id == first.clinic_id
        assert len(conn.execute(select(table("clinics", column("name")))).all()) == 2
        post = store.post_at(conn, ids[2], utc_now())
        assert post is not None
        assert post.clinic_id == third.clinic_id
    engine.dispose()
