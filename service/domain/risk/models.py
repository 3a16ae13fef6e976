"""One stateless calculator a model: named inputs in, a value with its terms and limits out."""

from collections.abc import Callable, Mapping
from typing import Any

from .calculators import body, heart, product
from .calculators.result import Checked, Result
from .catalogue import MODELS, Model
from .inputs import InputFault, InputsRejected, check

__all__ = ["MODELS", "InputFault", "InputsRejected", "Model", "evaluate"]

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
}


def evaluate(model_id: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """`{value, unit, category, terms, valid, notes, source}`.

    Raises `KeyError` for an unknown model and `InputsRejected` for inputs it cannot be asked with.
    """
    model = MODELS[model_id]
    result = CALCULATORS[model_id](check(model.inputs, inputs))
    return {
        "value": result.value,
        "unit": model.unit,
        "category": result.category,
        "terms": dict(result.terms),
        "valid": result.valid,
        "notes": [note.both() for note in (*result.notes, model.caveat)],
        "source": model.citation,
    }
