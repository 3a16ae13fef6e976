"""Glucose and HbA1c categories (WHO 1999, CDS 2020); Chinese cuts, not the American ones."""

from typing import NamedTuple

from .catalogue import MODELS

MODEL = MODELS["cn_glucose_cutoffs"]
_P = MODEL.parameters
DIABETES: dict[str, float] = _P["diabetes"]
IFG_FROM: float = _P["ifg_from"]
IGT_FROM: float = _P["igt_from"]
ADVISE: dict[str, float] = _P["advise"]
IDEAL_FPG_BELOW: float = _P["ideal_fpg_below"]
CONTROL: dict[str, float] = _P["control"]

ANSWERS = {
    "normal": "normal",
    "ifg": "IFG (prediabetes)",
    "igt": "IGT (prediabetes)",
    "ifg_igt": "IFG+IGT (prediabetes)",
    "diabetes_range": "diabetes range",
}


class Values(NamedTuple):
    """What was measured: mmol/L, HbA1c in percent; None where it was not."""

    fpg: float | None = None
    ogtt_2h: float | None = None
    random: float | None = None
    hba1c: float | None = None

    @property
    def known(self) -> bool:
        return any(value is not None for value in self)


def in_diabetes_range(values: Values) -> bool:
    return (
        (values.fpg is not None and values.fpg >= DIABETES["fpg"])
        or (values.ogtt_2h is not None and values.ogtt_2h >= DIABETES["ogtt_2h"])
        or (values.random is not None and values.random >= DIABETES["random"])
        or (values.hba1c is not None and values.hba1c >= DIABETES["hba1c"])
    )


def classify(values: Values) -> str | None:
    """normal, ifg, igt, ifg_igt or diabetes_range; None when nothing was measured."""
    if not values.known:
        return None
    if in_diabetes_range(values):
        return "diabetes_range"
    ifg = values.fpg is not None and values.fpg >= IFG_FROM
    igt = values.ogtt_2h is not None and values.ogtt_2h >= IGT_FROM
    if ifg and igt:
        return "ifg_igt"
    return "ifg" if ifg else "igt" if igt else "normal"


def controlled(values: Values) -> bool | None:
    """Are a diabetic's values at target? HbA1c and fasting both; random only when alone."""
    checks = []
    if values.hba1c is not None:
        checks.append(values.hba1c < CONTROL["hba1c_below"])
    if values.fpg is not None:
        checks.append(values.fpg < CONTROL["fpg_below"])
    if not checks and values.random is not None:
        checks.append(values.random < CONTROL["random_below"])
    return all(checks) if checks else None


def advises_ogtt(values: Values) -> bool:
    return (values.fpg is not None and values.fpg >= ADVISE["fpg"]) or (
        values.random is not None and values.random >= ADVISE["random"]
    )


def attention(values: Values) -> bool:
    """The American prediabetes bands: worth a remark, never a Chinese category."""
    return (values.fpg is not None and IDEAL_FPG_BELOW <= values.fpg < IFG_FROM) or (
        values.hba1c is not None and ADVISE["hba1c"] <= values.hba1c < DIABETES["hba1c"]
    )
