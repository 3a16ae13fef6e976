"""What is known of one person at one moment, in the terms the models ask for.

Everything is optional but sex and age: a model runs on what is there or not at all. Pressures are
mm[Hg], cholesterol and glucose mmol/L, HbA1c percent, BMI kg/m2, waist cm.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .done import NOTHING, Done
from .glucose import Values


@dataclass
class Facts:
    """Current values and standing facts; never stored, never logged."""

    sex: str
    age: int
    north: bool = False
    urban: bool = False
    pregnant: bool = False

    # Blood pressure: the mean, the worse of the last two readings, and the newest one. A single
    # reading is the newest one and no mean.
    sbp: float | None = None
    dbp: float | None = None
    control_sbp: float | None = None
    control_dbp: float | None = None
    newest_sbp: float | None = None
    newest_dbp: float | None = None
    pressure_seen: bool = False
    """Whether a practitioner entered something after an alarming one."""
    bp_treated: bool = False
    htn_dx: bool = False

    tc: float | None = None
    ldl: float | None = None
    hdl: float | None = None
    non_hdl: float | None = None
    lipid_treated: bool = False
    dyslipidaemia_dx: bool = False
    familial: bool = False

    bmi: float | None = None
    height: float | None = None
    """Set only where the BMI comes from a weight, so that a path can name the weight."""
    weight: float | None = None
    waist: float | None = None
    waist_par: float | None = None
    """The waist China-PAR sees: for men it stays at the observed value in what-if runs."""

    smoker: bool | None = None
    nicotine: str | None = None
    passive_smoking: bool = False
    ever_smoked: bool | None = None
    """Now or in the past; quitting does not change it."""

    diabetes: bool = False
    diabetes_complications: bool = False
    fpg: float | None = None
    ogtt_2h: float | None = None
    random: float | None = None
    hba1c: float | None = None
    glucose_alarm: str | None = None
    glucose_seen: bool = False

    family_ascvd: bool = False
    family_early_cvd: bool = False
    family_stroke: bool = False
    family_diabetes: bool = False

    ascvd: bool = False
    prior_stroke: bool = False
    severe_events: int = 0
    high_risk_history: int = 0
    af_or_valve: bool = False
    clinical_disease: bool = False
    organ_damage: bool = False
    ckd: int = 0
    egfr_stage: str | None = None

    inactive: bool | None = None
    activity_minutes: float | None = None
    sleep_hours: float | None = None
    vegetables_and_fruit: float | None = None
    salt: float | None = None
    homocysteine: float | None = None
    urate: float | None = None

    triglycerides: float | None = None
    """mmol/L, as bilirubin is umol/L, albumin g/L, platelets 10*9/L and enzymes U/L."""
    alt: float | None = None
    ast: float | None = None
    ggt: float | None = None
    platelets: float | None = None
    albumin: float | None = None
    bilirubin: float | None = None

    fatty_liver: bool = False
    hepatitis: bool = False
    copd: bool = False
    osteoporosis: bool = False
    colorectal_cancer: bool = False
    lung_cancer: bool = False
    liver_cancer: bool = False
    family_colorectal_cancer: bool = False
    family_lung_cancer: bool = False
    heart_rate: float | None = None

    post_menopausal: bool = False
    body_weight: float | None = None
    """kg, known with or without a height."""
    copd_ps: float | None = None
    done: Mapping[str, Done] = field(default_factory=lambda: NOTHING)
    """Checks that screens advise and that were done, within their interval."""

    @property
    def single_pressure(self) -> bool:
        """One reading of one's own: it may warn, and is no blood pressure to judge by."""
        return self.sbp is None and self.newest_sbp is not None

    @property
    def glucose(self) -> Values:
        return Values(self.fpg, self.ogtt_2h, self.random, self.hba1c)

    @property
    def liver_reason(self) -> bool:
        """Something that makes fibrosis of the liver worth looking for."""
        return self.fatty_liver or self.hepatitis or self.diabetes

    @property
    def hypertensive(self) -> bool:
        """Diagnosed, on drugs, or a current mean from 140/90."""
        return (
            self.htn_dx
            or self.bp_treated
            or (self.sbp is not None and self.sbp >= 140)
            or (self.dbp is not None and self.dbp >= 90)
        )

    def set_pressure(self, systolic: float | None, diastolic: float | None) -> None:
        """One pair is at once the mean, the last two and the newest."""
        self.sbp = self.control_sbp = self.newest_sbp = systolic
        self.dbp = self.control_dbp = self.newest_dbp = diastolic

    def changed(self, **values: Any) -> "Facts":
        """A copy with other values; quicker than `dataclasses.replace`, for the search."""
        other = Facts.__new__(Facts)
        other.__dict__.update(self.__dict__)
        other.__dict__.update(values)
        return other
