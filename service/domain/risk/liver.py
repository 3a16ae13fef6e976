"""FIB-4 (Sterling 2006), the fatty liver index (Bedogni 2006) and aMAP (Fan 2020)."""

from math import exp, floor, log, log10, sqrt

from .catalogue import MODELS

FIB4, FLI, AMAP = MODELS["fib4"], MODELS["fli"], MODELS["amap_hcc"]
MG_DL_PER_MMOL: float = FLI.parameters["mg_dl_per_mmol"]
_FLI, _AMAP = FLI.parameters, AMAP.parameters
FIB4_CUTS: tuple[float, float] = tuple(FIB4.parameters["cuts"])
FIB4_OLDER_FROM: int = FIB4.parameters["older_from"]
FIB4_OLDER_LOW: float = FIB4.parameters["older_low_cut"]


def fib4_index(age: float, ast: float, alt: float, platelets: float) -> float:
    """One division, so that a value that is exactly at a cut stays there."""
    return age * ast / (platelets * sqrt(alt))


def fib4_category(index: float, low: float = FIB4_CUTS[0]) -> str:
    """From 65 years `low` is often taken as `FIB4_OLDER_LOW`; the upper cut stays."""
    return "low" if index < low else "high" if index > FIB4_CUTS[1] else "indeterminate"


def fib4_factors(age: float, ast: float, alt: float, platelets: float) -> dict[str, float]:
    """What the index multiplies; enzymes in U/L, platelets in 10*9/L."""
    return {"age": age, "ast": ast, "alt": 1.0 / sqrt(alt), "platelets": 1.0 / platelets}


def fli_terms(tg_mg_dl: float, bmi: float, ggt: float, waist: float) -> dict[str, float]:
    """Contributions to the predictor of the fatty liver index."""
    return {
        "ln_tg": _FLI["ln_tg"] * log(tg_mg_dl),
        "bmi": _FLI["bmi"] * bmi,
        "ln_ggt": _FLI["ln_ggt"] * log(ggt),
        "waist": _FLI["waist"] * waist,
        "constant": _FLI["constant"],
    }


def fli_index(predictor: float) -> float:
    """0 to 100."""
    return 100.0 / (1.0 + exp(-predictor))


def amap_terms(
    age: float, male: bool, bilirubin: float, albumin: float, platelets: float
) -> dict[str, float]:
    """Contributions to the score, 0 to 100; umol/L, g/L, 10*9/L."""
    points = 100.0 / _AMAP["range"]
    return {
        "age": _AMAP["age"] * age * points,
        "male": _AMAP["male"] * male * points,
        "bilirubin": _AMAP["albi"] * _AMAP["log10_bilirubin"] * log10(bilirubin) * points,
        "albumin": _AMAP["albi"] * _AMAP["albumin"] * albumin * points,
        "platelets": _AMAP["platelets"] * platelets * points,
        "offset": _AMAP["offset"] * points,
    }


def rounded(score: float) -> int:
    """Half up, as the official calculator rounds before it names the group."""
    return floor(score + 0.5)
