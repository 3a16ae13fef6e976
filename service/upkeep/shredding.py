"""Erasing: one class of a person, or the person. What every capability must do, in one transaction.

The keystore and the data store are two databases, so an erasure has two halves. First the rows go,
in a transaction of the data store; then, after its commit, the keys. A crash in between leaves keys
of rows that are gone, and the next look destroys them (`service.jobs.erasures`). The other order
could leave living data without keys.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import DataClass, Text
from service.appeals import actions as appeals
from service.contributions import actions as contributions
from service.counted import grounds
from service.domain.regions import RegionTree
from service.guardians import actions as guardians
from service.guardians.actions import BlindIndex
from service.identity import actions as identity
from service.keys.rings import ClassTombstone
from service.keys.vault import Vault
from service.kit.errors import Conflict
from service.panel import store as panel
from service.prompts import forgetting
from service.records import days
from service.records import store as records
from service.residents import actions as residents
from service.residents.store import Withdrawn, advance, bump_consent
from service.upkeep import store

REASON = "erased by the resident"
NEEDED = Text(
    "基本资料是账户所必需的；如需删除，请注销整个账户。",
    "The profile is what the account stands on; to erase it, erase the whole account.",
)


def erase_class(
    conn: Connection,
    vault: Vault,
    permit: Permit,
    data_class: DataClass,
    *,
    regions: RegionTree,
    statistics_key: bytes,
    now: datetime,
    reason: str = REASON,
) -> ClassTombstone:
    """Remove everything of one class; the caller lets the vault `bury` its keys after the commit.

    Whoever may not read derives nothing from it either: the level is judged anew, cards and the
    contribution go and are made again from what is left. Writing the class later begins anew
    under its new keys.
    """
    if data_class is DataClass.PROFILE:
        raise Conflict(NEEDED)
    rev = advance(conn, permit)
    profile = residents.profile(conn, vault, permit)
    held = forgetting.opened(conn, vault, permit)
    appeals.forget_class(conn, vault, permit, data_class)
    tag = vault.class_tag(permit.subject, data_class)
    stone = vault.condemn(permit.subject, data_class, now=now, reason=reason)
    records.remove_class(conn, permit, tag, rev)
    days.remove_class(conn, permit, tag)
    forgetting.put_back(
        conn,
        vault,
        permit,
        held,
        without=data_class,
        profile=profile,
        regions=regions,
        rev=rev,
        now=now,
    )
    _leave(conn, permit.subject, statistics_key)
    bump_consent(conn, permit.subject)
    return stone


def erase_person(
    conn: Connection,
    vault: Vault,
    index: BlindIndex,
    permit: Permit,
    *,
    statistics_key: bytes,
    now: datetime,
) -> None:
    """Close a person's file and remove what it holds; its keys are shredded after the commit.

    `Conflict` while a child under 14 has no other guardian: nobody could act for it any more.
    """
    # The rows first: whoever holds one to write something of this person, or to make or use a code,
    # has committed then, so that what follows finds it; whoever asks for it later is refused.
    _hold(conn, index, permit)
    residents.erase(conn, permit)
    guardians.part(conn, vault, index, permit.subject, now=now)
    guardians.forget(conn, permit.subject)
    appeals.forget(conn, permit.subject)
    _leave(conn, permit.subject, statistics_key)
    identity.forget(conn, permit.subject, now)
    store.remove_data(conn, permit.subject)


def erase_again(conn: Connection, resident: UUID, *, statistics_key: bytes, now: datetime) -> None:
    """Close the file of somebody whose keys are gone: a restored backup brought it back."""
    residents.close(conn, resident)
    _leave(conn, resident, statistics_key)
    guardians.forget(conn, resident)
    appeals.forget(conn, resident)
    identity.forget(conn, resident, now)
    store.remove_data(conn, resident)


def _hold(conn: Connection, index: BlindIndex, permit: Permit) -> None:
    """Take the rows of a person and of all their children; `Withdrawn` when a child came just now.

    That child's row could only be taken out of order.
    """
    children = guardians.children(conn, index, permit.subject)
    guardians.hold(conn, permit.subject, *children)
    if not guardians.children(conn, index, permit.subject) <= children:
        raise Withdrawn


def _leave(conn: Connection, resident: UUID, statistics_key: bytes) -> None:
    for tag in identity.identities(conn, [resident]).values():
        contributions.remove(conn, statistics_key=statistics_key, identity=tag)
    grounds.forget(conn, resident)
    panel.remove(conn, resident)
