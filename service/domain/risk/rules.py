"""The rule pack: which level each published category gives.

A pack holds product rules only, the tables of `five_level_mapping`. What is published (equations,
points, cut-offs) changes with a release of the service and never by a pack. A pack may move
levels, but not make a worse category better than a milder one, nor an urgent reading less than
red. One pack is in force in a process at a time; another can be tried within `under`.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from consent.vocabulary import Text

from .catalogue import MODELS, RULE_PACK
from .tables import Steps

NAME = re.compile(r"\d{4}\.\d{1,4}")
"""Year and number: a stored prompt keeps the name in twelve bytes."""
RISING = {"china_par_pct": True, "composite": False}
"""Tables of lower bounds, and whether the level rises with the value."""
NUMBERS = ("chronic_floor", "relief_from")
_SHIPPED = MODELS["five_level_mapping"].parameters
CHOICES = tuple(
    name for name, table in _SHIPPED.items() if isinstance(table, dict) and name != "reason_names"
)
"""Tables from a category to a level, each written from the mildest category to the worst."""
RED = 5


class PackFault(NamedTuple):
    """One thing wrong with a pack; `pointer` is an RFC 6901 JSON pointer into it."""

    pointer: str
    sentence: Text


class PackRefused(ValueError):
    """The document is no rule pack of this service; `faults` says where and why."""

    def __init__(self, faults: list[PackFault]) -> None:
        super().__init__("; ".join(f"{fault.pointer}: {fault.sentence.en}" for fault in faults))
        self.faults = faults


MEMBERS = Text("应恰有pack、reason、levels。", "The members are pack, reason and levels.")
UNNAMED = Text("应为“年.序号”，如2026.2。", "A year and a number are expected, such as 2026.2.")
NO_REASON = Text("应有中英文理由。", "A reason in both languages is expected.")
TABLES = Text("应恰有现行包的各表。", "The tables are exactly those of the pack in force.")
KEYS = Text("应恰有现行的各类。", "The categories are exactly those of the pack in force.")
NO_LEVEL = Text("级别应为1到5的整数。", "A level is a whole number from 1 to 5.")
NO_STEPS = Text("应为[下界, 级别]，从0起，下界各不相同。", "Rows of [lower bound, level] from 0.")
BACKWARDS = Text("更重者的级别不得更低。", "A worse category may not give a lower level.")
NOT_RED = Text("急症读数必须为第5级。", "An urgent reading must stay at level 5.")


@dataclass(frozen=True, slots=True)
class Rules:
    """A pack as the judgement reads it; `document` is what was written, and signed."""

    pack: str
    steps: Mapping[str, Steps]
    tables: Mapping[str, Mapping[str, int]]
    chronic_floor: int
    relief_from: int
    document: Mapping[str, Any]

    @property
    def order(self) -> tuple[int, int]:
        """Later packs are greater."""
        year, number = self.pack.split(".")
        return int(year), int(number)


def read(document: Any) -> Rules:
    """The rules of a document, or `PackRefused` with everything that is wrong."""
    faults = _faults(document)
    if faults:
        raise PackRefused(faults)
    levels = document["levels"]
    return Rules(
        pack=document["pack"],
        steps={name: Steps(levels[name]) for name in RISING},
        tables={name: levels[name] for name in CHOICES},
        chronic_floor=levels["chronic_floor"],
        relief_from=levels["relief_from"],
        document=document,
    )


def _faults(document: Any) -> list[PackFault]:
    if not isinstance(document, dict) or set(document) != {"pack", "reason", "levels"}:
        return [PackFault("", MEMBERS)]
    faults = []
    if not isinstance(document["pack"], str) or not NAME.fullmatch(document["pack"]):
        faults.append(PackFault("/pack", UNNAMED))
    if not _is_reason(document["reason"]):
        faults.append(PackFault("/reason", NO_REASON))
    levels = document["levels"]
    if not isinstance(levels, dict) or set(levels) != {*RISING, *CHOICES, *NUMBERS}:
        return [*faults, PackFault("/levels", TABLES)]
    checks = {
        **dict.fromkeys(RISING, _steps_fault),
        **dict.fromkeys(CHOICES, _table_fault),
        **dict.fromkeys(NUMBERS, _number_fault),
    }
    for name, check in checks.items():
        fault = check(name, levels[name])
        if fault is not None:
            faults.append(PackFault(f"/levels/{name}", fault))
    return faults


def _is_reason(reason: Any) -> bool:
    return (
        isinstance(reason, dict)
        and set(reason) == {"zh", "en"}
        and all(isinstance(text, str) and text.strip() for text in reason.values())
    )


def _is_level(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= RED


def _number_fault(name: str, value: Any) -> Text | None:
    return None if _is_level(value) else NO_LEVEL


def _table_fault(name: str, table: Any) -> Text | None:
    mildest_first = list(_SHIPPED[name])
    if not isinstance(table, dict) or set(table) != set(mildest_first):
        return KEYS
    found = [table[category] for category in mildest_first]
    if not all(_is_level(level) for level in found):
        return NO_LEVEL
    if any(before > after for before, after in pairwise(found)):
        return BACKWARDS
    if name == "urgent" and any(level != RED for level in found[1:]):
        return NOT_RED
    return None


def _steps_fault(name: str, rows: Any) -> Text | None:
    if not isinstance(rows, list) or not all(_is_row(row) for row in rows):
        return NO_STEPS
    ordered = sorted((bound, level) for bound, level in rows)
    bounds = [bound for bound, _ in ordered]
    if not bounds or bounds[0] != 0 or len(set(bounds)) != len(bounds):
        return NO_STEPS
    found = [level for _, level in ordered]
    if not all(_is_level(level) for level in found):
        return NO_LEVEL
    mildest_first = found if RISING[name] else found[::-1]
    return BACKWARDS if any(a > b for a, b in pairwise(mildest_first)) else None


def _is_row(row: Any) -> bool:
    if not isinstance(row, list) or len(row) != 2 or isinstance(row[0], bool):
        return False
    # A comparison is false for a not-a-number and exact for any whole number.
    return isinstance(row[0], int | float) and 0 <= row[0] <= 100


SHIPPED = read(
    {
        "pack": RULE_PACK,
        "reason": {"zh": "随本版本发布。", "en": "Shipped with this release."},
        "levels": {name: _SHIPPED[name] for name in (*RISING, *CHOICES, *NUMBERS)},
    }
)
"""The pack of this release of the service."""


class _Process:
    """What this process judges by; changed by the composition root alone."""

    rules = SHIPPED


_tried: ContextVar[Rules | None] = ContextVar("rules on trial", default=None)


def in_force() -> Rules:
    """The rules to judge by here and now."""
    return _tried.get() or _Process.rules


def enforce(rules: Rules) -> None:
    """From now on this process judges by `rules`."""
    _Process.rules = rules


@contextmanager
def under(rules: Rules) -> Iterator[None]:
    """Judge by `rules` inside, and nowhere else."""
    token = _tried.set(rules)
    try:
        yield
    finally:
        _tried.reset(token)


@contextmanager
def steadily() -> Iterator[None]:
    """Judge all inside by the pack in force at its beginning, whatever comes in force meanwhile."""
    with under(in_force()):
        yield
