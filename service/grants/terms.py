"""The terms a resident proposes, checked word by word. An unknown word never becomes a grant."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, TypeVar
from uuid import UUID

from consent.grant import BY_RESIDENT, Grant, Grantee, Notice
from consent.vocabulary import Action, DataClass, GranteeKind, Purpose, Text
from service.grants.gate import STATISTICS
from service.kit.errors import Fault, Invalid
from service.kit.ids import parse_id

Word = TypeVar("Word", bound=StrEnum)

UNKNOWN_WORD = Text("不是已知的词。", "This is not a known word.")
EMPTY = Text("不能为空。", "This must not be empty.")
STRANGE_GRANTEE = Text(
    "被授权方须是一位医生、一家机构、机构里的一种角色，或统计服务 statistics。",
    'The grantee must be a practitioner, a clinic, a role at a clinic ("<clinic id>:<role>"), or '
    'the service "statistics".',
)
WRONG_PURPOSE = Text("此被授权方不能用于该目的。", "This grantee cannot have this purpose.")
WRONG_ACTION = Text("此被授权方不能做该操作。", "This grantee cannot be allowed this action.")
BACKWARDS = Text("结束不能早于开始。", "The end must come after the beginning.")
PAST = Text("有效期已过。", "This would already have ended.")
NOT_AGREED = Text(
    "敏感类别需要单独同意，请逐项列出。",
    "Sensitive classes need a separate consent: list each of them.",
)

NOT_COUNTED = Text(
    "统计授权和拒绝没有使用次数。", "A grant for statistics and a refusal have no number of uses."
)
_CARERS = (GranteeKind.PRACTITIONER, GranteeKind.CLINIC, GranteeKind.ROLE)

# What each kind of grantee may be given at all. A refusal may close anything to anybody.
_PURPOSES: dict[GranteeKind, frozenset[Purpose]] = {
    **dict.fromkeys(_CARERS, frozenset({Purpose.CARE})),
    GranteeKind.SERVICE: frozenset({Purpose.STATISTICS}),
}
_ACTIONS: dict[GranteeKind, frozenset[Action]] = {
    **dict.fromkeys(_CARERS, frozenset({Action.READ, Action.WRITE, Action.DERIVE, Action.EXPORT})),
    GranteeKind.SERVICE: frozenset({Action.AGGREGATE}),
}
_DEFAULT_ACTIONS: dict[GranteeKind, frozenset[Action]] = {
    **dict.fromkeys(_CARERS, frozenset({Action.READ})),
    GranteeKind.SERVICE: frozenset({Action.AGGREGATE}),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a resident sent, in the words they sent; `check` turns it into `Terms`."""

    grantee_kind: str
    grantee_id: str
    purposes: Sequence[str]
    data_classes: Sequence[str]
    actions: Sequence[str] | None = None
    observations_from: date | None = None
    observations_to: date | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    separate_consent: Literal[True] | Sequence[str] = ()
    uses: int | None = None
    deny: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """Checked terms of a grant: every word known, every sensitive class agreed to by itself."""

    grantee: Grantee
    purposes: frozenset[Purpose]
    data_classes: frozenset[DataClass]
    actions: frozenset[Action]
    observations_from: date | None
    observations_to: date | None
    valid_from: datetime
    valid_until: datetime | None
    separate_consent: frozenset[DataClass]
    uses: int | None = None
    deny: bool = False

    def as_grant(
        self,
        grant_id: UUID,
        *,
        version: int = 1,
        notice: Notice | None = None,
        basis: str = BY_RESIDENT,
    ) -> Grant:
        """The grant that these terms make, kept or only imagined: `simulate` must not differ."""
        return Grant(
            id=grant_id,
            version=version,
            grantee=self.grantee,
            purposes=self.purposes,
            data_classes=self.data_classes,
            actions=self.actions,
            observations_from=self.observations_from,
            observations_to=self.observations_to,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            separate_consent=self.separate_consent,
            uses_left=self.uses,
            deny=self.deny,
            notice=notice,
            basis=basis,
        )


def check(offer: Offer, *, now: datetime) -> Terms:
    """The terms of an offer, or `Invalid` naming every fault.

    A refusal (`deny`) may leave purposes, classes and actions empty: then it closes all of them.
    """
    faults: list[Fault] = []
    grantee = _grantee(offer, faults)
    purposes = _listed(Purpose, offer.purposes, "/purposes", offer, faults)
    classes = _listed(DataClass, offer.data_classes, "/data_classes", offer, faults)
    actions = frozenset[Action]()
    if offer.actions is not None:
        actions = _listed(Action, offer.actions, "/actions", offer, faults)
    if offer.uses is not None and (offer.deny or grantee == STATISTICS):
        faults.append(Fault("/uses", "not-for-this-grantee", NOT_COUNTED))
    if grantee is not None and not offer.deny:
        actions = actions or _DEFAULT_ACTIONS[grantee.kind]
        _within(purposes, _PURPOSES[grantee.kind], "/purposes", WRONG_PURPOSE, faults)
        _within(actions, _ACTIONS[grantee.kind], "/actions", WRONG_ACTION, faults)
    valid_from = offer.valid_from or now
    _order(offer, valid_from, now, faults)
    if grantee == STATISTICS and not offer.deny:
        # Everybody is counted by region, sex and year of birth, so the profile belongs to it.
        classes |= {DataClass.PROFILE}
    separate = frozenset[DataClass]()
    if not offer.deny:
        separate = _separate(offer.separate_consent, classes, faults)
    if faults or grantee is None:
        raise Invalid(faults)
    return Terms(
        grantee,
        purposes,
        classes,
        actions,
        offer.observations_from,
        offer.observations_to,
        valid_from,
        offer.valid_until,
        separate,
        offer.uses,
        offer.deny,
    )


def _listed(
    kind: Callable[[str], Word],
    texts: Sequence[str],
    pointer: str,
    offer: Offer,
    faults: list[Fault],
) -> frozenset[Word]:
    """As `words`; a refusal may list nothing."""
    return frozenset() if offer.deny and not texts else words(kind, texts, pointer, faults)


def words(
    kind: Callable[[str], Word], texts: Sequence[str], pointer: str, faults: list[Fault]
) -> frozenset[Word]:
    """The known words of a list; unknown ones and an empty list become faults."""
    if not texts:
        faults.append(Fault(pointer, "empty", EMPTY))
    known: set[Word] = set()
    for at, text in enumerate(texts):
        try:
            known.add(kind(text))
        except ValueError:
            faults.append(Fault(f"{pointer}/{at}", "unknown-word", UNKNOWN_WORD))
    return frozenset(known)


def _grantee(offer: Offer, faults: list[Fault]) -> Grantee | None:
    if offer.grantee_kind == GranteeKind.PRACTITIONER:
        practitioner = parse_id(offer.grantee_id)
        if practitioner is not None:
            return Grantee(GranteeKind.PRACTITIONER, str(practitioner))
    elif offer.grantee_kind in (GranteeKind.CLINIC, GranteeKind.ROLE):
        clinic, colon, role = offer.grantee_id.partition(":")
        known = parse_id(clinic)
        if known is not None and bool(colon) is (offer.grantee_kind == GranteeKind.ROLE):
            return Grantee(GranteeKind(offer.grantee_kind), f"{known}{colon}{role}")
    elif (offer.grantee_kind, offer.grantee_id) == (STATISTICS.kind, STATISTICS.id):
        return STATISTICS
    faults.append(Fault("/grantee", "unknown-grantee", STRANGE_GRANTEE))
    return None


def _within(
    asked: Iterable[Word], allowed: frozenset[Word], pointer: str, said: Text, faults: list[Fault]
) -> None:
    if not allowed.issuperset(asked):
        faults.append(Fault(pointer, "not-for-this-grantee", said))


def _order(offer: Offer, valid_from: datetime, now: datetime, faults: list[Fault]) -> None:
    first, last = offer.observations_from, offer.observations_to
    if first is not None and last is not None and last < first:
        faults.append(Fault("/observations_to", "backwards", BACKWARDS))
    if offer.valid_until is None:
        return
    if offer.valid_until <= valid_from:
        faults.append(Fault("/valid_until", "backwards", BACKWARDS))
    elif offer.valid_until <= now:
        faults.append(Fault("/valid_until", "past", PAST))


def _separate(
    agreed: Literal[True] | Sequence[str], classes: frozenset[DataClass], faults: list[Fault]
) -> frozenset[DataClass]:
    """The sensitive classes agreed to one by one (PIPL article 29); `True` agrees to all asked."""
    needed = frozenset(data_class for data_class in classes if data_class.separate_consent)
    if agreed is True:
        return needed
    listed = words(DataClass, agreed, "/separate_consent", faults) if agreed else frozenset()
    if not needed <= listed:
        faults.append(Fault("/separate_consent", "separate-consent-missing", NOT_AGREED))
    return needed
