"""Who somebody was on an earlier day, as far as their records tell."""

from datetime import datetime
from itertools import islice

from sqlalchemy import Connection

from consent.decision import Permit
from service.domain.regions import RegionTree
from service.domain.risk.assess import LevelBrief, assess_level
from service.keys.vault import Vault
from service.kit.clock import city_day
from service.prompts import frames
from service.prompts.frames import Entry, Frame
from service.prompts.readings import PROMPT_CLASSES, entries_of, person_of, readings_of
from service.records import pages
from service.residents.actions import Profile

MOST = 2000
"""Records of a class that are looked at: nobody's year takes long to look back on."""


def level_at(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    *,
    profile: Profile,
    regions: RegionTree,
    at: datetime,
) -> LevelBrief:
    """Level and index at a past moment, by the rules in force now and the permit's classes.

    Of every class the last `MOST` records before that moment are looked at.
    """
    told: list[Frame] = []
    for data_class in PROMPT_CLASSES:
        if data_class in permit.classes:
            entries: list[Entry] = []
            walk = pages.of_class(connection, vault, permit, data_class, until=city_day(at))
            for key, record in islice(walk, MOST):
                entry = entries_of(record, key).get(data_class)
                if entry is not None and record.start <= at:
                    entries.append(entry)
            told.append(frames.with_entries(Frame(), entries))
    found = readings_of(told, permit.window)
    return assess_level(person_of(profile, found, regions), found, at)
