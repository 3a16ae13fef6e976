"""Assessing a resident: cheaply with every write, wholly when the prompt is read.

A write stores the level and index at once (the head). The whole prompt, with its reasons and the
path to green, is made when somebody asks for it and kept until something it rests on changes:
a reading, the profile, the rule pack or the day (readings go stale, people have birthdays).
"""

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from consent.decision import Permit
from service.domain.risk.assess import assess, assess_level
from service.domain.risk.catalogue import RULE_PACK
from service.domain.risk.person import Person, Reading
from service.domain.vocabulary.regions import RegionTree
from service.keys.vault import Vault
from service.kit.clock import CITY_ZONE, city_day
from service.kit.sealed import Sealed
from service.prompts import head, shelf, store
from service.prompts.head import Brief, Head
from service.prompts.readings import Readings, person_of, readings_of
from service.prompts.shelf import Shelf
from service.records.plan import Change
from service.residents import actions as residents
from service.residents.actions import Profile

PROMPT_FRAME = 4096
"""Bytes of a stored whole prompt; one that is larger goes to the next power of two."""
HISTORY_FRAME = 128
_LABEL = struct.Struct(">I16s")
"""Before the prompt's JSON: the day it was assessed, and the rule pack."""


class Moment(NamedTuple):
    """One change of the level or the index."""

    at: str
    level: int | None
    colour: str | None
    index: float | None


def open_file(connection: Connection, vault: Vault, permit: Permit, *, rev: int = 0) -> None:
    """Give a new resident a slot for every class, so that rows tell nothing of what they measure."""
    store.file(connection, permit.subject, shelf.empty(vault, permit, rev))
