"""The survey's people as a plain file says they are: requests to send, and categories to expect.

Nothing here imports the service: it is the independent recomputation the journey compares with.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

PHQ9_MOST = 27


@dataclass(frozen=True)
class Participant:
    """One row. Values are floats as printed, or None where the file says NA."""

    number: int
    row: dict[str, str]

    def value(self, column: str) -> float | None:
        text = self.row[column]
        return None if text == "NA" else float(text)

    @property
    def login(self) -> str:
        return f"nhanes-{self.row['SEQN']}"

    @property
    def sex(self) -> str:
        return self.row["Sex"].lower()

    @property
    def age(self) -> int:
        return int(self.row["Age"])

    def birth_date(self, today: date) -> date:
        """Half a year past the last birthday."""
        return today - timedelta(days=int((self.age + 0.5) * 365.2425))

    def records(self, today: date) -> Iterator[dict[str, Any]]:
        """Every group of columns as one record, values as they come; NA is sent as null."""
        day = today - timedelta(days=1)
        groups: list[dict[str, tuple[str, str | None]]] = [
            {"body_weight": ("WeightKg", None), "body_height": ("HeightCm", None)},
            {"waist_circumference": ("WaistCm", None)},
            {"hip_circumference": ("HipCm", None)},
            {"total_cholesterol": ("TotCholMgPerDl", "mg/dL"), "hdl_c": ("HDLMgPerDl", "mg/dL")},
            {"sleep_duration": ("SleepHrsWkday", "h/d")},
            {"phq9_total": ("DeprTotal", None)},
            *(
                {"systolic_bp": (f"SysBP{n}", None), "diastolic_bp": (f"DiaBP{n}", None)}
                for n in (1, 2, 3)
            ),
        ]
        for minute, group in enumerate(groups):
            yield {
                "kind": "observation",
                "start": f"{day.isoformat()}T09:{minute:02d}:00+08:00",
                "values": {code: self.value(column) for code, (column, _) in group.items()},
                "units": {code: unit for code, (_, unit) in group.items() if unit},
                "source": {"kind": "import", "name": "NHANES 2021-2023"},
            }

    def expected_rejections(self) -> int:
        """Records with a missing value; nobody in the file is outside the plausible ranges."""
        columns: Sequence[Sequence[str]] = [
            ("WeightKg", "HeightCm"),
            ("WaistCm",),
            ("HipCm",),
            ("TotCholMgPerDl", "HDLMgPerDl"),
            ("SleepHrsWkday",),
            ("DeprTotal",),
            *((f"SysBP{n}", f"DiaBP{n}") for n in (1, 2, 3)),
        ]
        return sum(any(self.row[name] == "NA" for name in group) for group in columns)

    def bmi_category(self) -> str | None:
        """WS/T 428-2013: 18.5, 24 and 28 kg/m2."""
        weight, height = self.value("WeightKg"), self.value("HeightCm")
        if weight is None or height is None:
            return None
        bmi = weight / (height / 100) ** 2
        bounds = [(18.5, "underweight"), (24.0, "normal"), (28.0, "overweight")]
        return next((name for bound, name in bounds if bmi < bound), "obese")

    def blood_pressure_grade(self) -> str | None:
        """Mean of the complete readings; the higher grade of systolic and diastolic.

        None of a single one: somebody's own single reading is no blood pressure to judge by.
        """
        pairs = [(self.value(f"SysBP{n}"), self.value(f"DiaBP{n}")) for n in (1, 2, 3)]
        complete = [(s, d) for s, d in pairs if s is not None and d is not None]
        if len(complete) < 2:
            return None
        systolic = sum(s for s, _ in complete) / len(complete)
        diastolic = sum(d for _, d in complete) / len(complete)
        names = ["normal", "high_normal", "grade1", "grade2", "grade3"]
        return names[
            max(
                sum(systolic >= bound for bound in (120, 140, 160, 180)),
                sum(diastolic >= bound for bound in (80, 90, 100, 110)),
            )
        ]


def participants(path: Path, *, every: int = 1) -> list[Participant]:
    """Every `every`-th row of the file, numbered from 0 among themselves."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))[::every]
    return [Participant(number, row) for number, row in enumerate(rows)]
