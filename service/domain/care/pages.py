"""docs/care.md, written from the tables of care: `python -m service.cli.pages`."""

from collections.abc import Iterator

from service.domain.care import norm, rates
from service.domain.care.checks import CHECKS, Check
from service.domain.care.due import checks as reading_checks
from service.domain.care.goals import AIMS
from service.domain.care.messages import MESSAGES
from service.domain.care.sources import SOURCES, read
from service.domain.care.youth import ENTRIES
from service.domain.risk import control

INTRODUCTION = """# Care: follow-ups, schedules, goals and messages

Written from `service/domain/care/data/`; do not edit. `GET /v1/me/plan` shows what of this concerns
somebody today; each of its lines carries the source, the grade and the caveat that stand here.

Nothing on this page moves a level. A check or a screening is an invitation (建议), and no line says
that somebody is ill. A plan is computed when it is read and stored nowhere. Grades are those of
[the risk models](risk-models.md).
"""


def page() -> str:
    """The whole page as text."""
    parts = (_norm(), _schedules(), _checks(), _youth(), _goals(), _messages(), _sources())
    return INTRODUCTION + "\n".join(line for part in parts for line in part) + "\n"


def _norm() -> Iterator[str]:
    yield "\n## 随访 · Follow-up of hypertension and diabetes\n"
    given = control.MODEL.parameters
    yield (
        f"Limits of control: below {given['sbp_below']}/{given['dbp_below']} mm[Hg], from "
        f"{control.OLDER_FROM} years {given['sbp_below_older']}/{given['dbp_below']}; fasting "
        f"glucose below {given['fasting_below']} mmol/L, or {given['random_below']} at random."
    )
    yield (
        f"Controlled: again within {norm.SATISFIED_MONTHS} months. Otherwise within "
        f"{norm.REVISIT.days} days. Source `{norm.SOURCE.id}`."
    )
    yield "\n| referral | is told |\n|---|---|"
    for reason, text in norm.REASONS.items():
        yield f"| `{reason}` | {text.zh} {text.en} |"
    yield (
        f"\nNorm rate: at least {rates.VISITS_A_YEAR} days with a follow-up face to face in the "
        "calendar year, of all under management in it. Control rate: the last follow-up of the "
        "year is at target, of the same people; who was not seen is not controlled. "
        f"Source `{rates.SOURCE.id}`."
    )
    yield "\nClinical targets stand beside the norm and never decide the control class:\n"
    yield "| disease | ages | below | source |\n|---|---|---|---|"
    for row in read("norm")["target"]:
        below = ", ".join(f"`{name}` {number}" for name, number in row["below"].items())
        yield f"| {row['condition']} | {_ages(row['ages'])} | {below} | `{row['source']}` |"


def _schedules() -> Iterator[str]:
    table = read("visits")
    yield "\n## 访视 · Visits by schedule\n\n| visit | opens | source |\n|---|---|---|"
    for part in ("child", "pregnancy", "postpartum"):
        for row in table[part]["visit"]:
            zh, en = row["name"]
            yield f"| {zh} {en} | {_opens(row)} | `{table[part]['source']}` |"
    yield (
        "\nA day that a month does not have is the first of the next one: somebody born on 29 "
        "February is a year older on 1 March. Days begin at midnight where the person lives."
    )


def _opens(row: dict[str, object]) -> str:
    for unit in ("months", "weeks", "days"):
        if unit in row:
            value = row[unit]
            if isinstance(value, list):
                return f"{unit} {value[0]}-{value[1]}"
            return f"{value} {unit}"
    raise KeyError("opens")


def _checks() -> Iterator[str]:
    yield "\n## 检查与筛查 · Checks and screenings\n"
    yield "| item | for whom | made of | again | source |\n|---|---|---|---|---|"
    for one in reading_checks().values():
        yield (
            f"| `{one.item}` {one.name.zh} {one.name.en} | {one.from_age}+, not followed for it | "
            f"{_any(one.measures)} | {one.healthy_months} months | `{one.healthy_source.id}` |"
        )
    for check in CHECKS:
        made = " and ".join(_any(group) for group in check.groups)
        yield (
            f"| `{check.item}` {check.name.zh} {check.name.en} | {_whom(check)} | {made} | "
            f"{_again(check)} | `{check.source.id}` |"
        )


def _whom(check: Check) -> str:
    said = [_ages(check.ages)]
    said += [check.sex] if check.sex else []
    said += [f"rule `{check.rule}`"] if check.rule else []
    said += [f"with {_any(tuple(sorted(check.conditions)))}"] if check.conditions else []
    said += ["by a clinic"] if check.clinical else []
    return ", ".join(said)


def _again(check: Check) -> str:
    if check.months is None:
        return "not by itself"
    more = {**check.sooner, **check.longer}
    rest = "".join(f"; {name} {months}" for name, months in more.items())
    return f"{check.months} months{rest}"


def _youth() -> Iterator[str]:
    yield "\n## 7-17岁 · From 7 to 17 years\n"
    yield (
        "The newest values of the last year; without a bound they are shown and not judged. "
        "Results of fitness tests stand in `fitness`, computed when the plan is read: students by "
        "the `school_grade` of the school year of the test (1 September to 31 August), adults of "
        "20 to 59 years under every edition that holds on the day. A grade is never guessed from "
        "the age, nor moved up from another school year: without one of that year the line says "
        "that the grade is missing, and that an older one has to be told again.\n"
    )
    yield "| entry | measures | bound | source |\n|---|---|---|---|"
    for one in ENTRIES:
        bounds = (("at least", one.at_least), ("at most", one.at_most))
        bound = ", ".join(f"{word} {value}" for word, value in bounds if value is not None)
        yield (
            f"| `{one.item}` {one.name.zh} {one.name.en} | {_any(one.measures)} | {bound} | "
            f"`{one.source.id}` |"
        )


def _goals() -> Iterator[str]:
    yield "\n## 目标 · Goals\n"
    yield (
        "A goal is a record of the kind `goal` whose values are its targets. Progress runs from "
        "the last value up to the day it was set, or the first one after it, to the target; 100 % "
        "is reached exactly when it is met. Steps and the like are the mean of the whole days of a "
        "week.\n"
    )
    yield "| goal | measures | direction | without a number | source |\n|---|---|---|---|---|"
    for aim in AIMS.values():
        number = ", ".join(f"`{name}` {value}" for name, value in aim.number.items())
        yield (
            f"| `{aim.code}` | {_any(aim.measures)} | {aim.direction} | {number} | "
            f"`{aim.source.id}` |"
        )


def _messages() -> Iterator[str]:
    yield "\n## 核心信息 · Core messages\n\n| id | ages | message | source |\n|---|---|---|---|"
    for one in MESSAGES:
        text = f"{one.text.zh} {one.text.en}"
        yield f"| `{one.id}` | {_ages(one.ages)} | {text} | `{one.source.id}` |"


def _sources() -> Iterator[str]:
    yield "\n## 来源 · Sources\n\n| id | grade | source | caveat |\n|---|---|---|---|"
    for one in SOURCES.values():
        yield f"| `{one.id}` | {one.grade} | {one.citation} | {one.caveat.zh} {one.caveat.en} |"


def _ages(ages: tuple[int, int] | list[int]) -> str:
    first, end = ages
    return f"{first}+" if end >= EVERYBODY else f"{first}-{end - 1}"


EVERYBODY = 200
"""The end of a range of ages that has none."""


def _any(names: tuple[str, ...]) -> str:
    return " or ".join(f"`{name}`" for name in names)
