"""Values in the unit they were measured in, turned into the unit they are stored in.

Only the named unit decides: a magnitude never does. 0.97 sent as `%` is 0.97 %, and 0.97 sent as
`1` (a fraction, the way Apple Health writes it) is 97 %.
"""

from consent.vocabulary import Text
from service.domain.vocabulary import sources
from service.domain.vocabulary.measures import Conversion, Measure, bare

PLACES = 6
"""Decimals kept. Category borders in the data have at most three, so a converted value never
lands on the wrong side of one by rounding."""

ALIASES: dict[str, str] = sources.table("units.toml")["aliases"]
UNKNOWN_UNIT = Text("该指标不接受这个单位。", "This measure is not accepted in that unit.")
IDENTITY = Conversion(1.0, 0.0)


class UnitFault(ValueError):
    """The unit is not one the measure is accepted in. It never carries the value."""

    code = "unknown-unit"
    detail = UNKNOWN_UNIT


def ucum(spelling: str) -> str:
    """The UCUM code a spelling means, with or without a period; the spelling itself if unknown."""
    spelling = spelling.strip()
    if spelling in ALIASES:
        return ALIASES[spelling]
    for period, names in (("/d", ("/d", "/day", "/天", "/日")), ("/wk", ("/wk", "/week", "/周"))):
        for name in names:
            if spelling.endswith(name):
                stem = spelling.removesuffix(name)
                return ALIASES.get(stem, stem) + period
    return spelling


def conversion(measure: Measure, unit: str | None) -> Conversion:
    """How a number in `unit` becomes a stored one; raises `UnitFault`."""
    if unit is None or unit == measure.unit:
        return IDENTITY
    if measure.unit is None:
        raise UnitFault
    code = ucum(unit)
    if code == measure.unit:
        return IDENTITY
    stem, own = bare(code), bare(measure.unit)
    # A unit without a period is read per the measure's own period; another period is refused.
    if code != stem and not code.startswith("{") and not _same_period(code, measure.unit):
        raise UnitFault
    if stem == own or (own == "count" and stem == "1"):
        return IDENTITY
    found = measure.conversions.get(stem) or measure.conversions.get(code)
    if found is None:
        raise UnitFault
    return found


def _same_period(code: str, unit: str) -> bool:
    return code.rpartition("/")[2] == unit.rpartition("/")[2]


def canonical(measure: Measure, value: float | str, unit: str | None = None) -> float | str:
    """`value` as it is stored: in the measure's unit, to `PLACES` decimals, whole numbers as int.

    Answers of coded measures have no unit and come back unchanged.
    """
    rule = conversion(measure, unit)
    if isinstance(value, str):
        return value
    if rule is IDENTITY:
        return tidy(value)
    return tidy(value * rule.factor + rule.offset)


def express(measure: Measure, value: float, unit: str) -> float:
    """A stored value in another accepted unit; the inverse of `canonical`."""
    rule = conversion(measure, unit)
    return tidy((value - rule.offset) / rule.factor)


def tidy(value: float) -> float:
    """Rounded to `PLACES` decimals, and an int where whole, so that 128.0 and 128 are one value."""
    if abs(value) >= 2**53:
        return value
    rounded = round(value, PLACES)
    return int(rounded) if rounded == int(rounded) else rounded
