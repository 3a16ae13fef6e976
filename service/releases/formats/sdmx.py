"""SDMX-CSV 2.0.0 (SDMX 3.0): one observation a row, codes of the cross-domain lists.

SEX follows CL_SEX, AGE CL_AGE, FREQ CL_FREQ, OBS_STATUS CL_OBS_STATUS: A normal, U low
reliability, Q missing and suppressed. The other dimensions take the words of the release.
"""

import csv
import io
import re
from typing import Any

from service.releases.artifact import SHARES
from service.releases.formats.published import ALL, Period, Published

STRUCTURE = ("dataflow", "KANGMA:DF_RELEASE(1.0.0)", "I")
"""Kind and identity of the structure, and the action: information only."""
DIMENSIONS = (
    "FREQ", "CADENCE", "REF_LEVEL", "REF_AREA", "INDICATOR", "CATEGORY", "SEX", "AGE",
    "TIME_PERIOD",
)  # fmt: skip
"""CADENCE keeps two releases of one year apart, whose totals differ by their noise."""
FIGURES = {
    "COUNT_LOW": "low",
    "COUNT_HIGH": "high",
    "SHARE": "share",
    "SHARE_LOW": "share_low",
    "SHARE_HIGH": "share_high",
    "MEASURED": "measured",
}
HEADER = (
    "STRUCTURE", "STRUCTURE_ID", "ACTION", *DIMENSIONS, "OBS_VALUE", "OBS_STATUS", *FIGURES,
)  # fmt: skip
STATUS = {"ok": "A", "low_precision": "U", "not_published": "Q"}
SEX = {ALL: "_T", "female": "F", "male": "M"}
TOTAL = "_T"


def derive(release: Published) -> bytes:
    """UTF-8, comma, CR LF; a field is empty where the cell has no number."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADER)
    freq, time = spelled(release.period)
    kind = (*STRUCTURE, freq, release.manifest["cadence"])
    writer.writerows((*kind, *_line(row, time)) for row in release.rows)
    return text.getvalue().encode()


def spelled(period: Period) -> tuple[str, str]:
    """Frequency and time period: M 2026-11, Q 2026-Q4 or A 2026."""
    if period.month is not None:
        return "M", f"{period.year}-{period.month:02d}"
    if period.quarter is not None:
        return "Q", f"{period.year}-Q{period.quarter}"
    return "A", str(period.year)


def age_code(band: str) -> str:
    """CL_AGE: "18-34" is Y18T34, "65+" is Y_GE65, everybody is _T."""
    if closed := re.fullmatch(r"(\d+)-(\d+)", band):
        return f"Y{closed[1]}T{closed[2]}"
    if opened := re.fullmatch(r"(\d+)\+", band):
        return f"Y_GE{opened[1]}"
    return TOTAL if band == ALL else band


def _line(row: dict[str, Any], time: str) -> tuple[Any, ...]:
    return (
        row["level"],
        row["region"],
        row["metric"],
        TOTAL if row["category"] == ALL else row["category"],
        SEX.get(row["sex"], row["sex"]),
        age_code(row["age"]),
        time,
        row["count"],
        STATUS[row["status"]],
        *(_figure(name, row[name]) for name in FIGURES.values()),
    )


def _figure(name: str, value: float | None) -> str | int | float | None:
    return f"{value:.4f}" if name in SHARES and value is not None else value
