"""A town behind wall 4 as an operator sets it up: doors, commands, owner and backups apart."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from service.kit.audience import speaking_for
from service.kit.settings import Settings
from tests.databases import APP, DESK, as_login
from tests.house_room import town
from tests.standing_room import NOW, Standing, inhabited, settings

OWNED = (
    "residents", "resident_state", "record_parts", "series_days", "latest", "prompt_now",
    "prompt_history", "grants", "contracts", "panel_cards", "policy_history", "access_log",
    "emergency_sessions", "consent_requests", "introductions", "notices", "access_heads",
    "health_codes", "guardian_codes", "guardianships", "contributions", "emergency_reviews",
    "appeals", "contribution_grounds",
)  # fmt: skip
OF_THE_DOORS = ("anyone", "resident", "doctor", "city", "log", "chores", "panel")
AUDIENCES = (*OF_THE_DOORS, "job", "operator", "upkeep")


def settings_of_logins(folder: Path, stack: ExitStack) -> Settings:
    """Settings in which each of the four logins of docker/roles.sql has its place."""
    made = settings(folder, "postgresql", stack)
    logins = {"database_url": APP, "operator_url": DESK}
    urls = {name: as_login(made.data_store_url, login) for name, login in logins.items()}
    return Settings(**{**made.model_dump(), **urls})


@contextmanager
def walled_town(where: Settings) -> Iterator[Standing]:
    """A town served by the login of the doors; its jobs run as that of the command line."""
    with town(where, lambda: NOW) as opened, speaking_for("operator"):
        yield inhabited(opened)


def plain(url: str) -> psycopg.Connection[Any]:
    """A connection that no wall but the fourth stands before."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True)


EVERYTHING = {
    **{(table, "kangma_log"): "to add to a chain" for table in ("access_log", "access_heads")},
    ("access_log", "kangma_chores"): "to watch it",
    ("notices", "kangma_chores"): "to tell, and read none",
    ("residents", "kangma_chores"): "to finish erasures, of the erased alone",
    ("contributions", "kangma_job"): "to count them",
    ("emergency_reviews", "kangma_operator"): "to review them",
}
"""Who may see all rows of a table, besides upkeep, and what for."""


def unguarded(conn: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    """What PostgreSQL's own catalogue says is missing before rows of residents, by table."""
    owned = "relname = ANY(%s) OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid"
    tables = conn.execute(
        "SELECT oid, relname, relrowsecurity AND relforcerowsecurity FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        f" AND ({owned} AND attname = ANY(%s) AND NOT attisdropped))",
        (["contributions"], ["resident_id"]),
    ).fetchall()
    found = []
    for oid, name, forced in tables:
        if not forced:
            found.append((name, "is not behind policies"))
        policies = conn.execute(
            "SELECT roles::text[], qual, with_check FROM pg_policies"
            " WHERE schemaname = 'public' AND tablename = %s",
            (name,),
        ).fetchall()
        for audience in (f"kangma_{one}" for one in AUDIENCES):
            mine = [policy for policy in policies if audience in policy[0]]
            can = conn.execute(
                "SELECT has_table_privilege(%s, %s::oid, 'SELECT, INSERT, UPDATE, DELETE')",
                (audience, oid),
            ).fetchone()
            if can == (True,) and not mine:
                found.append((name, f"has no policy for {audience}"))
            unbound = any("true" in rest for _, *rest in mine)
            if unbound and audience != "kangma_upkeep" and (name, audience) not in EVERYTHING:
                found.append((name, f"shows everything to {audience}"))
        if any("public" in policy[0] for policy in policies):
            found.append((name, "has a policy for everybody"))
    return found
