"""One stateless calculator a model: named inputs in, a value with its terms and limits out."""

from collections.abc import Callable, Mapping
from typing import Any

from . import outside
from .calculators import body, comparison, heart, lifestyle, liver, product, screening
from .calculators.result import Checked, Result
from .catalogue import MODELS, Model
from .inputs import InputFault, InputsRejected, check
from .rules import in_force

__all__ = ["MODELS", "InputFault", "InputsRejected", "Model", "described", "evaluate"]

CALCULATORS: Mapping[str, Callable[[Checked], Result]] = {
    "china_par_10y": heart.china_par_10y,
    "cn_bp_grade_and_cv_stratification": heart.cn_bp,
    "cn_body_size": body.cn_body_size,
    "cn_glucose_cutoffs": body.cn_glucose,
    "cn_lipid_2023": heart.cn_lipid,
    "ncdrs": body.ncdrs_score,
    "lifes_essential_8": product.essential_eight_score,
    "cn_stroke_8_2": heart.cn_stroke,
    "egfr_ckd_epi_2021": body.egfr,
    "cn_national_followup_control": body.followup_control,
    "composite_index": product.composite_index,
    "five_level_mapping": product.five_levels,
    "counterfactual_red_to_green": product.red_to_green,
    "who_cvd_2019_east_asia": comparison.who_cvd_2019,
    "prevent_base": comparison.prevent_base,
    "score2_and_asia_pacific": comparison.score2_asia_pacific,
    "findrisc": screening.findrisc,
    "fib4": liver.fib4,
    "fli": liver.fli,
    "amap_hcc": liver.amap,
    "apcs": screening.apcs,
    "cn_lung_screening": screening.lung,
    "cn_two_cancer": screening.two_cancer,
    "copd_ps": screening.copd_ps,
    "osta": screening.osta,
    "physical_activity": lifestyle.physical_activity,
    "cn_diet_2022": lifestyle.diet_amounts,
    "audit_alcohol": lifestyle.audit,
    "ftnd_packyears": lifestyle.nicotine,
    "sleep_isi": lifestyle.insomnia,
}

JUDGED = "five_level_mapping"


def described(model: Model) -> dict[str, Any]:
    """What is told of a model; the levels are those of the rule pack in force."""
    answer = model.as_answer()
    if model.id == JUDGED:
        rules = in_force()
        levels = {**model.parameters, **rules.document["levels"]}
        answer |= {"version": rules.pack, "parameters": levels}
    return answer


def evaluate(model_id: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """`{value, unit, category, terms, valid, outside, notes, grade, source}`.

    `outside` names the inputs that lie outside the range the model was made for; it is said in
    `notes` too, and `valid` is then false. Raises `KeyError` for an unknown model and
    `InputsRejected` for inputs it cannot be asked with.
    """
    model = MODELS[model_id]
    given = check(model.inputs, inputs)
    beyond = outside.beyond(model.inputs, given)
    result = CALCULATORS[model_id](given)
    withheld = bool(beyond) and model.silent_outside
    if withheld:
        result = result.withheld()
    said = [outside.sentence(name, limits, withheld=withheld) for name, limits in beyond.items()]
    return {
        "value": result.value,
        "unit": model.unit,
        "category": result.category,
        "terms": dict(result.terms),
        "valid": result.valid and not beyond,
        "outside": list(beyond),
        "notes": [note.both() for note in (*said, *result.notes, model.caveat)],
        "grade": model.grade,
        "source": model.citation,
    }
