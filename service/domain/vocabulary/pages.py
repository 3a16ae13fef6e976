"""docs/measures.md and docs/indicators.md, made from the data: `python -m ...vocabulary.pages`."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from consent.vocabulary import CLASSES, DataClass
from service.domain.anonymity import specification
from service.domain.vocabulary.indicators import INDICATORS, Indicator
from service.domain.vocabulary.measures import MEASURES, VERSION, Measure, Range

FOLDER = Path("docs")
MADE = "<!-- Made by `python -m service.domain.vocabulary.pages`; do not edit by hand. -->"
COMPUTED = {
    "product": "由授权贡献计算 consented contributions",
    "import": "由城市登记数据导入 registers of the city",
    "manual": "人工 by hand",
}
DIRECTIONS = {"higher": "↑", "lower": "↓", "none": "–"}


def measures_page() -> str:
    """Every measure by data class, the lists of options, and the frames of series."""
    lines = [
        MADE,
        "# 指标 Measures",
        "",
        f"版本 Edition {VERSION}. {len(MEASURES)} 项 measures. 来源与版权见 Sources and licences: "
        "`service/domain/vocabulary/data/README.md`.",
        "",
        "超出“可能范围”的数值会被拒绝；超出“常见范围”时请再确认。两者都只用于检查录入，"
        "不作健康判断。",
        "A value outside the plausible range is rejected; outside the usual range the app asks "
        "whether it is right. Both check typing and judge nobody's health.",
        "名称、类型和范围：康码自拟（等级 P）；单位：UCUM；LOINC 编码：Regenstrief Institute，"
        "只收录已公布实施指南中"
        "读到的。以下各表同此。",
        "Names, kinds and ranges: drawn up by Kangma (grade P); units: UCUM; LOINC codes: "
        "Regenstrief Institute, only those read in a published implementation guide. So for every "
        "table below.",
        "`*` 由系统计算，不手工填写 computed, never typed by hand. `†` 序列 kept as a series.",
    ]
    for data_class in DataClass:
        found = [m for m in MEASURES.values() if m.data_class is data_class]
        if found:
            lines += _class_section(data_class, found)
    lines += _options_section()
    lines += _frames_section()
    return "\n".join(lines) + "\n"


def _class_section(data_class: DataClass, found: Iterable[Measure]) -> Iterator[str]:
    name = CLASSES[data_class].name
    yield from ("", f"## {name.zh} {name.en} (`{data_class}`, grade {data_class.grade})", "")
    yield from _table_head(
        "代码 code", "名称 name", "单位 unit", "可换算 also in", "可能 plausible", "常见 usual",
        "适用 applies to", "LOINC", "说明 note",
    )  # fmt: skip
    for m in found:
        mark = "*" if m.only_derived else ""
        mark += "†" if m.storage == "series" else ""
        yield _row(
            f"`{m.code}`{mark}",
            f"{m.name.zh} {m.name.en}",
            m.unit or "选项 options",
            " ".join(m.conversions) if m.unit else "",
            _span(m.plausible),
            _span(m.usual),
            _applies(m),
            m.loinc or "",
            m.note,
        )


def _options_section() -> Iterator[str]:
    yield from ("", "## 选项 Options", "")
    yield from _table_head("指标 measure", "选项 options", "来源 list from")
    for m in MEASURES.values():
        if m.options is not None:
            names = "; ".join(f"`{code}` {n.zh} {n.en}" for code, n in m.options.items())
            yield _row(f"`{m.code}`", names, m.options_from or "")


def _frames_section() -> Iterator[str]:
    yield from ("", "## 序列的固定块大小 Frames of series", "")
    yield "一天的采样压缩后按固定大小封存，长度不透露活动量；块数由采样次数决定，放不下时再加。"
    yield (
        "The samples of a day are sealed in frames of a fixed size, because lengths tell stories; "
        "how many frames there are is told by the number of samples, and only what still does not "
        "fit goes into further ones."
    )
    yield ""
    yield from _table_head("指标 measure", "字节 bytes")
    for m in MEASURES.values():
        if m.frame is not None:
            yield _row(f"`{m.code}`", str(m.frame))


def indicators_page() -> str:
    """Every indicator by plan, with its definition, targets and the doubts about it."""
    lines = [
        MADE,
        "# 健康城市指标 Indicators of a healthy city",
        "",
        f"版本 Edition {VERSION}. {len(INDICATORS)} 项 indicators. 目标写法 Targets: "
        "`年份:条件` `year:condition`; `improve` 改善, `full` 全覆盖, `achieve` 达到, "
        "`rel-20%@2016` 相对基期变化 change against a base year.",
        "",
        "自愿参与的数据只代表参与者：数值须与人数、覆盖率同时公布。死亡、结核、艾滋病与抑郁症治疗"
        "只导入，不估算。",
        "Voluntary data speak for those who take part: a value is published with its number of "
        "people and its coverage. Mortality, tuberculosis, HIV and treatment of depression are "
        "imported, never estimated.",
        "",
        "“计算”一栏中`指标`名表示可从已发布的表读出；没有名称的尚未发布。",
        "A `metric` beside how it is computed can be read from published tables; an indicator "
        "without one is not published yet.",
    ]
    for plan in dict.fromkeys(i.plan for i in INDICATORS.values()):
        lines += _plan_section(plan, [i for i in INDICATORS.values() if i.plan == plan])
    return "\n".join(lines) + "\n"


def _plan_section(plan: str, found: Iterable[Indicator]) -> Iterator[str]:
    yield from ("", f"## {plan}", "")
    yield from _table_head(
        "编号 id", "名称 name", "分子 numerator", "分母 denominator", "单位 unit", "方向",
        "目标 targets", "计算 computed by", "定义来源 definition", "说明 note",
    )  # fmt: skip
    read = {rule.id: f"`{rule.metric}`" for rule in specification.current().indicators}
    for i in found:
        yield _row(
            f"`{i.id}`",
            f"{i.name.zh} {i.name.en}",
            i.numerator,
            i.denominator,
            i.unit,
            DIRECTIONS[i.direction],
            "; ".join(f"{target.year}: {target.text}" for target in i.targets),
            _computed(i, read),
            i.definition_source,
            i.note,
        )


def _computed(indicator: Indicator, read: Mapping[str, str]) -> str:
    """How it is computed, and from which published metric, where there is one."""
    how = COMPUTED[indicator.computed_by]
    return f"{how}: {read[indicator.id]}" if indicator.id in read else how


def _table_head(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield "|" + "---|" * len(names)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _span(bounds: Range) -> str:
    if bounds == (None, None):
        return ""
    low, high = ("" if bound is None else f"{bound:g}" for bound in bounds)
    return f"{low}–{high}"


def _applies(measure: Measure) -> str:
    sex = {"female": "女 women", "male": "男 men", None: ""}[measure.sex]
    low, high = measure.ages
    if low is None:
        return sex
    ages = f"{low:g}+" if high is None else f"{low:g}–{high:g}"
    return f"{sex} {ages} 岁 years".strip()


PAGES = {"measures.md": measures_page, "indicators.md": indicators_page}


def main() -> int:
    """Write the pages into `docs/` of the working folder."""
    if not FOLDER.is_dir():
        sys.stderr.write("Run this in the root of the project.\n")
        return 1
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
