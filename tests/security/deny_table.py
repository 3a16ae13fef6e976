"""The deny matrix as a table: `deny_matrix.toml` read into operation and personas let in."""

import tomllib
from pathlib import Path

OWNER, RESIDENT, GUARDIAN = "owner", "another resident", "guardian"
SIGNED, UNSIGNED, CLASSLESS = "signed doctor", "unsigned doctor", "doctor without the class"
WITHDRAWN, CITY, NOBODY, EXPIRED = "withdrawn doctor", "city", "nobody", "expired"
PERSONAS = (
    *(OWNER, RESIDENT, GUARDIAN),
    *(SIGNED, UNSIGNED, CLASSLESS, WITHDRAWN),
    *(CITY, NOBODY, EXPIRED),
)


def _read() -> dict[str, frozenset[str]]:
    table = tomllib.loads(Path(__file__).with_name("deny_matrix.toml").read_text("utf-8"))
    groups = {name: frozenset(personas) for name, personas in table["groups"].items()}
    assert frozenset(PERSONAS) == groups["anybody"]
    return {operation: groups[group] for operation, group in table["operations"].items()}


LET_IN: dict[str, frozenset[str]] = _read()
