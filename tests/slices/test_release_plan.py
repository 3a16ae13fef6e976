"""A plan says beforehand how precise releases will be, and costs nothing."""

import json
from statistics import median

import pytest

from service.domain.anonymity import noise
from service.domain.anonymity.specification import PARTICIPATION, current
from service.kit.db import Database
from service.releases import actions, artifact, plan, store
from service.releases.actions import rows_of
from tests.city_room import NOW, SIGNER, People, geography, make_tables, universe

CADENCES = [cadence.id for cadence in current().cadences]
EVERYBODY = 200_000
"""As many as the census of the test city says, so that shares are as precise as planned."""


def test_it_has_a_line_for_every_table_of_every_cadence_and_level() -> None:
    told = plan.of_year(current(), geography())
    lines = {(line["cadence"], line["table"], line["level"]) for line in told["tables"]}
    assert len(lines) == len(told["tables"])
    for cadence in current().cadences:
        for metric in current().metrics:
            levels = cadence.levels if metric.tier == "all" else cadence.levels[:1]
            for level in levels:
                assert (cadence.id, metric.id, level) in lines
    assert told["year"]["epsilon"] <= 1


@pytest.mark.parametrize("cadence", CADENCES)
def test_half_widths_are_those_that_releases_will_have(cadence: str) -> None:
    """Bug it would catch: a plan that promises more than is published, or in another unit."""
    of = universe(cadence=cadence)
    rows = rows_of(of, noise.draw(People.random(of, EVERYBODY).tables, of))
    lines = {
        (line["table"], line["level"]): line
        for line in plan.of_year(current(), geography())["tables"]
        if line["cadence"] == cadence
    }
    people = {(r.region, r.sex, r.age): r.count for r in rows if r.metric == PARTICIPATION}
    grouped = len(of.groups) > 1
    # That a denominator is noisy as well widens by 1 to 3 %, where few are counted by 6, give or
    # take 2: six times that and more is left.
    near = 0.2 if cadence == "communities" else 0.1
    compared = 0
    for (table, level), line in lines.items():
        if table == PARTICIPATION:
            continue
        found = [
            (row.share_high - row.share_low) / 2 * people[row.region, row.sex, row.age]
            for row in rows
            if (row.metric, row.level) == (table, level)
            and (row.sex != "all") == grouped
            and "-rest" not in row.region
            # Near nobody and near everybody intervals are shorter: nobody is fewer than none.
            and row.share_low
            and row.share_high is not None
            and row.share_high < 1
        ]
        if len(found) >= 4:
            assert median(found) == pytest.approx(line["half_width_people"], rel=near)
            if not grouped:
                points = 100 * line["half_width_people"] / line["median_census"]
                assert line["half_width_points"] == pytest.approx(points, abs=0.01)
            compared += 1
    assert compared >= 10


def test_the_plan_is_signed_and_public_before_anything_is_spent(database: Database) -> None:
    make_tables(database)
    for _ in range(2):
        database.write(lambda conn: actions.announce(conn, current(), SIGNER, NOW))
    kept = database.read(lambda conn: store.specification(conn, current().sha256))
    assert kept is not None
    assert database.read(store.all_budgets) == []
    key = artifact.raw_public_key(SIGNER)
    with pytest.raises(json.JSONDecodeError):
        # The signature holds; what is signed is the specification, not a manifest.
        artifact.verify(kept.signature, key, kind=artifact.SPECIFICATION_TYPE)
