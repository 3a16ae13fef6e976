"""Point scales asked as a questionnaire and computed as a model: one rule for both doors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from consent.vocabulary import Text

from .catalogue import MODELS

Sex = Literal["female", "male"]


class Row(NamedTuple):
    """A band of totals from `low` to `high`; `sex` where the bands differ by sex."""

    low: int
    high: int
    sex: Sex | None
    category: str
    label: Text


@dataclass(frozen=True, slots=True)
class Scale:
    """`items` are the model's inputs whose points are added, in the order they are asked."""

    items: tuple[str, ...]
    rows: tuple[Row, ...]

    def total(self, points: Sequence[int]) -> int:
        """The sum of one number of points an item."""
        if len(points) != len(self.items):
            raise ValueError("every item has its points")
        return sum(points)

    def row(self, total: int, sex: str | None = None) -> Row | None:
        """The band of a total; None where it depends on a sex that is not told."""
        for row in self.rows:
            if row.low <= total <= row.high and row.sex in (None, sex):
                return row
        return None


def _read(entry: Mapping[str, Any]) -> Scale:
    rows = (
        Row(row["from"], row["to"], row.get("sex"), row["category"], Text(row["zh"], row["en"]))
        for row in entry["bands"]
    )
    return Scale(tuple(entry["items"]), tuple(rows))


AUDIT_C = _read(MODELS["audit_alcohol"].parameters["audit_c"])
FTND = _read(MODELS["ftnd_packyears"].parameters["scale"])
SCALES: Mapping[str, Scale] = {"auditc": AUDIT_C, "ftnd": FTND}
"""By questionnaire."""
