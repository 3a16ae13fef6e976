"""PostgreSQL repeats a failing row in its message; no exception of ours carries it."""

import traceback

import pytest
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, bindparam, text

from service.kit.db import Database
from service.kit.prepared import Prepared
from tests.databases import fresh_postgres

CANARY = "canary-5c1e"
kept = Table("kept", MetaData(), Column("n", BigInteger, primary_key=True), Column("t", Text))
ADD = Prepared(kept.insert().values(n=bindparam("n"), t=bindparam("t")))


@pytest.mark.parametrize("many", [False, True])
def test_a_failing_row_is_not_repeated(many: bool) -> None:
    row = {"n": 1, "t": CANARY}
    with fresh_postgres() as url:
        database = Database(url)
        try:
            database.write(lambda conn: conn.execute(text("CREATE TABLE kept (n BIGINT, t TEXT)")))
            rule = text("ALTER TABLE kept ADD CONSTRAINT short CHECK (length(t) < 3)")
            database.write(lambda conn: conn.execute(rule))
            with pytest.raises(Exception, match="short") as caught:
                database.write(lambda conn: ADD.run_many(conn, [row, row] if many else [row]))
        finally:
            database.close()
    assert CANARY not in "".join(traceback.format_exception(caught.value))
