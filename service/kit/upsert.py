"""Rows put in place of what is there under the same keys, by one statement of each dialect.

Row by row, so that wall 3 finds the resident of each; `service.kit.bulk` takes columns as arrays.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from service.kit.prepared import Prepared

_DIALECTS = {"sqlite": sqlite, "postgresql": postgresql}


class Upsert:
    """Inserts rows of a table; where `keys` are there already, `fresh` columns are replaced.

    `unless` says of which row that is there (given the new one) it stays as it is.
    """

    def __init__(
        self,
        table: Table,
        keys: Sequence[str],
        fresh: Sequence[str],
        *,
        unless: Callable[[Any], ColumnElement[bool]] | None = None,
    ) -> None:
        self._prepared = {
            name: _statement(module, table, keys, fresh, unless)
            for name, module in _DIALECTS.items()
        }

    def run(self, connection: Connection, row: Mapping[str, Any]) -> None:
        self._prepared[connection.dialect.name].run(connection, row)

    def run_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        self._prepared[connection.dialect.name].run_many(connection, rows)


def _statement(
    module: Any,
    table: Table,
    keys: Sequence[str],
    fresh: Sequence[str],
    unless: Callable[[Any], ColumnElement[bool]] | None,
) -> Prepared:
    statement = module.insert(table)
    values = {name: statement.excluded[name] for name in fresh}
    where = None if unless is None else ~unless(statement.excluded)
    return Prepared(statement.on_conflict_do_update(index_elements=keys, set_=values, where=where))
