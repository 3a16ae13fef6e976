"""docs/risk-models.md, written from the models: `python -m service.cli.pages`."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .advice import MESSAGES, URGENT
from .catalogue import MODELS, RULE_PACK, Model
from .current import MEAN_OF, RULES
from .rules import BACKWARDS, KEYS, NO_LEVEL, NO_REASON, NO_STEPS, NOT_RED, TABLES
from .screens import APCS_AGE_FROM, COPD_AGE_FROM

GRADES = {
    "A": "identical in at least two independent readable sources",
    "B": "one careful source with partial support",
    "C": "one source, to be checked by a clinician against the printed table before use",
    "P": "a product definition of this service, reviewed by a clinician before use",
}
FLAGGED = (
    "范围之外会注明，结果仅供参考。 Outside of what it was made for the answer says so and is a "
    "rough guide only."
)
WITHHELD = (
    "范围之外不给出数值，并说明原因。 Outside of what it was made for no number is given, and the "
    "answer says why."
)
SCREENED = (
    "- Screens count where every input is known: FIB-4 with a fatty liver, chronic hepatitis or "
    "diabetes (from 65 years with 2.0 as the lower cut), the fatty liver index, aMAP with chronic "
    f"hepatitis, the bowel score from {APCS_AGE_FROM} years. They advise a check (建议检查); one "
    "that advises nothing carries no level. None runs in pregnancy, nor with the cancer it looks "
    "for.",
    "- A family history that nobody entered counts as none, as in China-PAR: the bowel score is "
    "then the least it can be.",
    "- Having smoked counts in the bowel score whether or not somebody quit, so quitting does not "
    "lower it. Age and sex alone give 2 points and more from 50: then the score and its advice "
    "are shown and no level moves, because eligibility by age alone never does (product); with "
    "smoking or a family history it moves the level as the pack says.",
    "- Lung screening is advised on COPD or lung cancer of a close relative, from 50 to 74 years. "
    "Pack-years, passive smoking in years and exposure at work are in no record, so nobody is said "
    "not to be eligible, and a smoker is not judged by cigarettes a day.",
    "- OSTA runs for a woman whose newest `post_menopausal` is yes, on her newest weight and her "
    "age. Without that record it moves no level; the plan then advises by it from 50 years.",
    "- COPD-PS moves the level by a recorded `copd_ps_total`, from "
    f"{COPD_AGE_FROM} years. Only the total is kept: the reference gives the points of the "
    "answers and no licence for the wording, so neither questions nor answers are shipped, nor a "
    "questionnaire under `/v1/questionnaires`. Whoever holds the printed sheet adds up there, or "
    "at `/v1/models/copd_ps`.",
    "- Neither takes account of a known osteoporosis or COPD: the score stays, the advice is "
    "another.",
    "- A check that was done within its interval (below) moves no level, because the score stays "
    "what it is; the advice then says when it was done and when it is next due. It is known only "
    "to whoever may see its class: procedures belong to `conditions`, lung function and bone "
    "density to `screening`. Whether a liver was looked at is told by no measure, so its advice "
    "stays.",
    "- Hepatitis belongs to the class of infections: who may not see that class is shown no aMAP, "
    "and no FIB-4 for that reason alone.",
)
INTRODUCTION = """# Risk models

Written from `service/domain/risk/data/`; do not edit. Rule pack {pack}.

Everything here is a model estimate (模型估算) or a published cut-off applied to what a person
entered. Nothing here is a diagnosis, and no path is a promise. Each model can be asked alone:
`POST /v1/models/{{id}}/evaluate`, its numbers read at `GET /v1/models/{{id}}`.

| model | grade | version | source |
|---|---|---|---|
"""


def page() -> str:
    """The whole page as text."""
    return INTRODUCTION.format(pack=RULE_PACK) + "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    for model in MODELS.values():
        link = f"[{model.name.en}](#{model.id})"
        yield f"| {link} | {model.grade} | {model.version} | {model.citation} |"
    yield ""
    for grade, meaning in GRADES.items():
        yield f"- **{grade}**: {meaning}"
    for model in MODELS.values():
        yield from _model(model)
    yield from _pack()
    yield from _assessment()
    yield from _advice()


def _model(model: Model) -> Iterator[str]:
    yield f'\n<a id="{model.id}"></a>'
    yield f"## {model.name.zh} · {model.name.en}"
    yield f"\n`{model.id}` {model.version}, grade {model.grade}, {model.kind}."
    yield f"Source: {model.citation}"
    yield f"\n{model.population.zh} · {model.population.en}."
    yield f"\n> {model.caveat.zh}\n>\n> {model.caveat.en}"
    yield "\n| input | kind | unit | accepted | made for | needed |\n|---|---|---|---|---|---|"
    for name, rule in model.inputs.items():
        needed = "yes" if rule["required"] else "no"
        kind, unit = rule["type"].replace("_", " "), rule.get("unit") or ""
        yield (f"| `{name}` | {kind} | {unit} | {_accepted(rule)} | {_derived(rule)} | {needed} |")
    if any("derived" in rule for rule in model.inputs.values()):
        yield f"\n{WITHHELD if model.silent_outside else FLAGGED}"
    if model.categories:
        yield "\n| category | label | rule |\n|---|---|---|"
        for entry in model.categories:
            yield f"| `{entry['category']}` | {entry['label']} | {entry['rule']} |"
    yield "\nTraps this service keeps clear of:\n"
    for trap in model.traps:
        yield f"- {trap.zh} {trap.en}"
    yield "\n<details><summary>Every number it computes with</summary>\n\n```json"
    yield "{"
    parts = [
        f'  "{name}": {json.dumps(value, ensure_ascii=False)}'
        for name, value in model.parameters.items()
    ]
    yield ",\n".join(parts)
    yield "}\n```\n\n</details>"


def _derived(rule: Mapping[str, Any]) -> str:
    limits = rule.get("derived")
    if limits is None:
        return ""
    if isinstance(limits, dict):
        return "; ".join(f"{low}-{high} {unit}" for unit, (low, high) in limits.items())
    return f"{limits[0]}-{'<' if rule.get('derived_open') else ''}{limits[1]}"


def _accepted(rule: Mapping[str, Any]) -> str:
    if "ranges" in rule:
        return "; ".join(f"{low}-{high} {unit}" for unit, (low, high) in rule["ranges"].items())
    if "options" in rule:
        return ", ".join(f"`{option}`" for option in rule["options"])
    return f"{rule['min']}-{rule['max']}" if "min" in rule else "0, 1, true, false"


def _pack() -> Iterator[str]:
    yield "\n## Rule packs 规则包\n"
    yield (
        f"The level of each category is a product rule; this release ships pack {RULE_PACK}. "
        "A later pack may move levels and nothing else: equations, points and cut-offs are "
        "published, and change with a release of the service. 级别是产品规则，可由规则包调整；"
        "公式、分值和界值来自公开文献，只随版本更新。"
    )
    yield "\nWhat is asked of a pack 对规则包的要求\n"
    for text in (TABLES, KEYS, NO_LEVEL, NO_STEPS, BACKWARDS, NOT_RED, NO_REASON):
        yield f"- {text.zh} {text.en}"
    yield (
        "\nEach prompt names the pack it was made by (`rule_pack`); packs are signed and never "
        "removed. See `docs/operations.md`."
    )


def _assessment() -> Iterator[str]:
    pressure = RULES["pressure"]
    yield "\n## How readings become an assessment (product rules)\n"
    yield (
        f"- Blood pressure is the mean of up to {pressure['readings']} pairs within "
        f"{pressure['window_days']} days of the newest, of fewer than {MEAN_OF} with the one "
        "before; both values of a pair share one instant. A single pair that no practitioner "
        "entered moves no level and asks for another. "
        f"Control looks at the last {pressure['control_readings']} pairs, an alarm at the newest."
    )
    yield (
        "- A kidney stage counts when two values at least "
        f"{RULES['kidney']['apart_days']} days apart agree; the better one decides."
    )
    yield (
        "- Somebody who quit is placed by how long their readings say so; without an earlier "
        "smoking reading the middle row (1 to 5 years) is taken."
    )
    yield (
        "- In what-if runs the treated flag, diagnoses, age, sex, region and for men the waist "
        "inside China-PAR stay as observed."
    )
    yield "- Below 18 years there is no level; in pregnancy no China-PAR, lipid or weight path."
    yield from SCREENED
    yield "\n| advised check | done when recorded | again after months |\n|---|---|---|"
    for check, row in RULES["done"].items():
        names = " or ".join(f"`{name}`" for name in row["names"])
        yield f"| `{check}` | {names} | {row['months'] or 'a doctor decides'} |"
    yield "\n| measure | counts for days |\n|---|---|"
    for code, days in RULES["fresh_days"].items():
        yield f"| `{code}` | {days} |"
    yield "\n| meaning | codes |\n|---|---|"
    for meaning, kinds in RULES["codes"].items():
        codes = ", ".join(f"`{code}`" for names in kinds.values() for code in names)
        yield f"| {meaning.replace('_', ' ')} | {codes} |"


def _advice() -> Iterator[str]:
    yield "\n## Messages\n\n| id | factor | text | source |\n|---|---|---|---|"
    for message in MESSAGES:
        yield (
            f"| `{message['id']}` | {message['factor']} | {message['zh']} {message['en']} "
            f"| {message['citation']} |"
        )
    yield "\n## Urgent readings\n\n| reading | what to do now | source |\n|---|---|---|"
    for reading, entry in URGENT.items():
        yield f"| `{reading}` | {entry['zh']} {entry['en']} | {entry['citation']} |"
