"""Liver: whether fibrosis or steatosis is worth a test, and the cancer risk in hepatitis."""

from consent.vocabulary import Text
from service.domain.risk import liver
from service.domain.risk.predictor import STEEP

from .result import Checked, Result, band_of

OLDER = Text(
    "65岁及以上常以2.0为低界，此值在其下。",
    "From 65 years 2.0 is often taken as the lower cut; this value lies below it.",
)


def fib4(given: Checked) -> Result:
    blood = given["age"], given["ast"], given["alt"], given["platelets"]
    factors, index = liver.fib4_factors(*blood), liver.fib4_index(*blood)
    older = (
        given["age"] >= liver.FIB4_OLDER_FROM and liver.FIB4_CUTS[0] <= index < liver.FIB4_OLDER_LOW
    )
    notes = (OLDER,) if older else ()
    return Result(round(index, 2), liver.fib4_category(index), factors, notes=notes)


def fli(given: Checked) -> Result:
    tg = given["tg"] * (liver.MG_DL_PER_MMOL if given["tg_unit"] == "mmol/L" else 1.0)
    terms = liver.fli_terms(tg, given["bmi"], given["ggt"], given["waist"])
    index = liver.fli_index(min(sum(terms.values()), STEEP))
    return Result(round(index, 1), band_of(liver.FLI, index, liver.FLI.parameters["cuts"]), terms)


def amap(given: Checked) -> Result:
    terms = liver.amap_terms(
        given["age"], given["male"], given["bilirubin"], given["albumin"], given["platelets"]
    )
    score = min(100.0, max(0.0, sum(terms.values())))
    rounded = liver.rounded(score)
    group = band_of(liver.AMAP, rounded, liver.AMAP.parameters["cuts"])
    value = {"score": round(score, 3), "rounded_official": rounded, "group": group}
    return Result(value, group, terms)
