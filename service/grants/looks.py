"""Looks by others, as they are kept in the access log and as the resident reads them.

The classes of a look are sealed, because which classes a doctor opens tells what somebody suffers
from. Everything else an entry needs is written by the audit floor, which knows no key.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from consent.decision import Decision
from consent.request import Actor
from consent.vocabulary import CLASSES, PURPOSES, Action, ActorKind, DataClass, Purpose, Text
from service.audit.entry import Entry, Logged
from service.keys.vault import Vault
from service.kit.clock import CITY_ZONE, city_day
from service.kit.sealed import Place, Sealed

FRAME = 160
"""One size for every list of classes, so that its length does not tell how many there are."""

_ACTORS: dict[ActorKind, Text] = {
    ActorKind.RESIDENT: Text("居民", "A resident"),
    ActorKind.PRACTITIONER: Text("医生", "Doctor"),
    ActorKind.SERVICE: Text("系统服务", "Service"),
    ActorKind.CITY: Text("城市管理方", "The city"),
    ActorKind.OPERATOR: Text("运维人员", "An operator"),
}
_ACTIONS: dict[Action, Text] = {
    Action.READ: Text("查看", "looked at"),
    Action.WRITE: Text("补录", "added to"),
    Action.DERIVE: Text("推算", "derived from"),
    Action.EXPORT: Text("导出", "exported"),
    Action.AGGREGATE: Text("匿名计数", "counted without a name"),
    Action.MANAGE: Text("管理", "managed"),
    Action.ERASE: Text("删除", "erased"),
}
_GUARDIAN = Text("监护人", "Guardian")
_BY_GUARDIAN = ("guardian", "guardian-ended")
_NOTHING = Text("无", "nothing")


@dataclass(frozen=True, slots=True)
class Looker:
    """Who is looking, by the names residents know: the person and the clinic they work for."""

    actor: Actor
    name: str | None = None
    clinic: str | None = None


def entry(
    vault: Vault,
    decision: Decision,
    *,
    looker: Looker,
    subject: UUID,
    purpose: Purpose,
    action: Action,
    asked: Iterable[DataClass],
    request_id: str,
    now: datetime,
    row_count: int = 0,
) -> Entry:
    """The entry of one look: the classes opened, or those asked for when it was denied.

    Sealed with them is how many the vault did open: in the clear the number would tell a thief how
    many classes somebody has values in.
    """
    classes = decision.classes if decision.allow else asked
    opened = vault.openings.take(decision.permit, city_day(now))
    text = f"{','.join(sorted(classes))};{opened}".encode()
    place = place_of(subject, request_id)
    return Entry(
        at=now,
        actor_kind=looker.actor.kind,
        actor_id=looker.actor.id,
        actor_name=looker.name,
        on_behalf_of=looker.clinic,
        subject=subject,
        action=action,
        purpose=purpose,
        classes=vault.seal_policy(subject, place, text, frame=FRAME).data,
        decision="allow" if decision.allow else "deny",
        rule=decision.rule,
        grant_id=decision.grant,
        revision=decision.revision,
        request_id=request_id,
        row_count=row_count,
    )


def classes_of(vault: Vault, entry_: Entry) -> list[DataClass]:
    """The classes of a kept entry, in the order of the vocabulary."""
    words = _sealed_part(vault, entry_)[0].split(",")
    return [data_class for data_class in DataClass if data_class.value in words]


def opened_by(vault: Vault, entry_: Entry) -> int:
    """How many classes the vault opened for this entry; `Gone` after an erasure."""
    return int(_sealed_part(vault, entry_)[2] or 0)


def _sealed_part(vault: Vault, entry_: Entry) -> tuple[str, str, str]:
    sealed = Sealed(entry_.classes, place_of(entry_.subject, entry_.request_id))
    return vault.open_policy(sealed).decode().partition(";")


def line(logged: Logged, classes: Iterable[DataClass], *, guardian: str | None = None) -> Text:
    """One entry in plain words: when, who, what was done with which classes, why.

    `guardian` is the name of the guardian who looked; the log itself does not hold it.
    """
    one = logged.entry
    when = one.at.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M")
    listed = [CLASSES[data_class].name for data_class in classes]
    zh = "、".join(text.zh for text in listed) or _NOTHING.zh
    en = "; ".join(text.en for text in listed) or _NOTHING.en
    who, done, why = _who(one), _ACTIONS[one.action], PURPOSES[one.purpose]
    name = one.actor_name or guardian or ""
    clinic = f"（{one.on_behalf_of}）" if one.on_behalf_of else ""
    of_clinic = f" ({one.on_behalf_of})" if one.on_behalf_of else ""
    if one.decision == "deny":
        return Text(
            f"{when} {who.zh}{name}{clinic}试图{done.zh}：{zh}。目的：{why.zh}。已被拒绝。",
            f"{when} {who.en} {name}{of_clinic} was refused and never {done.en}: {en}. "
            f"Purpose: {why.en}.",
        )
    return Text(
        f"{when} {who.zh}{name}{clinic}{done.zh}了：{zh}。目的：{why.zh}。",
        f"{when} {who.en} {name}{of_clinic} {done.en}: {en}. Purpose: {why.en}.",
    )


def _who(entry_: Entry) -> Text:
    return _GUARDIAN if entry_.rule in _BY_GUARDIAN else _ACTORS[entry_.actor_kind]


def place_of(subject: UUID, request_id: str) -> Place:
    return Place("access_log", "classes", subject, sha256(request_id.encode()).digest()[:16])
