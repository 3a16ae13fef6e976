"""What a person can change, in goal steps, and the smallest combination that lowers the level.

Levers and goals are `data/counterfactual_red_to_green.json`. Never changed: age, sex, region,
family history, diagnoses, the treated flag, and for men the waist inside China-PAR. The search is
exhaustive: fewest steps first, then fewest levers, then the lowest China-PAR.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, product
from typing import Any

from . import china_par, essential_eight
from .catalogue import MODELS
from .facts import Facts
from .judgement import Judgement, judge

MODEL = MODELS["counterfactual_red_to_green"]
_P = MODEL.parameters
PRESSURE: list[list[int]] = _P["bp_goals"]
LDL: list[float] = _P["ldl_goals"]
TC: list[float] = _P["tc_goals"]
WAIST: dict[str, list[int]] = _P["waist_goals"]
BMI_PER_CM: float = _P["bmi_per_cm"]
HBA1C: float = _P["hba1c_goal"]
FASTING: float = _P["fasting_goal"]
EXERCISE_DAYS: int = _P["exercise_days"]
EXERCISE_MINUTES: int = _P["exercise_minutes"]
BOUND_ONLY_FROM: int = _P["no_119_from_age"]


@dataclass(frozen=True, slots=True)
class Step:
    """One goal of one lever: the facts it sets."""

    lever: str
    facts: Mapping[str, Any]


Lever = Sequence[Step]


def levers(facts: Facts, *, advice: bool) -> list[Lever]:
    """The levers this person has. As advice, 119/79 is left out from 65 years or on treatment."""
    found = [
        _smoking(facts),
        _pressure(facts, advice),
        _cholesterol(facts),
        _waist(facts, advice),
        _activity(facts),
        _glucose(facts),
    ]
    return [lever for lever in found if lever]


def _smoking(facts: Facts) -> Lever:
    if not facts.smoker:
        return ()
    return (Step("quit_smoking", {"smoker": False, "nicotine": "former <1 y"}),)


def _pressure(facts: Facts, advice: bool) -> Lever:
    # A single alarming reading makes a level too, and a lower one ends it.
    now = facts.newest_sbp if facts.single_pressure else facts.sbp
    if now is None:
        return ()
    goals = PRESSURE
    if advice and (facts.age >= BOUND_ONLY_FROM or facts.bp_treated):
        goals = goals[:-1]
    low = facts.newest_dbp if facts.single_pressure else facts.dbp
    steps = []
    for systolic, diastolic in goals:
        if now <= systolic and (low is None or low <= diastolic):
            continue
        pair = min(now, systolic), None if low is None else min(low, diastolic)
        steps.append(Step("bp", _pressures(*pair)))
    return steps


def _pressures(systolic: float, diastolic: float | None) -> dict[str, float | None]:
    return {
        "sbp": systolic,
        "dbp": diastolic,
        "control_sbp": systolic,
        "control_dbp": diastolic,
        "newest_sbp": systolic,
        "newest_dbp": diastolic,
    }


def _cholesterol(facts: Facts) -> Lever:
    """LDL-C and with it total cholesterol; total cholesterol alone where LDL-C is unknown."""
    if facts.pregnant:
        return ()
    if facts.ldl is not None:
        steps = [(goal, facts.ldl - goal) for goal in LDL if facts.ldl > goal]
        return [
            Step("ldl", {"ldl": goal, **_total(facts, fall)})
            for goal, fall in steps
            if facts.tc is None or facts.tc > fall
        ]
    if facts.tc is None:
        return ()
    known = facts.tc
    return [Step("tc", _total(facts, known - goal)) for goal in TC if known > goal]


def _total(facts: Facts, fall: float) -> dict[str, float]:
    if facts.tc is None:
        return {}
    total = round(facts.tc - fall, 2)
    changed = {"tc": total}
    if facts.hdl is not None:
        changed["non_hdl"] = max(0.0, total - facts.hdl)
    return changed


def _waist(facts: Facts, advice: bool) -> Lever:
    if facts.waist is None or facts.pregnant:
        return ()
    steps = []
    for goal in WAIST[facts.sex]:
        if facts.waist <= goal:
            continue
        changed: dict[str, float] = {"waist": float(goal)}
        if facts.sex == "female":
            changed["waist_par"] = float(goal)
        lighter = _lighter(facts, facts.waist - goal, advice)
        if lighter is not None:
            changed |= lighter
            # Nobody is advised below the normal range.
            if changed["bmi"] < essential_eight.BMI_FROM:
                continue
        steps.append(Step("waist", changed))
    return steps


def _lighter(facts: Facts, centimetres: float, advice: bool) -> dict[str, float] | None:
    if facts.bmi is None:
        return None
    bmi = facts.bmi - BMI_PER_CM * centimetres
    if facts.height is None:
        # A BMI alone is no measure a person can enter, so advice leaves it where it is.
        return None if advice else {"bmi": round(bmi, 2)}
    # The path names a weight in tenths of a kilogram, and that very weight is what is judged.
    metres = facts.height / 100
    weight = round(bmi * metres**2, 1)
    return {"bmi": weight / metres**2, "weight": weight}


def _activity(facts: Facts) -> Lever:
    if not facts.inactive:
        return ()
    changed: dict[str, Any] = {"inactive": False}
    if facts.activity_minutes is not None:
        changed["activity_minutes"] = max(facts.activity_minutes, float(EXERCISE_MINUTES))
    return (Step("active", changed),)


def _glucose(facts: Facts) -> Lever:
    """Only with a known diabetes: an undiagnosed value in that range is to be checked."""
    if not facts.diabetes or facts.pregnant:
        return ()
    changed: dict[str, Any] = {}
    if facts.hba1c is not None and facts.hba1c > HBA1C:
        changed["hba1c"] = HBA1C
    if facts.fpg is not None and facts.fpg > FASTING:
        changed["fpg"] = FASTING
        if facts.glucose_alarm == "fasting_high":
            changed["glucose_alarm"] = None
    return (Step("hba1c", changed),) if changed else ()


@dataclass(frozen=True, slots=True)
class Route:
    """One way to a lower level: the chosen step of each lever and what is judged after it."""

    level: int
    steps: int
    chosen: tuple[Step, ...]
    facts: Facts
    judgement: Judgement


@lru_cache(maxsize=256)
def _order(depths: tuple[int, ...]) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """All combinations grouped by (steps, levers) in rising order; 0 leaves a lever alone."""
    every = [c for c in product(*(range(depth + 1) for depth in depths)) if any(c)]

    def effort(combination: tuple[int, ...]) -> tuple[int, int]:
        return sum(combination), sum(1 for step in combination if step)

    every.sort(key=effort)
    return tuple(tuple(group) for _, group in groupby(every, key=effort))


def apply(facts: Facts, chosen: Sequence[Step]) -> Facts:
    values: dict[str, Any] = {}
    for step in chosen:
        values |= step.facts
    return facts.changed(**values)


def bound(facts: Facts, available: Sequence[Lever]) -> Judgement:
    """What is left when every lever is at its last goal."""
    return judge(apply(facts, [lever[-1] for lever in available]))


def search(
    facts: Facts,
    available: Sequence[Lever],
    level: int | None,
    *,
    accept: Callable[[Route], bool] = lambda route: True,
) -> list[Route]:
    """The best route to every lower level reached, nearest first. A route that costs as much as
    one to a still lower level is left out."""
    lowest = bound(facts, available).level
    routes: list[Route] = []
    if level is None or lowest is None:
        return routes
    for group in _order(tuple(len(lever) for lever in available)):
        if level <= lowest:
            break
        for route in sorted(_routes(facts, available, group, level), key=_rank):
            if accept(route):
                routes.append(route)
                level = route.level
                break
    return routes


def _routes(
    facts: Facts, available: Sequence[Lever], group: Sequence[tuple[int, ...]], level: int
) -> Iterator[Route]:
    for combination in group:
        chosen = tuple(
            lever[step - 1] for lever, step in zip(available, combination, strict=True) if step
        )
        after = apply(facts, chosen)
        judged = judge(after)
        if judged.level is not None and judged.level < level:
            yield Route(judged.level, sum(combination), chosen, after, judged)


def _rank(route: Route) -> tuple[int, float]:
    return route.level, route.judgement.china_par or 0.0


def par_search(given: china_par.Input, tc_mmol: float, target_pct: float) -> dict[str, Any]:
    """The search inside China-PAR alone: below a percentage, with every single lever's effect."""
    options = _par_levers(given, tc_mmol)
    base = china_par.risk_pct(given)
    best: tuple[tuple[int, int, float], dict[str, Any]] | None = None
    for group in _order(tuple(len(values) for _, values in options)):
        for combination in group:
            actions = [
                (name, values[step - 1])
                for (name, values), step in zip(options, combination, strict=True)
                if step
            ]
            risk = china_par.risk_pct(_par_after(given, actions))
            rank = sum(combination), len(actions), risk
            if risk < target_pct and (best is None or rank < best[0]):
                best = rank, _par_answer(actions, risk, sum(combination))
    every = [(name, values[-1]) for name, values in options]
    singles = [
        (name, value, risk, risk - base)
        for name, values in options
        for value in values
        for risk in (china_par.risk_pct(_par_after(given, [(name, value)])),)
    ]
    singles.sort(key=lambda single: -abs(single[3]))
    return {
        "base": round(base, 2),
        "target": target_pct,
        "best": best[1] if best and base >= target_pct else None,
        "all_levers": _par_answer(every, china_par.risk_pct(_par_after(given, every))),
        "single": [[name, value, round(r, 2), round(d, 2)] for name, value, r, d in singles],
    }


def _par_levers(given: china_par.Input, tc_mmol: float) -> list[tuple[str, list[float]]]:
    options: list[tuple[str, list[float]]] = [
        ("quit_smoking", [0] if given.smoker else []),
        ("sbp", [systolic for systolic, _ in PRESSURE if given.sbp > systolic]),
        ("tc", [goal for goal in TC if tc_mmol > goal]),
        # The male waist coefficient is negative: waist is no lever for men here.
        ("waist", [g for g in WAIST["female"] if given.sex == "female" and given.waist > g]),
    ]
    return [option for option in options if option[1]]


def _par_after(given: china_par.Input, actions: Sequence[tuple[str, float]]) -> china_par.Input:
    values = dict(actions)
    return china_par.Input(
        sex=given.sex,
        age=given.age,
        sbp=values.get("sbp", given.sbp),
        treated=given.treated,
        tc=values["tc"] / china_par.MMOL_PER_MG_DL if "tc" in values else given.tc,
        hdl=given.hdl,
        waist=values.get("waist", given.waist),
        smoker=given.smoker and "quit_smoking" not in values,
        diabetes=given.diabetes,
        north=given.north,
        urban=given.urban,
        family_history=given.family_history,
    )


def _par_answer(
    actions: Sequence[tuple[str, float]], risk: float, steps: int | None = None
) -> dict[str, Any]:
    answer: dict[str, Any] = {"actions": [list(action) for action in actions]}
    if steps is not None:
        answer["steps"] = steps
    return {**answer, "risk": round(risk, 2)}
