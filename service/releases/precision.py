"""The precision of a release from its manifest alone: its tree of areas and noise scales."""

from typing import Any

import numpy as np

from consent.vocabulary import Text
from service.domain.anonymity.cells import Shape, spent
from service.domain.anonymity.estimates import Precision
from service.domain.anonymity.geography import Area, Geography
from service.domain.anonymity.specification import ALL, NANO, PARTICIPATION
from service.domain.anonymity.tree import ROOT_ALONE

GROUPED = "sex_age"


def precision_of(manifest: dict[str, Any], groups: int) -> Precision:
    """`groups` is how many bands of sex and age a manifest with them measured (1 without)."""
    geography = geography_of(manifest)
    tiers = {"all": geography.tree, "city": ROOT_ALONE}
    shapes = {PARTICIPATION: Shape((ALL,), geography.tree)} | {
        metric["id"]: Shape(tuple(metric["categories"]), tiers[metric["tier"]])
        for metric in manifest["metrics"]
    }
    weights = {}
    for table, shape in shapes.items():
        rows = [family for family in manifest["families"] if family["metric"] == table]
        budgets = {family["level"]: family["nano_rho"] for family in rows}
        weights[table] = np.asarray(spent(geography, budgets, shape) * (2 / NANO))
    return Precision(shapes, weights, groups if manifest["by"] == GROUPED else 1)


def geography_of(manifest: dict[str, Any]) -> Geography:
    """The areas of a release; it knows no divisions, and nobody can be counted with it."""
    areas = tuple(
        Area(
            area["code"],
            Text(**area["name"]),
            area["level"],
            area["parent"],
            area["population"],
            tuple(area["members"]),
        )
        for area in manifest["regions"]["areas"]
    )
    return Geography(areas, {})
