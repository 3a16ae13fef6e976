"""The colours of a pregnancy's risk as a doctor entered them. Nothing here computes one.

They are five of their own (绿黄橙红紫) and no level of the prompt: purple stands for an infectious
disease, lies in that class, and may stand beside another colour.
"""

from typing import Any

from service.domain.care.situation import DIAGNOSIS, Situation
from service.domain.care.sources import SOURCES
from service.domain.life import Stage
from service.domain.vocabulary.codes import CODES

SOURCE = SOURCES["pregnancy_colours"]
PREFIX = "pregnancy_risk_"
GRADED = ("green", "yellow", "orange", "red")
BESIDE = "purple"
NAMES = {f"{DIAGNOSIS}{PREFIX}{colour}": colour for colour in (*GRADED, BESIDE)}
"""What a record tells, and the colour it means."""


def pregnancy(who: Situation) -> dict[str, Any] | None:
    """In pregnancy the newest colour a doctor entered, and purple where it stands; else None."""
    if who.stage is not Stage.PREGNANT:
        return None
    told = _standing(who)
    graded = [one for one in told if one["colour"] != BESIDE][:1]
    beside = [one for one in told if one["colour"] == BESIDE]
    return {"colours": graded + beside, **SOURCE.shown()}


def _standing(who: Situation) -> list[dict[str, Any]]:
    """Colours whose newest record by somebody clinical says that they stand, newest first."""
    found: dict[str, dict[str, Any] | None] = {}
    for deed in who.deeds:
        for name, status in deed.told.items():
            if name in NAMES and deed.clinical and deed.day <= who.today and name not in found:
                found[name] = _shown(name, deed.day.isoformat()) if status == "active" else None
    return [one for one in found.values() if one is not None]


def _shown(name: str, day: str) -> dict[str, Any]:
    label = CODES["condition"][name.removeprefix(DIAGNOSIS)].name
    return {"colour": NAMES[name], "label": label.both(), "entered": day}
