"""How readings become an assessment, in words: a section of docs/risk-models.md, both languages."""

from collections.abc import Iterator

from consent.vocabulary import Text

from .current import MEAN_OF, RULES
from .screens import APCS_AGE_FROM, COPD_AGE_FROM

_PRESSURE = RULES["pressure"]
READINGS = (
    Text(
        f"血压取最近一次前{_PRESSURE['window_days']}天内最多{_PRESSURE['readings']}对的平均值，不足"
        f"{MEAN_OF}对时加上再前一对；一对的两个值同一时刻。只有一对且不是医务人员录入的，"
        "不影响级别，请再测一次。"
        f"控制情况看最近{_PRESSURE['control_readings']}对，急症看最新一对。",
        f"Blood pressure is the mean of up to {_PRESSURE['readings']} pairs within "
        f"{_PRESSURE['window_days']} days of the newest, of fewer than {MEAN_OF} with the one "
        "before; both values of a pair share one instant. A single pair that no practitioner "
        "entered moves no level and asks for another. "
        f"Control looks at the last {_PRESSURE['control_readings']} pairs, an alarm at the newest.",
    ),
    Text(
        f"肾脏分期须有相隔至少{RULES['kidney']['apart_days']}天的两次结果一致，以较好的一次为准。",
        "A kidney stage counts when two values at least "
        f"{RULES['kidney']['apart_days']} days apart agree; the better one decides.",
    ),
    Text(
        "戒烟者按记录显示的戒烟时长归类；没有更早的吸烟记录时取中间一档（1至5年）。",
        "Somebody who quit is placed by how long their readings say so; without an earlier "
        "smoking reading the middle row (1 to 5 years) is taken.",
    ),
    Text(
        "试算时，是否服药、诊断、年龄、性别、地区以及男性在China-PAR中的腰围保持不变。",
        "In what-if runs the treated flag, diagnoses, age, sex, region and for men the waist "
        "inside China-PAR stay as observed.",
    ),
    Text(
        "18岁以下不给级别；孕期不用China-PAR、血脂和体重的规则。",
        "Below 18 years there is no level; in pregnancy no China-PAR, lipid or weight path.",
    ),
)
SCREENS = (
    Text(
        "筛查工具只在所需数据齐全时计入：FIB-4用于脂肪肝、慢性肝炎或糖尿病（65岁起下界值为2.0），"
        "脂肪肝指数，"
        f"aMAP用于慢性肝炎，肠癌评分从{APCS_AGE_FROM}岁起。它们给出“建议检查”；不作建议的不带级别。"
        "孕期不用；已患所筛查的癌症者不用。",
        "Screens count where every input is known: FIB-4 with a fatty liver, chronic hepatitis or "
        "diabetes (from 65 years with 2.0 as the lower cut), the fatty liver index, aMAP with "
        f"chronic hepatitis, the bowel score from {APCS_AGE_FROM} years. They advise a check "
        "(建议检查); one that advises nothing carries no level. None runs in pregnancy, nor with "
        "the cancer it looks for.",
    ),
    Text(
        "没有填写的家族史按“无”计，与China-PAR相同：肠癌评分因此是最低可能值。",
        "A family history that nobody entered counts as none, as in China-PAR: the bowel score is "
        "then the least it can be.",
    ),
    Text(
        "曾经吸烟在肠癌评分中总是计分，戒烟不会降低它。仅年龄和性别从50岁起就有2分以上："
        "此时显示评分和建议，但不影响级别，"
        "因为单凭年龄从不影响级别（产品规则）；合并吸烟或家族史时按规则包影响级别。",
        "Having smoked counts in the bowel score whether or not somebody quit, so quitting does "
        "not lower it. Age and sex alone give 2 points and more from 50: then the score and its "
        "advice are shown and no level moves, because eligibility by age alone never does "
        "(product); with smoking or a family history it moves the level as the pack says.",
    ),
    Text(
        "50至74岁，有慢阻肺或近亲患肺癌者建议肺癌筛查。包年、被动吸烟年数和职业接触没有记录，"
        "因此不会说谁“不符合”，也不按每日支数判断吸烟者。",
        "Lung screening is advised on COPD or lung cancer of a close relative, from 50 to 74 "
        "years. Pack-years, passive smoking in years and exposure at work are in no record, so "
        "nobody is said not to be eligible, and a smoker is not judged by cigarettes a day.",
    ),
    Text(
        "OSTA用于最新的`post_menopausal`为“是”的女性，取最新体重和年龄。没有该记录时不影响级别；"
        "计划从50岁起据此建议。",
        "OSTA runs for a woman whose newest `post_menopausal` is yes, on her newest weight and her "
        "age. Without that record it moves no level; the plan then advises by it from 50 years.",
    ),
    Text(
        f"COPD-PS按记录的`copd_ps_total`影响级别，从{COPD_AGE_FROM}岁起。只保存总分："
        "参考资料给出各答案的分值，"
        "没有题目文字的许可，因此不提供题目和答案，`/v1/questionnaires`下也没有。"
        "持有纸质问卷者可自行相加，"
        "或用`/v1/models/copd_ps`。",
        "COPD-PS moves the level by a recorded `copd_ps_total`, from "
        f"{COPD_AGE_FROM} years. Only the total is kept: the reference gives the points of the "
        "answers and no licence for the wording, so neither questions nor answers are shipped, nor "
        "a questionnaire under `/v1/questionnaires`. Whoever holds the printed sheet adds up "
        "there, or at `/v1/models/copd_ps`.",
    ),
    Text(
        "两者都不考虑已知的骨质疏松或慢阻肺：评分照旧，建议不同。",
        "Neither takes account of a known osteoporosis or COPD: the score stays, the advice is "
        "another.",
    ),
    Text(
        "在间隔期内做过的检查（见下表）不改变级别，因为评分仍是原来的评分；建议则写明何时做过、"
        "下次何时到期。"
        "只有能看到该类别的人知道：操作属于`conditions`，肺功能和骨密度属于`screening`。"
        "没有指标说明肝脏是否检查过，"
        "因此其建议保留。",
        "A check that was done within its interval (below) moves no level, because the score stays "
        "what it is; the advice then says when it was done and when it is next due. It is known "
        "only to whoever may see its class: procedures belong to `conditions`, lung function and "
        "bone density to `screening`. Whether a liver was looked at is told by no measure, so its "
        "advice stays.",
    ),
    Text(
        "肝炎属于感染性疾病类别：看不到该类别的人看不到aMAP，也看不到仅因肝炎而计算的FIB-4。",
        "Hepatitis belongs to the class of infections: who may not see that class is shown no "
        "aMAP, and no FIB-4 for that reason alone.",
    ),
)


def lines() -> Iterator[str]:
    yield "\n## 读数如何成为评估（产品规则） How readings become an assessment (product rules)\n"
    for text in (*READINGS, *SCREENS):
        yield f"- {text.zh} {text.en}"
    yield (
        "\n| 建议的检查 advised check | 有此记录即为已做 done when recorded "
        "| 几个月后再查 again after months |\n|---|---|---|"
    )
    for check, row in RULES["done"].items():
        names = " / ".join(f"`{name}`" for name in row["names"])
        yield f"| `{check}` | {names} | {row['months'] or '由医生决定 a doctor decides'} |"
    yield "\n| 指标 measure | 有效天数 counts for days |\n|---|---|"
    for code, days in RULES["fresh_days"].items():
        yield f"| `{code}` | {days} |"
    yield "\n| 含义 meaning | 代码 codes |\n|---|---|"
    for meaning, kinds in RULES["codes"].items():
        codes = ", ".join(f"`{code}`" for names in kinds.values() for code in names)
        yield f"| {meaning.replace('_', ' ')} | {codes} |"
