"""The policy once more, from the text of docs/policy.md alone, slow and plain.

Whoever changes a rule changes the text first, then this, then the code, and each time without
looking at the other. Nothing of the code that decides is used here: only the vocabulary, the
shapes of the arguments, and the sentences as they are published in decision-table.md.
Numbers in brackets are sections of docs/policy.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from consent.grant import Grant
from consent.request import AccessRequest, Facts
from consent.vocabulary import Action, ActorKind, DataClass, GranteeKind, Purpose

TABLE = Path(__file__).parents[3] / "docs" / "decision-table.md"
# [3.6] The farthest miss first.
NEARNESS = ["no-grant", "explicit-deny", "withdrawn", "expired", "not-yet-valid"]
NEARNESS += ["notice-outdated", "no-uses-left", "window", "no-contract", "separate-consent"]
REPEATED_OF_THE_REQUEST = ("subject", "actor", "purpose", "action")
REPEATED_OF_THE_DECISION = ("classes", "grant", "rule", "window", "revision")
Days = tuple[date | None, date | None]
Withheld = dict[DataClass, str]
Ends = list[datetime | None]
Opens = list[tuple[Grant, set[DataClass]]]
Answer = dict[str, Any]


def answer(request: AccessRequest, grants: Iterable[Grant], facts: Facts, now: datetime) -> Answer:
    """The decision as a dict of its fields, its permit (if there is one) likewise."""
    if now.utcoffset() is None:
        raise ValueError("now has no zone")
    all_of_them = list(grants)
    once = [one for place, one in enumerate(all_of_them) if one not in all_of_them[:place]]
    return Case(request, once, facts, utc(now)).answer()


def utc(moment: datetime) -> datetime:
    """Two times in one zone are compared by their clocks alone, so bring all of them to UTC."""
    return moment.astimezone(UTC)


def number_of(days: Days) -> int:
    """[3.5] How many days there are; a missing end reaches to the end of the calendar."""
    first = date(1, 1, 1) if days[0] is None else days[0]
    last = date(9999, 12, 31) if days[1] is None else days[1]
    return max(0, (last - first).days + 1)


@dataclass
class Offer:
    """[3.4] Grants that open something on the same days, with the classes each of them opens."""

    days: Days
    limited: bool
    opened: Opens

    def classes(self) -> set[DataClass]:
        return {data_class for _, classes in self.opened for data_class in classes}

    def named(self) -> Grant:
        return min(self.opened, key=lambda one: (-len(one[1]), one[0].id.int))[0]

    def place(self) -> tuple[int, int, bool, int]:
        """[3.5] The lower, the better."""
        return -len(self.classes()), -number_of(self.days), self.limited, self.named().id.int


@dataclass
class Case:
    """One question, `now` in UTC and no grant twice."""

    request: AccessRequest
    grants: list[Grant]
    facts: Facts
    now: datetime

    def __post_init__(self) -> None:
        """[1] Who is asking."""
        actor, until = self.request.actor, self.facts.minor_until
        resident = actor.kind is ActorKind.RESIDENT
        child = until is not None and self.now < utc(until)
        self.subject = resident and actor.id == str(self.request.subject)
        self.listed = resident and actor.id in self.facts.guardians
        self.guardian = self.listed and child and not self.subject
        self.owner = self.subject or self.guardian
        self.statistics_service = actor.kind is ActorKind.SERVICE and actor.id == "statistics"
        self.names = []
        if actor.kind is ActorKind.SERVICE:
            self.names = [(GranteeKind.SERVICE, actor.id)]
        if actor.kind is ActorKind.PRACTITIONER:
            self.names = [(GranteeKind.PRACTITIONER, actor.id)]
            if actor.clinic is not None:
                roles = [(GranteeKind.ROLE, actor.clinic + ":" + role) for role in actor.roles]
                self.names += [(GranteeKind.CLINIC, actor.clinic), *roles]

    # [2] The request as a whole
    def answer(self) -> Answer:
        purpose, asked = self.request.purpose, set(self.request.classes)
        practitioner = self.request.actor.kind is ActorKind.PRACTITIONER
        refusal = self.refusal_1_to_11()
        if refusal:
            return self.refused_whole(refusal)
        if self.subject:  # 12
            return self.permitted("own-record", {}, [], classes=asked)
        if self.guardian:  # 13
            return self.permitted("guardian", {}, [self.facts.minor_until], classes=asked)
        counts = self.statistics_service and purpose is Purpose.STATISTICS
        if counts or (practitioner and purpose is not Purpose.EMERGENCY):  # 14
            return self.by_grants()
        if practitioner:  # 15
            return self.by_break_glass()
        return self.refused_whole("no-rule")  # 16

    def refusal_1_to_11(self) -> str | None:
        request, facts, owner, action = self.request, self.facts, self.owner, self.request.action
        kind, purpose = request.actor.kind, request.purpose
        known = isinstance(kind, ActorKind) and isinstance(purpose, Purpose)
        known = known and isinstance(action, Action)
        known = known and all(one in list(DataClass) for one in request.classes)
        counted = [purpose is Purpose.STATISTICS, action is Action.AGGREGATE]
        counts = all(counted) and self.statistics_service
        taken_away = action in (Action.EXPORT, Action.ERASE)
        lines = [
            ("city-no-person", kind is ActorKind.CITY),
            ("operator-no-health", kind is ActorKind.OPERATOR),
            ("erased", facts.subject_status == "erased"),
            ("unknown-subject", facts.subject_status != "active"),
            ("unknown-word", bool(request.unknown) or not known),
            ("nothing-asked", not request.classes),
            ("statistics-only-counts", any(counted) and not counts),
            ("guardian-ended", self.listed and not owner),
            ("owner-only", not owner and action in (Action.MANAGE, Action.ERASE)),
            ("deny-all", not owner and facts.deny_all),
            ("own-record-needs-step-up", owner and taken_away and not facts.stepped_up),
        ]
        return next((rule for rule, holds in lines if holds), None)

    # [3] Grants
    def about(self, grant: Grant) -> bool:
        """[3.1] Whether the grant is looked at."""
        purposes, actions = set(grant.purposes), set(grant.actions)
        if grant.deny:
            purposes = purposes or set(Purpose)
            actions = actions or set(Action)
            if Purpose.CARE in purposes:
                purposes.add(Purpose.EMERGENCY)
        named = (grant.grantee.kind, grant.grantee.id) in self.names
        return named and self.request.purpose in purposes and self.request.action in actions

    def denied(self, data_class: DataClass) -> bool:
        """[3.2] Whether a deny in force closes the class."""
        for grant in self.grants:
            begun = utc(grant.valid_from) <= self.now
            ended = grant.valid_until is not None and utc(grant.valid_until) <= self.now
            in_force = grant.withdrawn_at is None and begun and not ended
            closes = not grant.data_classes or data_class in grant.data_classes
            if grant.deny and self.about(grant) and in_force and closes:
                return True
        return False

    def denials_to_come(self) -> Ends:
        """[5] When denies begin that are not withdrawn."""
        denies = [one for one in self.grants if one.deny and self.about(one)]
        begins = [utc(one.valid_from) for one in denies if one.withdrawn_at is None]
        return [begin for begin in begins if begin > self.now]

    def common_days(self, grant: Grant) -> Days:
        """[3.4] The days both asked for and granted."""
        first, last = self.request.window or (None, None)
        firsts = [day for day in (first, grant.observations_from) if day is not None]
        lasts = [day for day in (last, grant.observations_to) if day is not None]
        return max(firsts, default=None), min(lasts, default=None)

    def stop(self, grant: Grant, data_class: DataClass) -> str | None:
        """[3.3] Where the grant stops for a class it names; None where it opens the class."""
        until, outdated, uses = grant.valid_until, grant.outdated_from, grant.uses_left
        contract = self.facts.contract_in_force
        if grant.grantee.kind in (GranteeKind.CLINIC, GranteeKind.ROLE):
            contract = self.facts.clinic_contract
        needed = self.request.purpose is Purpose.CARE or grant.basis != "resident"
        agreed = not DataClass(data_class).separate_consent or data_class in grant.separate_consent
        lines = [
            ("withdrawn", grant.withdrawn_at is not None),
            ("expired", until is not None and utc(until) <= self.now),
            ("not-yet-valid", self.now < utc(grant.valid_from)),
            ("notice-outdated", outdated is not None and utc(outdated) <= self.now),
            ("no-uses-left", uses is not None and uses <= 0),
            # What two ranges have in common is a range; a reversed one leaves nothing of it.
            ("window", number_of(self.common_days(grant)) == 0),
            ("no-contract", needed and not contract),
            ("separate-consent", not agreed),
        ]
        return next((rule for rule, holds in lines if holds), None)

    def opened(self) -> tuple[Opens, Withheld]:
        """[3.3] What each grant opens by itself, and where the nearest grant stops [3.6]."""
        withheld: Withheld = {}
        opens: Opens = [(one, set()) for one in self.grants if self.about(one) and not one.deny]
        for data_class in self.request.classes:
            if self.denied(data_class):
                withheld[data_class] = "explicit-deny"
                continue
            withheld[data_class] = "no-grant"
            for grant, opened in opens:
                if data_class in grant.data_classes:
                    where = self.stop(grant, data_class)
                    if where is None:
                        opened.add(data_class)
                    elif NEARNESS.index(where) > NEARNESS.index(withheld[data_class]):
                        withheld[data_class] = where
        return [(grant, opened) for grant, opened in opens if opened], withheld

    def offers(self) -> list[Offer]:
        """[3.4]"""
        offers: list[Offer] = []
        for grant, opened in self.opened()[0]:
            days, limited = self.common_days(grant), grant.uses_left is not None
            same = [one for one in offers if one.days == days and not (limited or one.limited)]
            if same:
                same[0].opened.append((grant, opened))
            else:
                offers.append(Offer(days, limited, [(grant, opened)]))
        return offers

    def by_grants(self) -> Answer:
        offers, withheld = self.offers(), self.opened()[1]
        if not offers:
            return self.told(max(withheld.values(), key=NEARNESS.index), withheld)
        taken = min(offers, key=Offer.place)
        classes, named = taken.classes(), taken.named()
        doctor = "signed-doctor" if self.request.purpose is Purpose.CARE else "named-doctor"
        rules = {"clinic": "clinic-grant", "role": "role-grant", "service": "statistics-grant"}
        rule = rules.get(named.grantee.kind.value, doctor)
        for offer in offers:  # [3.6]
            withheld |= dict.fromkeys(offer.classes(), "another-grant")
        withheld = {one: why for one, why in withheld.items() if one not in classes}
        ends = [end for one, _ in taken.opened for end in (one.valid_until, one.outdated_from)]
        ends += self.denials_to_come()
        terms = {"classes": classes, "grant": named.id, "window": taken.days}
        duties = {"log-before-reveal", "spend-use"} if taken.limited else {"log-before-reveal"}
        return self.permitted(rule, withheld, ends, **terms, obligations=duties)

    # [4] Emergency
    def by_break_glass(self) -> Answer:
        since = None if self.facts.emergency_since is None else utc(self.facts.emergency_since)
        # Where it was never opened it is over, as it is four hours after it was.
        over_at = self.now if since is None else since + timedelta(hours=4)
        early = since is not None and since > self.now
        opening, ended = self.facts.emergency_opening, self.facts.emergency_ended
        resting = ended is not None and self.now - utc(ended) < timedelta(days=1)
        lines = [
            ("break-glass-only-reads", self.request.action is not Action.READ),
            ("break-glass-needs-acr", self.request.actor.acr < 2),
            ("break-glass-needs-step-up", opening and not self.facts.stepped_up),
            ("break-glass-refused", self.facts.emergency_refused),
            ("break-glass-resting", opening and resting),
            ("break-glass-over", early or over_at <= self.now),
        ]
        refusal = next((rule for rule, holds in lines if holds), None)
        if refusal:
            return self.refused_whole(refusal)
        withheld: Withheld = {}
        for data_class in self.request.classes:
            if self.denied(data_class):
                withheld[data_class] = "explicit-deny"
            elif DataClass(data_class).grade == 5:
                withheld[data_class] = "break-glass-grade-5"
        left = {one for one in self.request.classes if one not in withheld}
        if not left and "break-glass-grade-5" in withheld.values():
            return self.told("break-glass-grade-5", withheld)
        if not left:
            return self.told("explicit-deny", withheld)
        duties = {"log-before-reveal", "notify-subject", "review"}
        ends = [over_at, *self.denials_to_come()]
        return self.permitted("break-glass", withheld, ends, classes=left, obligations=duties)

    # [5] The answer
    def refused_whole(self, rule: str) -> Answer:
        return self.told(rule, dict.fromkeys(self.request.classes, rule))

    def told(self, rule: str, withheld: Withheld, **terms: Any) -> Answer:
        """The answer; where it refuses there are no terms, so nothing is open."""
        nothing: Answer = {"classes": set(), "grant": None, "window": None, "obligations": set()}
        told = {"rule": rule, "sentence": SENTENCES[rule], "revision": self.facts.revision}
        told |= {"allow": bool(terms), "permit": None, "withheld": withheld}
        return told | nothing | terms

    def permitted(self, rule: str, withheld: Withheld, ends: Ends, **terms: Any) -> Answer:
        days = terms.get("window", self.request.window)
        terms["window"] = None if days == (None, None) else days
        answer = self.told(rule, withheld, **terms)
        five_minutes = self.now + timedelta(minutes=5)
        expires_at = min([five_minutes, *(utc(end) for end in ends if end is not None)])
        permit = {"owner": self.owner, "expires_at": expires_at}
        permit |= {name: getattr(self.request, name) for name in REPEATED_OF_THE_REQUEST}
        permit |= {name: answer[name] for name in REPEATED_OF_THE_DECISION}
        return answer | {"permit": permit}


def sentences() -> dict[str, tuple[str, str]]:
    """The sentences as they are published, Chinese and English, by the id of the rule."""
    rules = TABLE.read_text(encoding="utf-8").split("## Who may")[0].splitlines()
    rows = [[cell.strip(" `") for cell in line.split("|")] for line in rules]
    return {row[2]: (row[5], row[6]) for row in rows if len(row) > 6 and row[1].isdigit()}


SENTENCES = sentences()
