"""docs/fitness.md, written from the data: `python -m service.cli.pages`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from consent.vocabulary import Text
from service.domain.exercise import rules as exercise
from service.domain.growth import assess as who
from service.domain.growth import school_age, zscores
from service.domain.growth.tables import grid
from service.domain.questionnaires.instruments import INSTRUMENTS, Band, Instrument

from .catalogue import STANDARDS
from .standard import Standard

MADE = "<!-- Made by `python -m service.cli.pages`; do not edit by hand. -->"
GRADES = {
    "A": Text("两个独立来源一致", "identical in at least two independent sources"),
    "B": Text("一个可靠来源并有部分佐证", "one careful source with partial support"),
    "C": Text("一个来源或凭记忆，待核对", "one source or from memory, to be confirmed"),
    "P": Text("本服务的产品定义", "a product definition of this service"),
}
SEXES = {"female": Text("女", "female"), "male": Text("男", "male")}
GRIDS = (
    "weight_for_age",
    "length_height_for_age",
    "bmi_for_age",
    "head_circumference_for_age",
    "weight_for_length",
    "weight_for_height",
    "height_for_age_5_19",
    "bmi_for_age_5_19",
    "weight_for_age_5_19",
)


def page() -> str:
    """The whole page as text."""
    lines = [
        MADE,
        "# 体质、生长、问卷与运动 Fitness, growth, questionnaires, exercise",
        "",
        "每张表都写明来源、可信等级和保留意见；评分结果一律附带标准版本。",
        "Every table names its source, its grade and its caveats; every score carries the edition "
        "it was made under. Nothing here is a diagnosis.",
        "",
        "可信等级 Grades:",
        "",
        *(f"- **{grade}**: {_both(text)}" for grade, text in GRADES.items()),
        *_standards(),
        *_growth(),
        *_questionnaires(),
        *_exercise(),
    ]
    return "\n".join(lines) + "\n"


def _standards() -> Iterator[str]:
    yield "\n## 体质标准 Fitness standards"
    yield "\n`GET /v1/standards`, `POST /v1/standards/{id}/score`."
    yield "成绩和得分都是以百分之一为单位的整数；界值之间不插值。"
    yield "Results and scores are integers of hundredths; there is no interpolation between bounds."
    yield (
        "记录的成绩在 `GET /v1/me/plan` 里按测试当天的版本评分："
        "学生按本学年（9月1日起）的 `school_grade`，成人按年龄。"
    )
    yield (
        "Recorded results are scored in `GET /v1/me/plan` under the editions of their day: a "
        "student's by the `school_grade` of that school year (from 1 September), an adult's by age."
    )
    for standard in STANDARDS.values():
        yield from _standard(standard)


def _standard(standard: Standard) -> Iterator[str]:
    yield f"\n### {standard.title.zh} · {standard.title.en}"
    yield from _trust(
        f"`{standard.id}`, {standard.edition}, {standard.status}, data version {standard.version}",
        standard.grade,
        standard.citation,
        standard.caveats,
    )
    yield f"\n{_both(standard.population)}."
    yield from _table(
        ("item", "名称 name", "单位 unit", "grade", "measure"),
        (
            (
                f"`{item.id}`",
                _both(item.name),
                item.unit,
                item.grade,
                ", ".join(f"`{code}`" for code in dict.fromkeys(item.measure.values())),
            )
            for item in standard.items.values()
        ),
    )
    for item, by_sex in standard.table["tables"].items():
        name = standard.items[item].name
        for sex, columns in by_sex.items():
            yield from _details(
                f"{_both(name)} · {_both(SEXES[sex])}", _column_lines(standard, columns)
            )
    yield from _details("其余各表 Every other table", _other_lines(standard))


def _column_lines(standard: Standard, columns: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """Bounds by group; the 2023 edition prints one bound fewer than it has points."""
    width = len(next(iter(columns.values())))
    points = standard.table["points"][-width:]
    yield from _table(
        ("", *(str(score) for score in points)),
        (
            (group, *("" if bound is None else str(bound) for bound in bounds))
            for group, bounds in columns.items()
        ),
    )


OTHERS = ("bmi", "body_fat", "height_weight", "weights", "needs", "bonus", "levels",
          "provisional_cells", "provisional_heights", "one_source", "rejected_cells")  # fmt: skip


def _other_lines(standard: Standard) -> Iterator[str]:
    yield ""
    for name in OTHERS:
        if name in standard.table:
            yield f"- `{name}`: {_inline(standard.table[name])}"


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_inline(entry)}" for key, entry in value.items())
    if isinstance(value, list):
        return "[" + ", ".join(_inline(entry) for entry in value) + "]"
    return "–" if value is None else str(value)


def _growth() -> Iterator[str]:
    yield "\n## 生长 Growth"
    yield "\n`POST /v1/growth`. z 值保留两位小数。"
    yield (
        f"Below {zscores.STANDING_FROM} days length, from then on height; measured the other way, "
        f"{zscores.LYING_EXCEEDS} cm are added or taken off. Beyond three deviations the "
        "indicators with weight are restricted: equal steps as wide as the one between the second "
        "and the third."
    )
    yield from _trust("WHO 2006, 2007", who.GRADE, who.SOURCE, (*who.CAVEATS, who.HEAD))
    yield from _table(
        ("table", "from", "to", "rows", "restricted"),
        (
            (
                f"`{name}`",
                str(rows.first / rows.each),
                str(rows.last / rows.each),
                str(rows.last - rows.first + 1),
                "yes" if name.removesuffix("_5_19") in zscores.RESTRICTED else "no",
            )
            for name in GRIDS
            for rows in [grid(name, "female")]
        ),
    )
    yield "\n超出以下范围的 z 值不作判断 A z-score outside is not judged, but measured again:"
    yield from _table(
        ("indicator", "from", "to"),
        ((f"`{name}`", str(low), str(high)) for name, (low, high) in zscores.PLAUSIBLE.items()),
    )
    document = school_age.document()
    yield "\n### 学龄儿童青少年 School age, 6.0-18.0"
    yield from _trust(
        f"`{document['id']}`, {document['edition']}",
        document["grade"],
        document["citation"],
        school_age.CAVEATS,
    )
    for sex, rows in document["rows"].items():
        yield f"\n{_both(SEXES[sex])}"
        yield from _table(
            document["columns"], (tuple(_inline(cell) for cell in row) for row in rows)
        )


def _questionnaires() -> Iterator[str]:
    yield "\n## 问卷 Questionnaires"
    yield "\n`GET /v1/questionnaires`, `POST /v1/questionnaires/{id}/score`."
    yield "缺题不给总分 Without an answer to every scored item there is no total."
    for instrument in INSTRUMENTS.values():
        yield from _instrument(instrument)


def _instrument(one: Instrument) -> Iterator[str]:
    yield f"\n### {one.title.zh} · {one.title.en}"
    yield from _trust(
        f"`{one.id}` {one.version}, {len(one.items)} 题 items, data class `{one.data_class}`",
        one.grade,
        f"{one.licence} {one.wording}",
        (one.caveat,),
    )
    yield f"\nScoring: {one.scoring}."
    if one.items_withheld is not None:
        yield f"\n{_both(one.items_withheld)}"
    if one.safety is not None:
        yield f"\n> `{one.safety.item}` ≥ {one.safety.at}: {one.safety.text.zh}\n>"
        yield f"> {one.safety.text.en}"
    if one.bands:
        yield from _table(("得分 total", "结果 result"), (_band(band) for band in one.bands))


def _band(band: Band) -> tuple[str, str]:
    whom = f" ({_both(SEXES[band.sex])})" if band.sex else ""
    return f"{band.low}-{band.high}{whom}", _both(band.label)


def _exercise() -> Iterator[str]:
    document = exercise.document()
    yield "\n## 运动处方规则 Exercise rules"
    yield "\n各规则的范围取交集；交集为空、缺少信息、缺少医生许可或达到停止值时，不自动开处方。"
    yield (
        "Intervals of all matching rules are intersected. Without a common range, without a "
        "needed input or clearance, or at a stop value, the family doctor prescribes."
    )
    yield from _trust(
        f"`{document['id']}` {document['version']}", "B", "see below", exercise.caveats()
    )
    yield from _table(
        ("source", "grade", "title"),
        ((f"`{key}`", one["grade"], one["title"]) for key, one in document["sources"].items()),
    )
    yield from _table(
        ("rule", "名称 name", "每周 goal", "每次 session", "需要 needs", "source"),
        (
            (
                f"`{rule.id}`",
                _both(rule.name),
                _inline(rule.goal),
                "; ".join(f"{key} {low}-{high}" for key, (low, high) in rule.intervals.items()),
                ", ".join(rule.needs),
                ", ".join(rule.sources),
            )
            for rule in exercise.rules()
        ),
    )
    yield "\n停止值与警示症状 Stop values and red flags; each forbids exercise:"
    reasons = (*(one.reason for one in exercise.stop_values()), *exercise.red_flags().values())
    yield from _table(
        ("id", "说明 text", "source"),
        ((f"`{reason.id}`", _both(reason.text), reason.source) for reason in reasons),
    )


def _trust(identity: str, grade: str, source: str, caveats: Iterable[Text]) -> Iterator[str]:
    yield f"\n{identity}. Grade **{grade}**."
    yield f"来源 Source: {source}"
    for caveat in caveats:
        yield f"\n> {caveat.zh}\n>\n> {caveat.en}"


def _details(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"\n<details><summary>{title}</summary>"
    yield from lines
    yield "\n</details>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield ""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _both(text: Text) -> str:
    return f"{text.zh} {text.en}"
