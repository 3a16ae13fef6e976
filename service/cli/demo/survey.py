"""The people of a health survey file (NHANES 2021-2023, tab separated) as residents of the city.

Values stay as they were measured: mg/dL, hours of sleep, three blood-pressure readings a minute
apart. `NA` means not measured and becomes no value. Nobody has a name here; they get a number.
"""

import csv
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from service.cli.demo.population import ZONE, Person

DAYS_A_YEAR = 365.2425
SINGLE = [
    # column, measure, unit (None: the measure's own)
    ("SleepHrsWkday", "sleep_duration", "h/d"),
    ("DeprTotal", "phq9_total", None),
    ("TotCholMgPerDl", "total_cholesterol", "mg/dL"),
    ("HDLMgPerDl", "hdl_c", "mg/dL"),
    ("WeightKg", "body_weight", None),
    ("HeightCm", "body_height", None),
    ("WaistCm", "waist_circumference", None),
    ("HipCm", "hip_circumference", None),
]


def people(path: Path, regions: list[str], today: date) -> Iterator[Person]:
    """Each row as a resident; every third has a contract, every second agrees to statistics."""
    with path.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines, delimiter="\t")):
            age = int(row["Age"])
            yield Person(
                login=f"nhanes-{row['SEQN']}",
                name=f"参与者{row['SEQN']}",
                sex="male" if row["Sex"] == "Male" else "female",
                birth_date=today - timedelta(days=int((age + 0.5) * DAYS_A_YEAR)),
                region=regions[number % len(regions)],
                records=list(_records(row, today)),
                contract=number % 3 == 0,
                statistics=number % 2 == 0,
            )


def _records(row: dict[str, str], today: date) -> Iterator[dict[str, Any]]:
    source = {"kind": "import", "name": "NHANES 2021-2023"}
    values, units = {}, {}
    for column, measure, unit in SINGLE:
        if row[column] != "NA":
            values[measure] = float(row[column])
            if unit:
                units[measure] = unit
    if values:
        yield {
            "start": _minute(today, 0),
            "kind": "observation",
            "values": values,
            "units": units,
            "source": source,
        }
    for reading in (1, 2, 3):
        pairs = (
            ("systolic_bp", "SysBP"),
            ("diastolic_bp", "DiaBP"),
            ("resting_heart_rate", "Pulse"),
        )
        found = {m: float(row[f"{c}{reading}"]) for m, c in pairs if row[f"{c}{reading}"] != "NA"}
        if found:
            yield {
                "start": _minute(today, reading),
                "kind": "observation",
                "values": found,
                "source": source,
            }


def _minute(today: date, minute: int) -> str:
    return datetime.combine(today - timedelta(days=1), time(9, minute), ZONE).isoformat()
