"""From records to what an assessment looks at, and from stored frames to a person and readings."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from consent.decision import Window
from consent.vocabulary import DataClass
from service.domain.regions import RegionTree
from service.domain.risk.current import FRESH
from service.domain.risk.done import NAMES as CHECKS_DONE
from service.domain.risk.person import Person, Reading
from service.domain.vocabulary.codes import CODES
from service.domain.vocabulary.measures import MEASURES
from service.domain.vocabulary.records import Record
from service.kit.column_types import EPOCH
from service.prompts.frames import Entry, Frame, Value, short_key
from service.records.parts import within
from service.residents.actions import Profile

ASKED_FOR = CHECKS_DONE.union(FRESH)
"""What models and their advice look at beside histories; nothing else is kept in a frame."""
PROMPT_CLASSES = (
    DataClass.BODY,
    DataClass.SCREENING,
    DataClass.LIFESTYLE,
    DataClass.REPRODUCTIVE,
    DataClass.CONDITIONS,
    DataClass.INFECTIOUS,
    DataClass.GENETIC,
)
"""The classes that models read. Every resident has a frame for each, used or not."""

HISTORIES = ("condition", "medication", "family_history")
PRACTITIONER = "practitioner"
"""The kind of source of what a practitioner entered."""
OVER = "resolved"
"""The status under which a diagnosis or medicine no longer counts."""

Readings = Mapping[str, list[Reading]]
_MILLISECOND = timedelta(milliseconds=1)


def entries_of(record: Record, record_key: bytes) -> dict[DataClass, Entry]:
    """What one record tells the models, class by class."""
    told: dict[DataClass, dict[str, Value]] = {}
    for code, value in record.observed.items():
        if code not in ASKED_FOR:
            continue
        told.setdefault(MEASURES[code].data_class, {})[code] = value
    stated = f"{record.kind}:{record.code}"
    if record.code is not None and (record.kind in HISTORIES or stated in ASKED_FOR):
        data_class = CODES[record.kind][record.code].data_class
        told.setdefault(data_class, {})[stated] = record.status or "active"
    at = (record.start - EPOCH) // _MILLISECOND
    key = short_key(record_key)
    return {
        data_class: Entry(key, at, values, record.source.kind == PRACTITIONER)
        for data_class, values in told.items()
        if data_class in PROMPT_CLASSES
    }


def readings_of(frames: Iterable[Frame], window: Window | None = None) -> dict[str, list[Reading]]:
    """Readings by measure (and `kind:code` for histories) inside the window, newest first."""
    found: dict[str, list[Reading]] = {}
    for frame in frames:
        for entry in frame.entries:
            at = datetime.fromtimestamp(entry.at / 1000, UTC)
            if not within(window, at):
                continue
            for name, value in entry.values.items():
                found.setdefault(name, []).append(Reading(value, at, entry.clinical))
    return found


def person_of(profile: Profile, readings: Readings, regions: RegionTree) -> Person:
    """Who is assessed. Diagnoses count until a newer record says that they are over."""
    histories: dict[str, set[str]] = {kind: set() for kind in HISTORIES}
    for name, told in readings.items():
        kind, colon, code = name.partition(":")
        if colon and kind in histories and told[0].value != OVER:
            histories[kind].add(code)
    region = regions.get(profile.region)
    return Person(
        sex=profile.sex,
        birth_date=profile.birth_date,
        north=region is not None and region.north,
        urban=region is not None and region.urban,
        conditions=frozenset(histories["condition"]),
        medications=frozenset(histories["medication"]),
        family_history=frozenset(histories["family_history"]),
    )
