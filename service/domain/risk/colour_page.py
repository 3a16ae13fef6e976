"""docs/how-your-colour-is-made.md: for the people whose colour it is, in both languages.

Every level, cut and source on it is taken from the tables that the assessment computes with, so
the page cannot say what the service does not do.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from consent.vocabulary import Text

from .advice import REASONS, URGENT
from .catalogue import MODELS, RULE_PACK, read
from .current import FRESH, MEAN_OF, RULES
from .levers import MODEL as WAYS
from .stability import APART

_WORDS = read("colour_page")
ITEMS: Mapping[str, Mapping[str, Any]] = _WORDS["items"]
CATEGORIES = {name: Text(**text) for name, text in _WORDS["categories"].items()}
LEVELS = MODELS["five_level_mapping"]
_TABLES: Mapping[str, Any] = LEVELS.parameters
COLOURS = {"green": "🟢", "blue": "🔵", "yellow": "🟡", "orange": "🟠", "red": "🔴"}
KEY_MEASURES = ("systolic_bp", "glucose_fasting")

OPENING = """# 您的颜色是怎么来的 · How your colour is made

由数据生成，请勿手改。规则包 {pack}。 Written from the data; do not edit. Rule pack {pack}.

您的颜色是用您自己填写的记录，按公开的分类得出的**提示**。它不是诊断，不是治疗建议，也不是对您的评价；
没有排名，也不能用来决定谁可以进出。没有得到您授权的人，看不出您是绿色还是红色。

Your colour is a **prompt** made from what you entered, by published categories. It is no diagnosis,
no treatment and no verdict on you. Nobody is ranked by it and no gate may ask for it: to anyone
whom you have not allowed, green and red look exactly alike.

## 五种颜色 · The five colours

| | 级别 level | 含义 | meaning |
|---|---|---|---|
"""

RULE = """
## 怎么算 · The rule

1. 下表每一项，凡是您的记录够用的，各得一个级别；**最重的一项就是您的颜色**，并写明是哪一项。
   Each item below that your records suffice for gives a level. **The worst one is your colour**,
   and the prompt names it.
2. 一项都算不出来，就没有颜色：{no_data}没有数据绝不显示绿色。没有建议检查的筛查不算一项。
   With no item there is no colour. Nothing known is never shown as green. A screen that advises no
   check is no item.
3. 绿色和蓝色要在血压、吸烟、体重指数或腰围、血糖（或糖尿病评分）齐全时才算定，否则标“暂定”。
   Green and blue are final only with blood pressure, smoking, BMI or waist, and blood sugar (or the
   diabetes score); until then they are marked provisional, with what is missing.
4. 因诊断而固定的项目，在各项指标达标且不吸烟时降一级，只降一次；有慢性病的人最低为第{floor}级。
   十年风险不降，它已经用了您现在的读数。
   An item that a diagnosis fixes falls by one, once, when every target is met and you do not smoke;
   with a chronic disease level {floor} is the lowest. The ten-year risk gets no relief: it already
   uses today's readings.
5. 血压取最近{days}天内最多{pairs}次的平均，不足{least}次时加上再前一次；自己只测过一次的不参与
   分级，只提示再测，达到急症值则立即提示；医务人员录入的一次即可。血压的读数{pressure}天内有效，血糖{glucose}天内有效。
   Blood pressure is the mean of up to {pairs} readings within {days} days; of fewer than {least}
   with the one before. A single reading of your own makes no colour: it asks for another, and an
   alarming one warns at once. One that a practice entered counts alone. A reading of blood
   pressure counts for {pressure} days, one of blood sugar for {glucose}.
6. 18岁以下和孕期不用成人模型：{child}{pregnant}
   Below 18 years and in pregnancy no adult model speaks: children's standards apply, and in
   pregnancy the maternity doctor classifies the risk.
7. 变重立刻显示；变轻要在至少{apart}天里每次评估都一致才显示，提示里写明哪一天。
   急症读数不受此限，复测正常即解除。
   A worse colour shows at once. A better one shows when every assessment over at least {apart} days
   agrees, and the prompt names the day. An alarming reading stands outside of that: it is gone with
   a normal one.

## 每一项的级别 · The level of each item

"""

WAY_BACK = """
## 红转绿 · The way back to green

提示里的“红转绿”是**模型估算**，不是保证：在您能改变的几项里，找出步数最少的组合，并用同一套规则重新算过。
够不到下一个颜色时就照实说。这些永远不变：年龄、性别、地区、家族史、诊断、是否服降压药、男性在十年风险里的腰围。

The way back in your prompt is a **model estimate**, not a promise: among what you can change it
looks for the fewest steps, and every way shown was judged again by these same rules. When the next
colour is out of reach it says so. Never changed: age, sex, region, family history, diagnoses,
whether you take medicine for blood pressure, and for men the waist inside the ten-year risk.

| 能改变的 | what can change | 目标 goals |
|---|---|---|
"""

CLOSING = """
## 如果您不同意 · If you disagree

颜色附有理由和来源。您可以提出异议，由人来看；也可以关闭自动评级，其他功能照常使用。
Every colour comes with its reasons and sources. You can object and a person will look, or switch
automated levels off and go on using everything else.

这些级别是产品规则（P级），由公开的分类拼成：{caveat_zh}
The levels are a product rule (grade P) put together from published categories: {caveat_en}
每个模型的公式、界值和等级见 [risk-models.md](risk-models.md)。 Equations, cuts and grades of each
model: [risk-models.md](risk-models.md).
"""

GOALS: Mapping[str, Text] = {
    "smoking": Text("戒烟", "stop smoking"),
    "bp_goals": Text("血压", "blood pressure"),
    "ldl_goals": Text("低密度脂蛋白胆固醇（mmol/L）", "LDL cholesterol (mmol/L)"),
    "waist_goals": Text("腰围（cm；女/男）", "waist (cm; women/men)"),
    "exercise_days": Text("每周运动次数（每次至少30分钟）", "sessions a week, 30 minutes or more"),
    "hba1c_goal": Text("糖化血红蛋白（%，已知糖尿病）", "HbA1c (%, with known diabetes)"),
}


def page() -> str:
    """The whole page as text."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield OPENING.format(pack=RULE_PACK).rstrip("\n")
    meanings = {entry["category"]: entry for entry in LEVELS.categories}
    for row in _TABLES["levels"]:
        meaning = meanings[row["colour"]]
        sign = COLOURS[row["colour"]]
        yield f"| {sign} | {row['level']} | {row['name']['zh']} | {meaning['rule']} |"
    yield _rule().rstrip("\n")
    yield from _items()
    yield "\n## 需要马上处理的读数 · Readings that cannot wait\n"
    for entry in URGENT.values():
        yield f"- {entry['zh']}\n  {entry['en']}\n  ({entry['citation']})"
    yield WAY_BACK.rstrip("\n")
    yield from _goals()
    yield CLOSING.format(caveat_zh=LEVELS.caveat.zh, caveat_en=LEVELS.caveat.en).rstrip("\n")


def _rule() -> str:
    pressure, glucose = (FRESH[code].days for code in KEY_MEASURES)
    return RULE.format(
        no_data=REASONS["no_data"].zh,
        floor=_TABLES["chronic_floor"],
        days=RULES["pressure"]["window_days"],
        least=MEAN_OF,
        pairs=RULES["pressure"]["readings"],
        pressure=pressure,
        glucose=glucose,
        child=REASONS["child"].zh,
        pregnant=REASONS["pregnant"].zh,
        apart=APART.days,
    )


def _items() -> Iterator[str]:
    signs = [COLOURS[row["colour"]] for row in _TABLES["levels"]]
    yield f"| 项目 item | {' | '.join(signs)} | 来源 source |\n|---|---|---|---|---|---|---|"
    for key, words in ITEMS.items():
        cells = _steps(key) if isinstance(_TABLES[key], list) else _choices(key)
        shown = " | ".join(cells[row["level"]] for row in _TABLES["levels"])
        sources = "; ".join(
            f"{MODELS[model].citation} ({MODELS[model].grade})" for model in words["models"]
        )
        yield f"| {words['zh']}<br>{words['en']} | {shown} | {sources} |"


def _choices(key: str) -> Mapping[int, str]:
    found: dict[int, list[str]] = defaultdict(list)
    for category, level in _TABLES[key].items():
        words = CATEGORIES[category]
        found[level].append(words.zh if words.zh == words.en else f"{words.zh} {words.en}")
    return defaultdict(str, {level: "<br>".join(names) for level, names in found.items()})


def _steps(key: str) -> Mapping[int, str]:
    """Rows of (lower bound, level), the greatest bound first."""
    unit = "%" if key == "china_par_pct" else ""
    cells: dict[int, str] = {}
    above = None
    for bound, level in _TABLES[key]:
        upper = f"≥{bound}{unit}" if above is None else f"{bound}-<{above}{unit}"
        cells[level] = upper
        above = bound
    return defaultdict(str, cells)


def _goals() -> Iterator[str]:
    for key, words in GOALS.items():
        yield f"| {words.zh} | {words.en} | {_goal(WAYS.parameters.get(key))} |"


def _goal(value: Any) -> str:
    if value is None:
        return "✓"
    if isinstance(value, dict):
        return ", ".join(f"≤{w}/{m}" for w, m in zip(value["female"], value["male"], strict=True))
    if isinstance(value, list):
        rows = ["/".join(map(str, row)) if isinstance(row, list) else str(row) for row in value]
        return ", ".join(f"≤{row}" for row in rows)
    return f"≥{value}" if isinstance(value, int) else f"≤{value}"
