"""Life's Essential 8, the composite index, the five levels and the way from red to green."""

from collections.abc import Mapping
from typing import Any

from consent.vocabulary import Text
from service.domain.risk import china_par, composite, essential_eight, levers
from service.domain.risk.catalogue import MODELS
from service.domain.risk.facts import Facts
from service.domain.risk.inputs import rejected
from service.domain.risk.judgement import Judgement, judge
from service.domain.risk.rules import in_force

from .result import Checked, Result, need_one

COMPONENTS = ("diet", "activity", "nicotine", "sleep", "bmi", "lipids", "glucose", "bp")
UNDERWEIGHT = Text("体质指数低于18.5，不评分。", "A BMI below 18.5 is not scored.")
TOO_FEW = Text("可评项目少于六项，不给总分。", "Fewer than six components: no total.")
ESTIMATE = Text("模型估算，不是个体保证。", "A model estimate, no individual promise.")
NO_LEVEL = Text("没有可评的项目，不给级别。", "Nothing could be evaluated: no level.")
UNREACHABLE = Text(
    "所列改变不能把级别降得更低；请看风险的绝对下降。",
    "These changes cannot lower the level further; look at the absolute reduction.",
)
_LEVELS = MODELS["five_level_mapping"].parameters


def essential_eight_score(given: Checked) -> Result:
    names = ("mepa", "diet_percentile", "pa", "nicotine", "sleep", "bmi", "non_hdl", "bp")
    need_one(given, *names, "fpg", "hba1c", "diabetes_hba1c")
    points = _components(given)
    total = essential_eight.total(points)
    notes = []
    if given["bmi"] is not None and points[4] is None:
        notes.append(UNDERWEIGHT)
    if total is None:
        notes.append(TOO_FEW)
    return Result(
        {"components": points, "total": total},
        None if total is None else essential_eight.category(total),
        dict(zip(COMPONENTS, points, strict=True)),
        total is not None,
        tuple(notes),
    )


def _components(given: Checked) -> list[int | None]:
    table = essential_eight
    diet = None
    if given["mepa"] is not None:
        diet = table.DIET_MEPA.at(given["mepa"])
    elif given["diet_percentile"] is not None:
        diet = table.DIET_PERCENTILE.at(given["diet_percentile"])
    return [
        diet,
        None if given["pa"] is None else table.activity(given["pa"]),
        None if given["nicotine"] is None else table.nicotine(given["nicotine"]),
        None if given["sleep"] is None else table.sleep(given["sleep"]),
        None if given["bmi"] is None else table.body(given["bmi"], given["profile"]),
        None if given["non_hdl"] is None else table.lipids(*given["non_hdl"]),
        _glucose_points(given),
        None if given["bp"] is None else table.blood_pressure(*given["bp"]),
    ]


def _glucose_points(given: Checked) -> int | None:
    table = essential_eight
    if given["diabetes_hba1c"] is not None:
        points: int = table.DIABETES_HBA1C.at(given["diabetes_hba1c"])
        return points
    known = []
    for name, rows in (("fpg", table.FPG_MG_DL), ("hba1c", table.HBA1C)):
        if given[name] is not None:
            found = rows.at(given[name])
            # A value in the diabetes range belongs to the diabetes rows.
            known.append(int(table.DIABETES_HBA1C.at(0.0) if found is None else found))
    return min(known, default=None)


def composite_index(given: Checked) -> Result:
    names = tuple(MODELS["composite_index"].inputs)
    index = composite.mean(given[name] for name in names)
    terms = {name: given[name] for name in names}
    if index is None:
        empty = {"health_index": None, "risk_index": None, "level_floor": None}
        return Result(empty, None, terms, False, (TOO_FEW,))
    category, floor = composite.band(index)
    value = {"health_index": index, "risk_index": round(100 - index, 1), "level_floor": floor}
    return Result(value, category, terms)


def five_levels(given: Checked) -> Result:
    rules, levels = in_force(), dict[str, int]()
    for name, value in given.items():
        if value is None:
            continue
        item = _LEVELS["reason_names"].get(name, name)
        steps = rules.steps.get(name)
        levels[item] = rules.tables[name][value] if steps is None else steps.at(value)
    level = max(levels.values(), default=None)
    reasons = [item for item, own in levels.items() if own == level and own > 1]
    colour = None if level is None else _LEVELS["levels"][level - 1]["colour"]
    return Result(
        {"level": level, "reasons": reasons},
        colour,
        levels,
        level is not None,
        (NO_LEVEL,) if level is None else (),
    )


def red_to_green(given: Checked) -> Result:
    if given["target_below_pct"] is not None:
        return _below_percentage(given)
    return _joint(given)


def _waist(given: Checked, *names: str) -> float:
    for name in names:
        if given[name] is not None:
            return float(given[name])
    raise rejected(names[0], "required")


def _below_percentage(given: Checked) -> Result:
    scale = china_par.MMOL_PER_MG_DL
    person = china_par.Input(
        sex=given["sex"],
        age=given["age"],
        sbp=given["sbp"],
        treated=given["bp_treated"],
        tc=given["tc"] / scale,
        hdl=given["hdl"] / scale,
        waist=_waist(given, "waist_cm", "waist_par", "waist_now"),
        smoker=given["current_smoker"],
        diabetes=given["diabetes"],
        north=given["north"],
        urban=given["urban"],
        family_history=given["family_history_ascvd"],
    )
    value = levers.par_search(person, given["tc"], given["target_below_pct"])
    terms = {f"{name}:{goal:g}": change for name, goal, _, change in value["single"]}
    unreachable = value["best"] is None and value["base"] >= value["target"]
    return Result(
        value,
        "unreachable" if unreachable else "reachable",
        terms,
        notes=(ESTIMATE, UNREACHABLE) if unreachable else (ESTIMATE,),
    )


def _joint(given: Checked) -> Result:
    facts = _facts(given)
    before = judge(facts)
    available = levers.levers(facts, advice=False)
    routes = levers.search(facts, available, before.level)
    paths = {
        str(route.level): {
            "actions": {step.lever: _action(step) for step in route.chosen},
            "steps": route.steps,
            "after": _standing(route.judgement),
        }
        for route in routes
    }
    best = levers.bound(facts, available)
    return Result(
        {"before": _standing(before), "paths": paths},
        "reachable" if paths else "unreachable",
        {"bound_level": best.level, "bound_china_par": _rounded(best.china_par)},
        notes=(ESTIMATE,) if paths else (ESTIMATE, UNREACHABLE),
    )


def _facts(given: Checked) -> Facts:
    if given["dbp"] is None:
        raise rejected("dbp", "required")
    smoker = given["current_smoker"]
    facts = Facts(
        sex=given["sex"],
        age=int(given["age"]),
        north=given["north"],
        urban=given["urban"],
        bp_treated=given["bp_treated"],
        htn_dx=given["htn_dx"],
        tc=given["tc"],
        ldl=given["ldl"],
        hdl=given["hdl"],
        non_hdl=max(0.0, given["tc"] - given["hdl"]),
        bmi=given["bmi"],
        waist=_waist(given, "waist_now", "waist_cm", "waist_par"),
        waist_par=_waist(given, "waist_par", "waist_cm", "waist_now"),
        smoker=smoker,
        nicotine="current" if smoker else None,
        diabetes=given["diabetes"],
        hba1c=given["hba1c"],
        family_ascvd=given["family_history_ascvd"],
        inactive=given["inactive"],
    )
    facts.set_pressure(given["sbp"], given["dbp"])
    return facts


SHOWN = {
    "quit_smoking": {"smoker": "current_smoker"},
    "bp": {"sbp": "sbp", "dbp": "dbp"},
    "ldl": {"ldl": "ldl", "tc": "tc"},
    "tc": {"tc": "tc"},
    "waist": {"waist": "waist_now", "bmi": "bmi"},
    "active": {"inactive": "inactive"},
    "hba1c": {"hba1c": "hba1c"},
}


def _action(step: levers.Step) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for fact, name in SHOWN[step.lever].items():
        if fact in step.facts:
            value = step.facts[fact]
            named[name] = int(value) if isinstance(value, bool) else value
    return named


ITEMS = {
    "china_par_10y": "china_par",
    "bp_stratum": "bp_stratum",
    "lipid_2023": "lipid_2023",
    "stroke_8_2": "stroke_8_2",
    "glucose": "glucose",
    "urgent_blood_pressure": "urgent",
}


def _standing(found: Judgement) -> Mapping[str, Any]:
    return {
        "china_par": _rounded(found.china_par),
        "bp_stratum": found.bp_stratum,
        "bp_risk_factors": found.bp_risk_factors,
        "lipid_2023": found.lipid.stratum if found.lipid else None,
        "stroke_8_2": found.stroke,
        "stroke_n": len(found.stroke_factors),
        "levels": {name: found.items[item] for item, name in ITEMS.items() if item in found.items},
        "level": found.level,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
