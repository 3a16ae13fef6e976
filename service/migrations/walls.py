"""Wall 4 put in place: `walls.sql` after every migration of a PostgreSQL data store with roles."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.resources import files

from psycopg import errors
from psycopg.pq import ExecStatus
from sqlalchemy import Connection, text

from consent.vocabulary import Text
from service.kit.errors import ServiceError
from service.kit.wire import begun

_MARK = "kangma walls "
_STRONG = text(
    "SELECT rolsuper OR rolbypassrls OR EXISTS (SELECT FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relowner = pg_roles.oid)"
    " FROM pg_roles WHERE rolname = session_user"
)
# Who can become a superuser, or reads and writes beside the tables, is as good as one.
_SUPER = text(
    "SELECT rolcreaterole OR rolreplication OR EXISTS (SELECT FROM pg_roles AS one WHERE"
    " (one.rolsuper OR one.rolname ~ '^pg_[a-z]+_server_(files|program)$')"
    " AND pg_has_role(session_user, one.oid, 'MEMBER'))"
    " FROM pg_roles WHERE rolname = session_user"
)
_ROLES = text("SELECT count(*) FROM pg_roles WHERE rolname IN ('kangma_resident', 'kangma_panel')")
# Without the roles nobody asks whether a login may become one.
_OF_DESK = text("SELECT pg_has_role(session_user, 'kangma_upkeep', 'MEMBER')")
_STANDING = text(
    "SELECT obj_description(to_regprocedure('kangma_subjects()')::oid, 'pg_proc')"
    " WHERE to_regprocedure('kangma_subjects()') IS NOT NULL"
)
_BEHIND = text(
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    " AND relkind = 'r' AND relrowsecurity"
)
_POLICIES = text("SELECT tablename, policyname FROM pg_policies WHERE schemaname = 'public'")


def source() -> str:
    return files("service.migrations").joinpath("walls.sql").read_text(encoding="utf-8")


def has_roles(connection: Connection) -> bool:
    """Whether docker/roles.sql was run on this server."""
    return connection.dialect.name == "postgresql" and connection.execute(_ROLES).scalar() == 2


@contextmanager
def lowered(connection: Connection) -> Iterator[None]:
    """Inside, the owner sees rows and may change columns that policies look at.

    Nobody else sees more: without its policies a table shows no row to a role of the service.
    `raise_` puts them back; an older shape, which no release serves, goes without.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    for table, policy in connection.execute(_POLICIES).all():
        connection.exec_driver_sql(f'DROP POLICY "{policy}" ON "{table}"')
    _force(connection, "NO FORCE")
    yield
    _force(connection, "FORCE")


def _force(connection: Connection, how: str) -> None:
    for (table,) in connection.execute(_BEHIND).all():
        connection.exec_driver_sql(f'ALTER TABLE "{table}" {how} ROW LEVEL SECURITY')


def raise_(connection: Connection) -> bool:
    """Apply the walls where there are roles; whether they stand now."""
    if not has_roles(connection):
        return False
    # Many statements at once, which only the client library itself takes.
    result = begun(connection).pgconn.exec_(source().encode())
    if result.status != ExecStatus.COMMAND_OK:
        raise errors.error_from_result(result)
    mark = _MARK + sha256(source().encode()).hexdigest()
    connection.exec_driver_sql(f"COMMENT ON FUNCTION kangma_subjects() IS '{mark}'")
    return True


def are_current(connection: Connection) -> bool:
    """Whether what stands is what this release says; True where there are no roles."""
    if not has_roles(connection):
        return True
    mark = _MARK + sha256(source().encode()).hexdigest()
    if connection.execute(_STANDING).scalar() != mark:
        return False
    # A restored backup brings the function along and no privileges.
    asked = text("SELECT has_table_privilege('kangma_resident', 'logins', 'SELECT')")
    return bool(connection.execute(asked).scalar())


def require(connection: Connection, *, desk: bool) -> None:
    """Raise `WallsMissing` unless PostgreSQL keeps residents apart from this very login.

    At the `desk` it must be one that can go from resident to resident, and elsewhere it must not.
    """
    if connection.dialect.name != "postgresql":
        return
    if not has_roles(connection) or not are_current(connection):
        raise WallsMissing(_NO_WALLS)
    if connection.execute(_STRONG).scalar():
        raise WallsMissing(_TOO_STRONG)
    if connection.execute(_OF_DESK).scalar() != desk:
        raise WallsMissing(_NEEDS_DESK if desk else _IS_DESK)


def require_plain(connection: Connection) -> None:
    """Raise `WallsMissing` where the keystore is opened by a superuser, or one as good as that."""
    if connection.dialect.name == "postgresql" and connection.execute(_SUPER).scalar():
        raise WallsMissing(_SUPER_KEYS)


class WallsMissing(ServiceError):
    """A store does not hold its own wall; the sentence tells the operator what to do."""

    code = "walls-missing"


_NO_WALLS = Text(
    "数据库尚未启用行级安全：请运行 docker/roles.sql，然后以库所有者运行 kangma db upgrade。",
    "The data store has no row-level security: run docker/roles.sql and then kangma db upgrade.",
)
_NEEDS_DESK = Text(
    "该数据库账户仅供 HTTP 服务使用：请在 KANGMA_OPERATOR_URL 中指定 kangma_desk。",
    "This login of the data store is the HTTP service's; name kangma_desk in KANGMA_OPERATOR_URL.",
)
_IS_DESK = Text(
    "HTTP 服务不得使用运维账户 kangma_desk，请使用 kangma_app。",
    "The HTTP service must not sign in as the operators' kangma_desk; use kangma_app.",
)
_TOO_STRONG = Text(
    "该数据库账户可绕过行级安全，请使用 kangma_app。",
    "This login of the data store is not bound by row-level security; use kangma_app.",
)
_SUPER_KEYS = Text(
    "密钥库的数据库账户是超级用户：请运行 docker/keystore.sql，并使用 kangma_keys。",
    "The keystore is opened by a superuser: run docker/keystore.sql and use kangma_keys.",
)
