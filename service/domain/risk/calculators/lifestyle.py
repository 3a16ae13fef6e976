"""Activity, diet, alcohol, tobacco and sleep: scores and limits of questionnaires."""

from typing import Any

from consent.vocabulary import Text
from service.domain.risk import activity, diet, essential_eight
from service.domain.risk.catalogue import MODELS
from service.domain.risk.inputs import rejected
from service.domain.risk.scales import AUDIT_C, FTND

from .result import Checked, Result, band_of, need_one

AUDIT, ISI = MODELS["audit_alcohol"], MODELS["sleep_isi"]
_AUDIT = AUDIT.parameters
_PACK = MODELS["ftnd_packyears"].parameters["cigarettes_per_pack"]

TOO_LONG = Text(
    "每天合计超过960分钟，按计分规则不评分。",
    "More than 960 minutes a day in all: not scored, as the protocol says.",
)
INCOMPLETE = Text(
    "未答全十题，只给AUDIT-C。", "Not all ten questions were answered: AUDIT-C alone is given."
)
POSITIVE = Text("AUDIT-C达到筛查界值。", "AUDIT-C reaches the screening cut.")
OVER_LIMIT = Text("饮酒量超过限量。", "The intake is above the limit.")
NONE_AT_ALL = Text("属于不应饮酒的情形。", "There is a reason not to drink at all.")
NO_SEX = Text(
    "未提供性别，AUDIT-C界值与每日限量未判断。",
    "Without the sex neither the AUDIT-C cut nor the daily limit was judged.",
)
FOODS = tuple(diet.AMOUNTS)
HABIT_INPUTS = ("fish_g_per_week", "soy_products_g", "red_meat_g", "tea_g_per_month")


def physical_activity(given: Checked) -> Result:
    week = {kind: activity.Bout(*given[kind]) for kind in activity.KINDS}
    kept = activity.cleaned(week)
    capped = activity.truncated(kept)
    value: dict[str, Any] = {
        "met_min": round(sum(activity.met_minutes(kept).values()), 1),
        "met_min_truncated": round(sum(activity.met_minutes(capped).values()), 1),
        "category": activity.category(capped),
        "moderate_equivalent_min": activity.moderate_equivalent(week),
    }
    if activity.unusable(week):
        return Result(dict.fromkeys(value), valid=False, notes=(TOO_LONG,))
    return Result(value, value["category"], activity.met_minutes(capped))


def diet_amounts(given: Checked) -> Result:
    need_one(given, *FOODS, "water_ml", *HABIT_INPUTS)
    texts = {name: diet.text(name, given[name]) for name in FOODS if given[name] is not None}
    terms: dict[str, Any] = {name: diet.standing(name, given[name]) for name in texts}
    if given["water_ml"] is not None:
        if given["sex"] is None:
            raise rejected("sex", "required")
        texts["water_ml"] = terms["water_ml"] = diet.water(given["sex"], given["water_ml"])
    category = _worst(list(terms.values()))
    kept = _habits(given)
    terms.update(kept)
    value: Any = {**texts, **({"habits": sum(kept.values())} if kept else {})}
    return Result(next(iter(value.values())) if len(value) == 1 else value, category, terms)


def _worst(found: list[str]) -> str | None:
    return next((name for name in ("above", "below", "ok") if name in found), None)


def _habits(given: Checked) -> dict[str, bool]:
    plants = (given["vegetables_g"], given["fruit_g"])
    return diet.habits(
        vegetables_and_fruit=None if None in plants else sum(plants),
        fish_week=given["fish_g_per_week"],
        soy=given["soy_products_g"],
        red_meat=given["red_meat_g"],
        tea_month=given["tea_g_per_month"],
    )


def audit(given: Checked) -> Result:
    terms = {
        name: int(given[name])
        for name in (f"q{number}" for number in range(1, 11))
        if given[name] is not None
    }
    short = AUDIT_C.total([terms[name] for name in AUDIT_C.items])
    total = sum(terms.values()) if len(terms) == 10 else None
    notes = [] if total is not None else [INCOMPLETE]
    notes += _drinking(given, short)
    return Result(
        {"audit": total, "audit_c": short},
        None if total is None else band_of(AUDIT, total, _AUDIT["cuts"]),
        terms,
        notes=tuple(notes),
    )


def _drinking(given: Checked, short: int) -> list[Text]:
    """What the cut of AUDIT-C and the Chinese limits say."""
    sex, day, week = given["sex"], given["alcohol_g_per_day"], given["alcohol_g_per_week"]
    notes = [] if sex is not None else [NO_SEX]
    row = AUDIT_C.row(short, sex)
    if row is not None and row.category == "positive":
        notes.append(POSITIVE)
    over_day = day is not None and sex is not None and day >= _AUDIT["limit_g_per_day"][sex]
    if over_day or (week is not None and week > _AUDIT["limit_g_per_week"]):
        notes.append(OVER_LIMIT)
    if given["should_not_drink"] and (short or day or week):
        notes.append(NONE_AT_ALL)
    return notes


def nicotine(given: Checked) -> Result:
    items = {name: int(given[name]) for name in FTND.items}
    score = FTND.total(list(items.values()))
    row = FTND.row(score)
    assert row is not None, "The bands hold every total."
    terms: dict[str, float] = dict(items)
    if given["cigarettes_per_day"] is not None and given["years"] is not None:
        packs = given["cigarettes_per_day"] / _PACK
        terms["pack_years"] = packs * given["years"]
    return Result(score, row.category, terms)


def insomnia(given: Checked) -> Result:
    terms: dict[str, int] = {f"q{number}": given[f"q{number}"] for number in range(1, 8)}
    score = sum(terms.values())
    label = band_of(ISI, score, ISI.parameters["cuts"])
    if given["sleep_hours"] is not None:
        terms["sleep_duration_points"] = essential_eight.sleep(given["sleep_hours"])
    return Result({"isi": score, "label": label}, label, terms)
