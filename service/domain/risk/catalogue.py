"""The models as data: what each computes, from what source, how far it is to be trusted.

One JSON file a model under `data/`. Grades: A identical in two independent readable sources,
B one careful source with partial support, C one source that a clinician must check against the
printed table, P a product definition of this service.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consent.vocabulary import Text

FOLDER = Path(__file__).parent / "data"
RULE_PACK = "2026.1"
"""Edition of all tables together; part of every prompt, so that an old one can be explained."""

IDS = (
    "china_par_10y",
    "cn_bp_grade_and_cv_stratification",
    "cn_body_size",
    "cn_glucose_cutoffs",
    "cn_lipid_2023",
    "ncdrs",
    "lifes_essential_8",
    "cn_stroke_8_2",
    "egfr_ckd_epi_2021",
    "cn_national_followup_control",
    "composite_index",
    "five_level_mapping",
    "counterfactual_red_to_green",
    "who_cvd_2019_east_asia",
    "prevent_base",
    "score2_and_asia_pacific",
    "findrisc",
    "fib4",
    "fli",
    "amap_hcc",
    "apcs",
    "cn_lung_screening",
    "cn_two_cancer",
    "copd_ps",
    "osta",
    "physical_activity",
    "cn_diet_2022",
    "audit_alcohol",
    "ftnd_packyears",
    "sleep_isi",
)


@dataclass(frozen=True, slots=True)
class Model:
    """One instrument: its identity, its inputs and every number it computes with."""

    id: str
    version: str
    name: Text
    kind: str
    grade: str
    citation: str
    caveat: Text
    population: Text
    unit: str | None
    inputs: Mapping[str, Mapping[str, Any]]
    parameters: Mapping[str, Any]
    categories: tuple[Mapping[str, str], ...]
    traps: tuple[Text, ...]
    silent_outside: bool
    """True where an equation is not defined outside its ranges, so that no number is given."""

    def as_answer(self) -> dict[str, Any]:
        """What `GET /v1/models/{id}` shows: the whole file, parameters included."""
        return {
            **self.summary(),
            "population": self.population.both(),
            "inputs": self.inputs,
            "parameters": self.parameters,
            "categories": list(self.categories),
            "traps": [trap.both() for trap in self.traps],
            "silent_outside": self.silent_outside,
        }

    def summary(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "version": self.version,
            "name": self.name.both(),
            "kind": self.kind,
            "grade": self.grade,
            "citation": self.citation,
            "caveat": self.caveat.both(),
            "unit": self.unit,
        }


def read(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def _load(model_id: str) -> Model:
    entry = read(model_id)
    return Model(
        id=entry["id"],
        version=entry["version"],
        name=Text(**entry["name"]),
        kind=entry["kind"],
        grade=entry["grade"],
        citation=entry["citation"],
        caveat=Text(**entry["caveat"]),
        population=Text(**entry["population"]),
        unit=entry["unit"],
        inputs=entry["inputs"],
        parameters=entry["parameters"],
        categories=tuple(entry["categories"]),
        traps=tuple(Text(**trap) for trap in entry["traps"]),
        silent_outside=entry.get("outside") == "none",
    )


MODELS: Mapping[str, Model] = {model_id: _load(model_id) for model_id in IDS}
