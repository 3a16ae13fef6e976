"""A FITT prescription: every matching rule at once, or no prescription and the reason.

Intervals of all rules are intersected. An empty intersection, a missing clearance, an input that a
rule with limits needs, or a stop value end in a referral to the family doctor.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from consent.vocabulary import Text

from . import heart_rate
from .rules import Interval, Reason, Rule, caveats, document, rules
from .screening import Ceiling, Person, screen

VIGOROUS_GOALS = frozenset({"or_vigorous_min_per_week", "vigorous_days_per_week_ge", "combination"})
UNTRANSLATED = "pct_vo2peak"
"""Reaches into vigorous exercise on a scale no table here translates: left out below that."""
MISSING = Text(
    "缺少该规则必需的信息：请由家庭医生开具处方。",
    "Something that a rule needs is not known: the family doctor prescribes.",
)
EMPTY = Text(
    "各项规则没有共同的范围：请由家庭医生开具处方。",
    "The rules leave no common range: the family doctor prescribes.",
)


@dataclass(frozen=True, slots=True)
class Prescription:
    """`status` is `prescribed`, or `refer`: then `reasons` say why and there are no numbers.

    `intervals` are days a week, minutes, percent and resistance sets, each inside every rule's.
    `target_hr` is None where a formula may not be used; `instead` says what to go by.
    """

    status: Literal["prescribed", "refer"]
    ceiling: Ceiling
    reasons: tuple[Reason, ...]
    rules: tuple[str, ...] = ()
    goal: Mapping[str, Any] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    more: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    target_hr: Interval | None = None
    doctor_upper_hr: int | None = None
    instead: Text | None = None
    cautions: tuple[Text, ...] = ()
    sources: tuple[str, ...] = ()
    notes: tuple[Text, ...] = ()

    @property
    def vigorous(self) -> bool:
        """Whether anything in it is vigorous exercise."""
        share = self.intervals.get("pct_hrmax")
        return (
            bool(VIGOROUS_GOALS & set(self.goal))
            or UNTRANSLATED in self.intervals
            or (share is not None and share.high >= vigorous_from())
        )


def vigorous_from() -> int:
    """Percent of the highest heart rate from which exercise is vigorous (from memory)."""
    return int(document()["vigorous_from"]["pct_hrmax"])


def prescribe(person: Person) -> Prescription:
    """What somebody may do in a week and a session, or why a doctor decides."""
    screening = screen(person)
    matching = [rule for rule in rules() if rule.matches(person.age, person.conditions)]
    sessions = [rule for rule in matching if rule.kind == "session"]
    ceiling = _lowered(screening.ceiling, matching)
    intervals = merged(sessions, ceiling)
    stops = [
        *(screening.reasons if screening.ceiling == "none" else ()),
        *_missing(person, sessions),
        *(Reason(f"empty-{key}", EMPTY, "merge") for key, one in intervals.items() if one.empty),
    ]
    if stops:
        return Prescription("refer", "none", tuple(stops), notes=caveats())
    instead = heart_rate.hidden(person)
    share = intervals.get("pct_hrmax")
    return Prescription(
        "prescribed",
        ceiling,
        screening.reasons,
        rules=tuple(rule.id for rule in matching),
        goal=_goal(matching, ceiling),
        intervals=intervals,
        more={rule.id: _more(rule, ceiling) for rule in sessions if rule.more},
        target_hr=None if instead or share is None else heart_rate.target(person.age, share),
        doctor_upper_hr=person.safe_upper_hr,
        instead=instead,
        cautions=tuple(dict.fromkeys(text for rule in sessions for text in rule.cautions)),
        sources=tuple(dict.fromkeys(name for rule in matching for name in rule.sources)),
        notes=caveats(),
    )


def _lowered(ceiling: Ceiling, matching: Iterable[Rule]) -> Ceiling:
    """No goal of vigorous minutes beside a session that ends below them, nor in pregnancy."""
    for rule in matching:
        share = rule.intervals.get("pct_hrmax")
        gentle = share is not None and share.high < vigorous_from()
        if ceiling == "vigorous" and (gentle or "pct_peak" in rule.intervals or _pregnant(rule)):
            return "moderate"
    return ceiling


def _pregnant(rule: Rule) -> bool:
    return rule.id == "base_pregnant"


def merged(sessions: Iterable[Rule], ceiling: Ceiling) -> dict[str, Interval]:
    """The intersection of the intervals of `sessions`, below `ceiling`; some may be empty."""
    found: dict[str, Interval] = {}
    for rule in sessions:
        for key, interval in rule.intervals.items():
            found[key] = interval.within(found.get(key, interval))
    if ceiling != "vigorous":
        found.pop(UNTRANSLATED, None)
        if "pct_hrmax" in found:
            low, high = found["pct_hrmax"]
            found["pct_hrmax"] = Interval(low, min(high, vigorous_from() - 1))
    return found


def _missing(person: Person, sessions: Sequence[Rule]) -> Iterator[Reason]:
    """What is not known: for rules with limits any input, for every rule a doctor's clearance."""
    for rule in sessions:
        for name in rule.needs:
            asked = rule.has_limits or name == "doctor_clearance"
            if asked and not _known(person, name):
                yield Reason(f"missing-{name}", MISSING, rule.sources[0])


def _known(person: Person, name: str) -> bool:
    if name == "doctor_clearance":
        return person.doctor_clearance
    if name == "medication":
        return person.medications is not None
    if name in ("sbp", "dbp", "spo2", "safe_upper_hr"):
        return getattr(person, name) is not None
    return name in person.other


def _goal(matching: Iterable[Rule], ceiling: Ceiling) -> dict[str, Any]:
    """The week's goal: pregnancy replaces the goal of the age, a chronic condition adds to it."""
    goals = [rule for rule in matching if rule.kind == "goal"]
    if any(_pregnant(rule) for rule in goals):
        goals = [rule for rule in goals if rule.ages is None]
    found: dict[str, Any] = {}
    for rule in goals:
        for key, value in rule.goal.items():
            found.setdefault(key, value)
    if ceiling != "vigorous":
        return {key: value for key, value in found.items() if key not in VIGOROUS_GOALS}
    return found


def _more(rule: Rule, ceiling: Ceiling) -> dict[str, Any]:
    return {
        key: value
        for key, value in rule.more.items()
        if ceiling == "vigorous" or not key.startswith("vigorous")
    }
