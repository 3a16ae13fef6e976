"""WS/T 586-2018 and WS/T 456-2014: overweight, thinness and stunting from 6.0 to 18.0 years."""

import json
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from consent.vocabulary import Text

from .tables import Sex

YOUNGEST, OLDEST = 12, 36
"""In completed half-years."""

Category = Literal["obese", "overweight", "stunted", "severely_thin", "mildly_thin", "normal"]
NAMES: Mapping[str, Text] = {
    "obese": Text("肥胖", "obesity"),
    "overweight": Text("超重", "overweight"),
    "stunted": Text("生长迟缓", "stunting"),
    "severely_thin": Text("中重度消瘦", "moderate or severe thinness"),
    "mildly_thin": Text("轻度消瘦", "mild thinness"),
    "normal": Text("正常", "normal"),
}
CAVEATS = (
    Text(
        "超重肥胖界值有两个来源；生长迟缓界值只有一个来源，且缺17.5岁。",
        "The cut-offs of overweight and obesity have two sources; those of stunting have one, "
        "without a row for 17.5 years.",
    ),
    Text(
        "消瘦界值：男生两个来源，女生一个来源。", "Thinness: two sources for boys, one for girls."
    ),
)


class Row(NamedTuple):
    """Cut-offs of one half-year: BMI in tenths, height in millimetres (None: not printed)."""

    overweight_from: int
    obese_from: int
    mild_thin_to: int
    severe_thin_to: int
    stunting_to: int | None


class Judgement(NamedTuple):
    """`category` in the order of the standards; `stunted` is None where no row is printed."""

    category: Category
    bmi: float
    stunted: bool | None


@cache
def document() -> Mapping[str, Any]:
    path = files("service.domain.growth") / "data" / "cn_school_age.json"
    found: Mapping[str, Any] = json.loads(path.read_text("utf-8"), parse_float=Decimal)
    return found


@cache
def rows(sex: Sex) -> Mapping[int, Row]:
    """Cut-offs by completed half-years."""
    return {
        int(age * 2): Row(*(None if cell is None else int(cell * 10) for cell in cells))  # type: ignore[arg-type]
        for age, *cells in document()["rows"][sex]
    }


def completed_months(birth_date: date, day: date) -> int:
    """Calendar months of age; the month of the 31st ends with the month that has none."""
    months = (day.year - birth_date.year) * 12 + day.month - birth_date.month
    return months - (day.day < birth_date.day)


def half_years(months: float) -> int:
    """Completed half-years of an age in months: 13.4 years are 26 of them."""
    return int(months // 6)


def bmi_tenths(height: float, weight: float) -> int:
    """Tenths of kg/m^2 of centimetres and kilograms, half up."""
    metres = Decimal(repr(float(height))) / 100
    tenths = Decimal(repr(float(weight))) * 10 / (metres * metres)
    return int(tenths.to_integral_value(ROUND_HALF_UP))


def judge(sex: Sex, months: float, height: float, weight: float) -> Judgement:
    """What the standards say of a height (cm) and weight (kg); `KeyError` outside 6.0-18.0 years.

    The bounds of thinness and stunting are included, as are those of overweight and obesity.
    """
    if not YOUNGEST * 6 <= months <= OLDEST * 6:
        raise KeyError(months)
    row = rows(sex)[half_years(months)]
    bmi = bmi_tenths(height, weight)
    stunted = None if row.stunting_to is None else _millimetres(height) <= row.stunting_to
    return Judgement(_category(row, bmi, stunted is True), bmi / 10, stunted)


def _category(row: Row, bmi: int, stunted: bool) -> Category:
    if bmi >= row.obese_from:
        return "obese"
    if bmi >= row.overweight_from:
        return "overweight"
    if stunted:
        return "stunted"
    if bmi <= row.severe_thin_to:
        return "severely_thin"
    return "mildly_thin" if bmi <= row.mild_thin_to else "normal"


def _millimetres(height: float) -> int:
    return int((Decimal(repr(float(height))) * 10).to_integral_value(ROUND_HALF_UP))
