"""Heart rates of a session, and when no number may be shown. Tenths of a beat, no floats."""

from consent.vocabulary import Text

from .rules import Interval, document
from .screening import Person


def highest(age: int) -> int:
    """Estimated highest heart rate in tenths of beats a minute: 208 - 0.7 * age."""
    formula = document()["hrmax_tenths"]
    return int(formula["from"] - formula["per_year"] * age)


def karvonen(age: int, resting: int, percent: int) -> int:
    """Target in tenths of beats from the heart rate reserve, half up."""
    return _half_up((highest(age) - resting * 10) * percent, 100) + resting * 10


def target(age: int, percent: Interval) -> Interval:
    """Beats a minute between two percentages of the highest heart rate, half up."""
    return Interval(*(_half_up(highest(age) * share, 1000) for share in percent))


def hidden(person: Person) -> Text | None:
    """What to go by instead of a number, for whom a formula would be wrong or dangerous."""
    rule = document()["no_heart_rate"]
    says = set(person.conditions) | {f"takes_{name}" for name in person.medications or ()}
    return Text(**rule["use"]) if says & set(rule["when"]) else None


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
