"""How much longer a record could be if it said something else at the same places.

Sealed texts are padded in steps, and a reading of 98 is a byte shorter than one of 102: at the edge
of a step its size would tell them apart. What is padded is therefore as long as the longest answer.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache

from consent.vocabulary import DataClass
from service.domain.vocabulary.codes import CODES
from service.domain.vocabulary.measures import MEASURES
from service.domain.vocabulary.record import STATUSES, Record, Value

NUMBER = 8
"""Characters of a number: five digits, a point and two decimals. Longer ones are told by length."""
ANSWER = 4
"""Characters of an answer to a questionnaire: minutes, at the most."""


def spare(record: Record) -> Mapping[DataClass, int]:
    """Bytes to leave free in each part of a record beside what it says."""
    found: Counter[DataClass] = Counter()
    for code, value in record.values.items():
        found[MEASURES[code].data_class] += _spare(code, value)
    home = record.home
    if home is not None:
        if record.code is not None:
            found[home] += _longest_code(record.kind) - len(record.code)
        if record.status is not None:
            found[home] += _longest(STATUSES) - len(record.status)
        found[home] += sum(max(0, ANSWER - len(str(one))) for one in record.answers.values())
    return found


def _spare(code: str, value: Value) -> int:
    if isinstance(value, str):
        return _longest_option(code) - len(value)
    # As JSON spells it.
    return max(0, NUMBER - len(repr(value)))


@cache
def _longest_option(code: str) -> int:
    return _longest(MEASURES[code].options or ())


@cache
def _longest_code(kind: str) -> int:
    return _longest(CODES[kind])


def _longest(words: Iterable[str]) -> int:
    return max(map(len, words), default=0)
