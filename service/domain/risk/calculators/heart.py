"""China-PAR, blood-pressure stratification, lipid stratum and the stroke card."""

from consent.vocabulary import Text
from service.domain.risk import blood_pressure, china_par, lipids, stroke

from .result import Checked, Result, need_one

LIFETIME = Text(
    "终生风险模型的系数未公开，因此不给出。",
    "The coefficients of the lifetime model are not public, so no lifetime risk is given.",
)
UPPER_CELL = Text(
    "该格在指南中为两级之间，需临床判断；分级时按较高者。",
    "The guideline prints this cell as a range for clinical judgement; the upper one counts.",
)
OUTSIDE_MATRIX = Text(
    "血压低于130/85且未确诊高血压，不在分层表内。",
    "Below 130/85 without diagnosed hypertension lies outside the matrix.",
)
ISOLATED = Text("单纯收缩期高血压。", "Isolated systolic hypertension.")
OUTSIDE_FIGURE = Text(
    "该血脂水平在指南图之外，或缺少HDL-C，不外推。",
    "Outside the guideline's figure, or HDL-C is missing: nothing is extrapolated.",
)
NO_COUNT = Text(
    "未提供n_of_8，按已给的条目计数。", "n_of_8 was not given: the named items are counted."
)


def china_par_10y(given: Checked) -> Result:
    scale = china_par.MMOL_PER_MG_DL
    person = china_par.Input(
        sex=given["sex"],
        age=given["age"],
        sbp=given["sbp"],
        treated=given["bp_treated"],
        tc=given["tc"] / (scale if given["tc_unit"] == "mmol/L" else 1),
        hdl=given["hdl"] / (scale if given["hdl_unit"] == "mmol/L" else 1),
        waist=given["waist_cm"],
        smoker=given["current_smoker"],
        diabetes=given["diabetes"],
        north=given["north"],
        urban=given["urban"],
        family_history=given["family_history_ascvd"],
    )
    terms = china_par.terms(person)
    risk = china_par.risk_of(sum(terms.values()))
    category = china_par.category(risk)
    return Result(
        value={
            "risk_10y_pct": round(risk, 2),
            "category": china_par.LABELS[category],
            "ideal_risk_10y_pct": round(china_par.risk_pct(china_par.ideal(person)), 2),
            "lifetime_pct": None,
            "ideal_lifetime_pct": None,
        },
        category=category,
        terms=terms,
        notes=(LIFETIME,),
    )


def cn_bp(given: Checked) -> Result:
    diabetes, ckd = given["diabetes"], given["ckd_stage"]
    row = blood_pressure.row(
        risk_factors=given["rf"],
        organ_damage=given["target_organ_damage"],
        ckd3=ckd == "3",
        diabetes=diabetes == "without_complications",
        clinical=given["clinical_disease"] or ckd == ">=4" or diabetes == "with_complications",
    )
    systolic, diastolic = given["sbp"], given["dbp"]
    grade = blood_pressure.grade(systolic, diastolic)
    cell = blood_pressure.stratum(systolic, diastolic, row, given["hypertension_diagnosed"])
    notes = []
    if cell is None and grade < 2 and (systolic < 130 and diastolic < 85):
        notes.append(OUTSIDE_MATRIX)
    if cell is not None and "/" in cell:
        notes.append(UPPER_CELL)
    if systolic >= 140 and diastolic < 90:
        notes.append(ISOLATED)
    return Result(
        value={"grade": blood_pressure.LABELS[grade], "stratum": cell},
        category=blood_pressure.STRATA[cell] if cell else None,
        terms={
            "grade_by_sbp": blood_pressure.grade(systolic, None),
            "grade_by_dbp": blood_pressure.grade(0.0, diastolic),
            "row": row,
            "risk_factors": given["rf"],
        },
        valid=systolic > diastolic,
        notes=tuple(notes),
    )


def cn_lipid(given: Checked) -> Result:
    need_one(given, "ldl", "tc")
    stratum = lipids.stratify(_lipid_input(given))
    outside = stratum.stratum is None
    return Result(
        value={"stratum": lipids.text_of(stratum), "ldl_target_mmol_l": stratum.target},
        category=stratum.stratum,
        terms=dict.fromkeys(stratum.because, True),
        valid=not outside,
        notes=(OUTSIDE_FIGURE,) if outside else (),
    )


def _lipid_input(given: Checked) -> lipids.Input:
    diabetic_factors = sum(
        (
            given["htn"],
            given["dm_rf_dyslipidaemia"],
            given["smoking"],
            given["dm_rf_obesity"] or (given["bmi"] is not None and given["bmi"] >= 28),
            given["dm_rf_early_family_history"],
        )
    )
    return lipids.Input(
        age=given["age"],
        sex=given["sex"],
        ldl=given["ldl"],
        tc=given["tc"],
        hdl=given["hdl"],
        htn=given["htn"],
        smoking=given["smoking"],
        diabetes=given["diabetes"] != "none",
        ckd=given["ckd_stage"] != "0",
        sbp=given["sbp"],
        dbp=given["dbp"],
        bmi=given["bmi"],
        diabetic_factors=diabetic_factors,
        diabetic_damage=given["dm_target_organ_damage"] or given["dm_type1_ge20y"],
        ascvd=given["ascvd"],
        severe_events=given["severe_events"],
        high_risk_history=sum((given["early_chd"], given["cabg_pci"])),
        recurrent=given["recurrent_event"],
        familial=given["familial_hypercholesterolaemia"],
    )


def cn_stroke(given: Checked) -> Result:
    flags = {name: given[name] for name in stroke.EIGHT}
    named = sum(flags.values())
    count = named if given["n_of_8"] is None else max(given["n_of_8"], named)
    prior = given["prior_stroke"] or given["prior_tia"]
    label = stroke.result(count, any(flags[name] for name in stroke.DISEASE), prior)
    return Result(
        value=label,
        category=stroke.CODES[label],
        terms={**flags, "n_of_8": count, "prior": prior},
        notes=(NO_COUNT,) if given["n_of_8"] is None else (),
    )
