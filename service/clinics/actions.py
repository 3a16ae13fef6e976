"""Clinics by their name, and who works where: as what a grant to a clinic or a role is met."""

import unicodedata
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consent.vocabulary import Text
from service.clinics import store
from service.clinics.store import Clinic, Post
from service.kit.errors import Fault, Invalid

ROLES = ("family-doctor", "nurse", "public-health")
"""Append-only: grants to a role name these words for years."""
DEFAULT_ROLE = "family-doctor"
NAME_LIMIT = 200
_NO_NAME = Text("机构名称应为 1 至 200 个字符。", "A clinic's name has 1 to 200 characters.")
_NO_ROLE = Text(
    "角色只能是 family-doctor、nurse 或 public-health。",
    "A role is family-doctor, nurse or public-health.",
)


def normal_name(name: str) -> str:
    """NFKC, single blanks, case folded: the spelling under which a clinic is found."""
    return " ".join(unicodedata.normalize("NFKC", name).split()).casefold()


def find_or_make(conn: Connection, name: str) -> Clinic:
    """The clinic of this name in any spelling, made when there is none."""
    shown = " ".join(name.split())
    if not 1 <= len(normal_name(shown)) <= NAME_LIMIT:
        raise Invalid([Fault("/clinic", "wrong-length", _NO_NAME)])
    return store.found_or_made(conn, shown, normal_name(shown))


def leave_office(conn: Connection, practitioner: UUID, *, now: datetime) -> None:
    """Note that somebody works nowhere from now on."""
    since = _since(conn, practitioner, now)
    post = store.post_at(conn, practitioner, since)
    if post is not None:
        store.keep_post(conn, post._replace(role=store.OUT_OF_OFFICE), since)


def take_post(
    conn: Connection, practitioner: UUID, *, clinic: Clinic, role: str, now: datetime
) -> Post:
    """Note that somebody works there in that role from now on."""
    if role not in ROLES:
        raise Invalid([Fault("/role", "unknown-choice", _NO_ROLE)])
    post = Post(practitioner, clinic.clinic_id, role)
    store.keep_post(conn, post, _since(conn, practitioner, now))
    return post


def _since(conn: Connection, practitioner: UUID, now: datetime) -> datetime:
    """Whoever waited for another operator comes after them, whatever the time when they began."""
    return max(now, store.last_since(conn, practitioner) or now)
