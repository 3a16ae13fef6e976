"""Two people for what cannot be undone: one asks for the end of a version, another confirms.

Each proves who they are with a secret of their own, kept as an argon2id hash. It guards against a
mistake and against one operator alone at the command line. It does not guard against somebody who
can rewrite both the keystore and the code, or who holds the root key itself.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from consent.vocabulary import Text
from service.keys import stages
from service.keys.keystore import Keystore
from service.keys.stages import DESTROYED, RETIRED
from service.keys.system import SystemKeys
from service.keys.tables import destructions, key_operators
from service.kit.column_types import EPOCH
from service.kit.errors import ServiceError
from service.kit.hashing import keyed, same
from service.kit.log import log
from service.kit.passwords import Passwords

TERM = timedelta(hours=24)
"""How long a request waits for its confirmation."""
SHORTEST_SECRET = 12


class NotConfirmed(ServiceError):
    """What two people must agree on was not confirmed; the sentence says what is missing."""

    code = "not-confirmed"
    sentence = Text("未获确认。", "This was not confirmed.")


@dataclass(frozen=True, slots=True)
class Ending:
    """Where the end of a version stands: asked for, or confirmed and done."""

    version: int
    requested_by: str
    approved_by: str | None
    next: Text


class Control:
    """Operators and their confirmations, over one keystore."""

    def __init__(self, keystore: Keystore, system: SystemKeys, passwords: Passwords) -> None:
        self._keystore = keystore
        # Made before any transaction: the first use of a secret writes to the keystore itself.
        self._secret = system.secret("control")
        self._passwords = passwords

    def add_operator(
        self, name: str, secret: str, *, now: datetime, vouchers: dict[str, str] | None = None
    ) -> None:
        """Keep one more operator.

        The first two are added as the deployment is founded. From then on two operators vouch for
        a newcomer with their secrets; otherwise one of them could become the second person alone.
        """
        if not name or len(name) > 40 or len(secret) < SHORTEST_SECRET:
            raise NotConfirmed(_SECRET)
        vouched = [who for who, word in (vouchers or {}).items() if self._proven(who, word)]
        hashed = self._passwords.hash(secret)
        with self._keystore.writing() as conn:
            stages.lock(conn)
            known = conn.execute(select(func.count()).select_from(key_operators)).scalar_one()
            if known >= 2 and len(vouched) < 2:
                raise NotConfirmed(_VOUCH)
            if _operator(conn, name) is not None:
                raise NotConfirmed(_KNOWN)
            seal = self._seal("operator", name, hashed, _micros(now))
            row = {"name": name, "secret_hash": hashed, "added_at": now, "seal": seal}
            conn.execute(insert(key_operators).values(**row))
        log.warning("key operator added", operator=name)

    def destroy(self, version: int, operator: str, secret: str, *, now: datetime) -> Ending:
        """Ask for the end of a retired version; the same call by another operator carries it out.

        Refused while a keyring or system key is wrapped by the version, by whoever already asked,
        and after 24 hours, when the request must be made anew.
        """
        if not self._proven(operator, secret):
            raise NotConfirmed(_WRONG)
        with self._keystore.writing() as conn:
            stages.lock(conn)
            if self._ended(conn, version):
                asked = self._request(conn, version)
                assert asked is not None
            else:
                self._check_unused(conn, version)
                asked = self._request(conn, version)
                if asked is None or now >= asked.requested_at + TERM:
                    return self._asked(conn, version, operator, now)
                if asked.requested_by == operator:
                    raise NotConfirmed(_SAME)
                self._confirm(conn, version, asked, operator, now)
            # From this commit on nobody needs the version; a crash before the next line leaves
            # one that wraps nothing, and the same command destroys it.
        if version in self._keystore.kek.versions:
            self._keystore.kek.destroy(version)
        log.warning("root key version destroyed", version=version)
        return Ending(version, asked.requested_by, operator, _DONE)

    # -- inside ----------------------------------------------------------------------------------

    def _proven(self, operator: str, secret: str) -> bool:
        with self._keystore.reading() as conn:
            row = _operator(conn, operator)
        # An unknown name costs the same work as a wrong secret.
        matches = self._passwords.verify(None if row is None else row.secret_hash, secret)
        if row is None or not matches:
            return False
        told = self._seal("operator", row.name, row.secret_hash, _micros(row.added_at))
        return same(bytes(row.seal), told)

    def _check_unused(self, conn: Connection, version: int) -> None:
        stage = {one.version: one.stage for one in stages.standings(conn)}.get(version)
        count = stages.wrapped_by(conn).get(version, 0)
        if count:
            raise NotConfirmed(
                Text(
                    f"仍有 {count} 个密钥由第 {version} 版保护，请先执行 kangma keys rewrap。",
                    f"Version {version} still wraps {count} keys; run kangma keys rewrap first.",
                )
            )
        if stage != RETIRED:
            raise NotConfirmed(_NOT_RETIRED)

    def _asked(self, conn: Connection, version: int, operator: str, now: datetime) -> Ending:
        conn.execute(delete(destructions).where(destructions.c.version == version))
        seal = self._seal("destruction", str(version), operator, _micros(now))
        conn.execute(
            insert(destructions).values(
                version=version, requested_by=operator, requested_at=now, seal=seal
            )
        )
        log.warning("root key destruction asked for", version=version, operator=operator)
        until = (now + TERM).isoformat(timespec="seconds")
        return Ending(
            version,
            operator,
            None,
            Text(
                f"另一名操作员须在 {until} 之前执行同一命令。",
                f"Another operator runs the same command before {until}.",
            ),
        )

    def _confirm(
        self, conn: Connection, version: int, asked: Any, operator: str, now: datetime
    ) -> None:
        mine = destructions.c.version == version
        values = {"approved_by": operator, "approved_at": now}
        conn.execute(destructions.update().where(mine).values(**values))
        stages.put(conn, version, DESTROYED, now)
        stages.forget_check(conn, version)

    def _ended(self, conn: Connection, version: int) -> bool:
        return any(
            one.version == version and one.stage == DESTROYED for one in stages.standings(conn)
        )

    def _request(self, conn: Connection, version: int) -> Any:
        row = conn.execute(select(destructions).where(destructions.c.version == version)).first()
        if row is None:
            return None
        told = self._seal(
            "destruction", str(row.version), row.requested_by, _micros(row.requested_at)
        )
        # A request that nobody made through this command is no request.
        return row if same(bytes(row.seal), told) else None

    def _seal(self, kind: str, *words: str) -> bytes:
        told = [word.encode() for word in (kind, *words)]
        return keyed(self._secret, b"kangma control 1", *told)


def _operator(conn: Connection, name: str) -> Any:
    return conn.execute(select(key_operators).where(key_operators.c.name == name)).first()


def _micros(at: datetime) -> str:
    return str((at - EPOCH) // timedelta(microseconds=1))


_SECRET = Text(
    "操作员须有名称，密语至少 12 个字符。",
    "An operator has a name, and a secret of at least 12 characters.",
)
_VOUCH = Text(
    "已有两名操作员：新增者须由其中两人以各自密语担保。",
    "There are two operators already: two of them vouch for a newcomer with their secrets.",
)
_KNOWN = Text("已有同名操作员。", "There is an operator of that name.")
_WRONG = Text("操作员或密语不正确。", "The operator or the secret is wrong.")
_SAME = Text(
    "须由另一名操作员确认，不能由申请人本人确认。",
    "Another operator must confirm it; never the one who asked.",
)
_NOT_RETIRED = Text(
    "该版本尚未停用，请先执行 kangma keys rotate。",
    "This version is not retired; run kangma keys rotate first.",
)
_DONE = Text("该版本已销毁，无法恢复。", "The version is destroyed and cannot be restored.")
