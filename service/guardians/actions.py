"""Use cases of guardianship: begin, join, leave, hand over. Children under 14 have no sign-in.

Every change raises the child's consent revision first, which holds the child's row until the
commit, and looks only then whether it may: two guardians who leave at the same moment find each
other. Making a code is a change too: one made while its maker's guardianship ends would outlive it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection

from consent.life import minor_until
from consent.vocabulary import Text
from service.guardians import body, codes, store
from service.guardians.body import Guardianship as Guardianship
from service.guardians.codes import Code as Code
from service.history import actions as history
from service.history.actions import Noted
from service.keys.vault import Vault
from service.kit import caps, guard
from service.kit.errors import Conflict, Fault, Invalid, NotFound
from service.kit.ids import new_id
from service.residents import store as residents

HISTORY = "guardian"
"""The kind under which the history of policy keeps guardianships."""
ALREADY = Text("您已是这个孩子的监护人。", "You are a guardian of this child already.")
THE_ONLY_ONE = Text(
    "您是唯一的监护人。请先移交档案、删除档案，或邀请另一位监护人。",
    "You are the only guardian. Hand the file over, erase it, or let another guardian join first.",
)
STILL_A_CHILD = Text(
    "年满十四周岁后才能接管档案。", "A file is taken over from the 14th birthday on."
)


class BlindIndex(Protocol):
    """The part of the system keys that finds a guardian's children."""

    def blind_index(self, kind: str, text: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Minority:
    """What a decision needs to know of a child: who may act for them, and until when."""

    guardians: frozenset[str]
    until: datetime | None


def begin(
    conn: Connection,
    vault: Vault,
    index: BlindIndex,
    *,
    child: UUID,
    child_name: str,
    birth_date: date,
    zone: str,
    guardian: UUID,
    guardian_name: str,
    now: datetime,
) -> Guardianship:
    """The first guardianship over a child whose file was just opened."""
    until = minor_until(birth_date, zone)
    made = Guardianship(
        new_id(), child, guardian, guardian_name, child_name, now, until, until, tag=None
    )
    return _placed(conn, vault, index, made, now)


def hold(conn: Connection, guardian: UUID, *children: UUID) -> None:
    """Hold the rows of somebody who is or becomes a guardian, and of children, until the commit.

    Who is being erased becomes nobody's guardian then, and of two such nobody waits for the other.
    """
    guard.ask(conn, guardian, *children)
    residents.hold(conn, [guardian, *children])


def of_child(conn: Connection, vault: Vault, child: UUID) -> list[Guardianship]:
    """Every guardianship there ever was over somebody, ended ones included, oldest first."""
    found = [body.opened(vault, row) for row in store.of_child(conn, child)]
    return sorted(found, key=lambda one: (one.since, one.id))


def of_guardian(
    conn: Connection, vault: Vault, index: BlindIndex, guardian: UUID
) -> list[Guardianship]:
    """The guardianships somebody holds, oldest first."""
    rows = store.of_tags(conn, _asked(conn, index, guardian))
    found = [body.opened(vault, row) for row in rows]
    return sorted(found, key=lambda one: (one.since, one.child))


def held(conn: Connection, vault: Vault, child: UUID, guardian: UUID) -> Guardianship:
    """Somebody's guardianship over a child, past the birthday too; `NotFound` without one."""
    for one in of_child(conn, vault, child):
        if one.guardian == guardian and one.in_place:
            return one
    raise NotFound


def minority(conn: Connection, vault: Vault, child: UUID) -> Minority:
    """Who may act for somebody; no guardians for those who never had one.

    A guardian whose child took the file over is still named: the birthday is past, so that all
    they learn is the reason. One who left before is a stranger.
    """
    named = [one for one in of_child(conn, vault, child) if one.why != "left"]
    until = min((one.until for one in named), default=None)
    return Minority(frozenset(str(one.guardian) for one in named), until)


def ever(conn: Connection, vault: Vault, child: UUID, guardian: UUID) -> bool:
    """Whether somebody is or was a guardian of this child."""
    return any(one.guardian == guardian for one in of_child(conn, vault, child))


def invite(conn: Connection, vault: Vault, child: UUID, guardian: UUID, *, now: datetime) -> Code:
    """A code with which another guardian joins; `NotFound` for somebody who is none any more."""
    guard.ask(conn, child)
    residents.bump_consent(conn, child)
    held(conn, vault, child, guardian)
    _refuse_more(of_child(conn, vault, child))
    return codes.issue(conn, vault, child, guardian, "join", now)


def invited(conn: Connection, vault: Vault, code: str, *, now: datetime) -> UUID:
    """The child whose guardian a code makes; `Invalid` for one that is good for nothing."""
    return codes.find(conn, vault, code, "join", now).child


def join(
    conn: Connection,
    vault: Vault,
    index: BlindIndex,
    *,
    code: str,
    guardian: UUID,
    guardian_name: str,
    now: datetime,
) -> Guardianship:
    """Become a guardian by a code of another one, who still is one of somebody under 14.

    The caller holds the rows of both, so that nobody becomes one who is just being erased.
    """
    shown = _shown(conn, vault, code, "join", now)
    there = of_child(conn, vault, shown.child)
    inviting = next((one for one in there if one.guardian == shown.guardian and one.in_place), None)
    if inviting is None or now >= inviting.until:
        raise codes.unknown()
    if any(one.guardian == guardian and one.in_place for one in there):
        raise Conflict(ALREADY)
    _refuse_more(there)
    store.drop_code(conn, shown.child, shown.hash)
    made = replace(
        inviting,
        id=new_id(),
        guardian=guardian,
        guardian_name=guardian_name,
        since=now,
        tag=None,
        version=1,
    )
    return _placed(conn, vault, index, made, now)


def leave(conn: Connection, vault: Vault, child: UUID, guardian: UUID, *, now: datetime) -> None:
    """End somebody's guardianship; `Conflict` while nobody else could act for the child."""
    guard.ask(conn, child)
    residents.bump_consent(conn, child)
    mine = held(conn, vault, child, guardian)
    others = [one for one in of_child(conn, vault, child) if one.in_place and one.id != mine.id]
    if not others:
        raise Conflict(THE_ONLY_ONE, code="only-guardian")
    _keep(conn, vault, [mine.ended("left", now)], now)
    codes.void(conn, vault, child, guardian)


def children(conn: Connection, index: BlindIndex, guardian: UUID) -> set[UUID]:
    """Whose guardian somebody is at this moment."""
    return {row.resident_id for row in store.of_tags(conn, _asked(conn, index, guardian))}


def part(
    conn: Connection, vault: Vault, index: BlindIndex, guardian: UUID, *, now: datetime
) -> None:
    """End all of somebody's guardianships before they are erased; their name goes with them.

    The caller holds the rows of all their children. `Conflict` while a child under 14 has nobody
    else. One who is 14 takes over by an open code.
    """
    for one in of_guardian(conn, vault, index, guardian):
        if now < one.until:
            leave(conn, vault, one.child, guardian, now=now)
        guard.ask(conn, one.child)
        residents.bump_consent(conn, one.child)
        there = of_child(conn, vault, one.child)
        mine = [_nameless(each, now) for each in there if each.guardian == guardian]
        _keep(conn, vault, mine, now)


def _nameless(one: Guardianship, now: datetime) -> Guardianship:
    ended = one.ended("left", now) if one.in_place else one
    return replace(ended, guardian_name=None, version=ended.version + 1)


def restate(
    conn: Connection,
    vault: Vault,
    child: UUID,
    *,
    name: str,
    birth_date: date,
    zone: str,
    now: datetime,
) -> None:
    """Bring the guardianships over a child up to an amended profile."""
    there = of_child(conn, vault, child)
    amended = [one.restated(name, birth_date, zone) for one in there if one.in_place]
    _keep(conn, vault, amended, now)


def hand_over(
    conn: Connection, vault: Vault, child: UUID, guardian: UUID, *, now: datetime
) -> Code:
    """A code with which the young person takes over; a guardian makes it before or after 14."""
    guard.ask(conn, child)
    residents.bump_consent(conn, child)
    held(conn, vault, child, guardian)
    return codes.issue(conn, vault, child, guardian, "hand-over", now)


def claimed(conn: Connection, vault: Vault, code: str, *, now: datetime) -> UUID:
    """Whose file a code hands over, all guardianships ended; `Invalid` before the 14th birthday.

    A file is taken over once: afterwards nobody is left whose code could hand it over.
    """
    shown = _shown(conn, vault, code, "hand-over", now)
    ever_there = of_child(conn, vault, shown.child)
    if not any(one.guardian == shown.guardian and one.hands_over for one in ever_there):
        raise codes.unknown()
    there = [one for one in ever_there if one.in_place]
    if any(now < one.until for one in there):
        raise Invalid([Fault("/code", "too-young", STILL_A_CHILD)])
    _keep(conn, vault, [one.ended("handed-over", now) for one in there], now)
    for row in store.codes_of(conn, shown.child):
        store.drop_code(conn, shown.child, row.hash)
    vault.forget(shown.child)
    return shown.child


def forget(conn: Connection, child: UUID) -> None:
    """Drop all guardianships over somebody who is erased."""
    store.forget(conn, child)


def pseudonym(vault: Vault, child: UUID, actor: UUID) -> str:
    """How a resident who looks at a child's record is called in the child's access log.

    An id of its own for every child, from the child's index key: the clear columns of the log
    must not name the guardian. `names` turns it back.
    """
    return str(UUID(bytes=vault.row_key(child, f"guardian {actor}")))


def names(conn: Connection, vault: Vault, child: UUID) -> dict[str, Guardianship]:
    """The guardians there ever were, by the pseudonym that the access log has for them."""
    return {pseudonym(vault, child, one.guardian): one for one in of_child(conn, vault, child)}


def _shown(
    conn: Connection, vault: Vault, code: str, kind: codes.Kind, now: datetime
) -> codes.Open:
    """The code that was shown, found again once the child's row is held: it may be used by then.

    Nobody holds a code before that row, so that no two wait for each other.
    """
    child = codes.find(conn, vault, code, kind, now).child
    guard.ask(conn, child)
    residents.bump_consent(conn, child)
    return codes.find(conn, vault, code, kind, now)


def _placed(
    conn: Connection, vault: Vault, index: BlindIndex, made: Guardianship, now: datetime
) -> Guardianship:
    """Keep a new guardianship at the first free place of its guardian."""
    tags = _asked(conn, index, made.guardian)
    taken = {row.tag for row in store.of_tags(conn, tags)}
    for tag in tags:
        if tag not in taken:
            placed = replace(made, tag=tag)
            if store.add(conn, body.sealed(vault, placed)):
                _note(conn, vault, placed, now)
                return placed
    raise Conflict(caps.CAPS["children"].sentence, code=caps.CODE)


def _asked(conn: Connection, index: BlindIndex, guardian: UUID) -> list[bytes]:
    """The tags of all places of a guardian, whose rows may be looked at from here on."""
    places = range(caps.most("children"))
    tags = [index.blind_index("guardian", f"{guardian} {place}") for place in places]
    guard.ask(conn, *tags)
    return tags


def _refuse_more(there: Iterable[Guardianship]) -> None:
    caps.require("guardians", sum(one.in_place for one in there))


def _keep(conn: Connection, vault: Vault, changed: Iterable[Guardianship], now: datetime) -> None:
    for one in changed:
        store.replace(conn, body.sealed(vault, one))
        _note(conn, vault, one, now)


def _note(conn: Connection, vault: Vault, one: Guardianship, now: datetime) -> None:
    state = {
        "guardian": str(one.guardian),
        "until": one.until.isoformat(),
        "left": one.why == "left",
    }
    # Whoever changes a guardianship has proved the tie: it was just made, or opened as theirs.
    guard.ask(conn, one.child)
    history.note(conn, vault, one.child, Noted(HISTORY, str(one.id), now, one.version, state))
