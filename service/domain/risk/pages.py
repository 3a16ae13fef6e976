"""docs/risk-models.md, written from the models: `python -m service.cli.pages`."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from . import assessment_page
from .advice import MESSAGES, URGENT
from .catalogue import MODELS, RULE_PACK, Model
from .rules import BACKWARDS, KEYS, NO_LEVEL, NO_REASON, NO_STEPS, NOT_RED, TABLES

GRADES = {
    "A": "至少两个独立可读来源一致 identical in at least two independent readable sources",
    "B": "一个仔细的来源，部分得到佐证 one careful source with partial support",
    "C": "单一来源，使用前须由医生与印刷表核对 one source, to be checked by a clinician against "
    "the printed "
    "table before use",
    "P": "本服务的产品定义，使用前须经医生审阅 a product definition of this service, reviewed by a "
    "clinician before use",
}
FLAGGED = (
    "范围之外会注明，结果仅供参考。 Outside of what it was made for the answer says so and is a "
    "rough guide only."
)
WITHHELD = (
    "范围之外不给出数值，并说明原因。 Outside of what it was made for no number is given, and the "
    "answer says why."
)
INTRODUCTION = """# 风险模型 Risk models

由 `service/domain/risk/data/` 生成，请勿手改。规则包 {pack}。
Written from `service/domain/risk/data/`; do not edit. Rule pack {pack}.

这里的一切都是模型估算，或把公开的界值用于本人录入的数据；不是诊断，任何路径都不是承诺。
每个模型都可单独计算：`POST /v1/models/{{id}}/evaluate`，其数值见 `GET /v1/models/{{id}}`。

Everything here is a model estimate (模型估算) or a published cut-off applied to what a person
entered. Nothing here is a diagnosis, and no path is a promise. Each model can be asked alone:
`POST /v1/models/{{id}}/evaluate`, its numbers read at `GET /v1/models/{{id}}`.

| 模型 model | 等级 grade | 版本 version | 来源 source |
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
    yield from assessment_page.lines()
    yield from _advice()


def _model(model: Model) -> Iterator[str]:
    yield f'\n<a id="{model.id}"></a>'
    yield f"## {model.name.zh} · {model.name.en}"
    yield f"\n`{model.id}` {model.version}, 等级 grade {model.grade}, {model.kind}."
    yield f"来源 Source: {model.citation}"
    yield f"\n{model.population.zh} · {model.population.en}."
    yield f"\n> {model.caveat.zh}\n>\n> {model.caveat.en}"
    yield from _head(
        "输入 input", "类型 kind", "单位 unit", "可接受 accepted", "适用 made for", "必需 needed"
    )
    for name, rule in model.inputs.items():
        needed = "yes" if rule["required"] else "no"
        kind, unit = rule["type"].replace("_", " "), rule.get("unit") or ""
        yield (f"| `{name}` | {kind} | {unit} | {_accepted(rule)} | {_derived(rule)} | {needed} |")
    if any("derived" in rule for rule in model.inputs.values()):
        yield f"\n{WITHHELD if model.silent_outside else FLAGGED}"
    if model.categories:
        yield "\n| 分类 category | 名称 label | 规则 rule |\n|---|---|---|"
        for entry in model.categories:
            yield f"| `{entry['category']}` | {entry['label']} | {entry['rule']} |"
    yield "\n本服务避开的陷阱 Traps this service keeps clear of:\n"
    for trap in model.traps:
        yield f"- {trap.zh} {trap.en}"
    yield "\n<details><summary>计算所用的全部数值 Every number it computes with</summary>\n"
    yield "```json"
    yield "{"
    parts = [
        f'  "{name}": {json.dumps(value, ensure_ascii=False)}'
        for name, value in model.parameters.items()
    ]
    yield ",\n".join(parts)
    yield "}\n```\n\n</details>"


def _head(*names: str) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(names)} |"
    yield "|" + "---|" * len(names)


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
        "\n每条提示都写明所用的规则包（`rule_pack`）；规则包经过签名，从不删除。 Each prompt "
        "names the pack it "
        "was made by (`rule_pack`); packs are signed and never removed. See `docs/operations.md`."
    )


def _advice() -> Iterator[str]:
    yield "\n## 建议 Messages"
    yield from _head("编号 id", "因素 factor", "文字 text", "来源 source")
    for message in MESSAGES:
        yield (
            f"| `{message['id']}` | {message['factor']} | {message['zh']} {message['en']} "
            f"| {message['citation']} |"
        )
    yield "\n## 急症读数 Urgent readings"
    yield from _head("读数 reading", "现在怎么做 what to do now", "来源 source")
    for reading, entry in URGENT.items():
        yield f"| `{reading}` | {entry['zh']} {entry['en']} | {entry['citation']} |"
