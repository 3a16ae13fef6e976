"""Reading a reference vector: what is asked, what is expected, and where the tables lie.

The tables of reference are no part of the project. Their folder is named by KANGMA_REFERENCE, or
is `shared/reference/risk` beside the project or above it; without it their tests are skipped.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from service.domain.risk.models import MODELS

FOLDER = Path(__file__).parent / "data"
OWN = {path.stem.removeprefix("risk_"): path for path in FOLDER.glob("risk_*.json")}
Vector = dict[str, Any]


def _reference() -> Path | None:
    named = os.environ.get("KANGMA_REFERENCE")
    if named:
        return Path(named)
    above = (one / "shared" / "reference" / "risk" for one in Path(__file__).resolve().parents)
    return next((folder for folder in above if folder.is_dir()), None)


REFERENCE = _reference()
# They lie beside the project, not in it: a bare checkout proves the vectors it carries itself.
needs_reference = pytest.mark.skipif(
    REFERENCE is None, reason="the tables of reference are not here: set KANGMA_REFERENCE"
)


def table(model: str) -> dict[str, Any]:
    """The table of reference of one model."""
    assert REFERENCE is not None
    return dict(json.loads((REFERENCE / f"{model}.json").read_text("utf-8")))


def tables() -> list[str]:
    """Every model that has a table of reference; those of the project when there are none."""
    return sorted(MODELS) if REFERENCE is None else sorted(p.stem for p in REFERENCE.glob("*.json"))


def of_table(entry: dict[str, Any]) -> list[Vector]:
    """Every vector of a table of reference, under whatever name it has there."""
    return [
        vector
        for name, vectors in entry.items()
        if name.startswith("test_vectors") and isinstance(vectors, list)
        for vector in vectors
    ]


def asked(vector: Vector) -> Vector:
    """The inputs: some tables write the edition or the target beside them."""
    beside = {name: vector[name] for name in ("model", "target_below_pct") if name in vector}
    return {**vector["input"], **beside}


def expected(vector: Vector) -> Any:
    return vector["expected"] if "expected" in vector else vector["expected_pct"]
