"""Everything published put into one linear program, to get back the counts of one to nine people.

The unknowns are the true counts of a district by group and risk level. The attacker takes the
artifacts of one cut-off, the months' totals and the annual groups, as bytes from the store.

Bugs it would catch: suppression instead of noise, noise on parts but exact totals (or the other way
round), rounding or fitting that gives back what the noise took.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

from service.contributions import actions as contributions
from service.domain.anonymity import noise
from service.domain.anonymity.count import CONTRIBUTION
from service.domain.anonymity.specification import current
from service.kit.db import Database
from service.releases import artifact, precision
from service.releases.store import Artifact
from tests.city_room import YEAR, make_tables, publish_here
from tests.privacy import naive_publisher

LEVELS = current().metric_by_id["level"].categories
GROUPS = current().groups
SIZE = len(LEVELS)
BORN = {
    band: YEAR - start for band, start in zip(current().ages, current().age_starts, strict=True)
}
DISTRICT = "990101"


def _truth() -> np.ndarray:
    """(group, level): mostly hundreds, with a few people here and there."""
    dice = np.random.default_rng(8)
    counts = dice.integers(300, 500, (len(GROUPS), SIZE))
    for group in range(0, len(GROUPS), 2):
        counts[group, dice.integers(0, SIZE)] = dice.integers(1, naive_publisher.THRESHOLD)
    return counts


TRUTH = _truth()
FEW = (TRUTH > 0) & (TRUTH < naive_publisher.THRESHOLD)


@contextmanager
def _published(folder: Path, *, naive: bool) -> Iterator[tuple[Artifact, Artifact]]:
    """(monthly, annual) of the same people."""
    db = Database(f"sqlite:///{folder / 'kangma.db'}")
    make_tables(db)
    batch = np.zeros(TRUTH.sum(), CONTRIBUTION)
    batch["region"] = f"{DISTRICT}001001".encode()
    group, code = (np.repeat(axis.ravel(), TRUTH.ravel()) for axis in np.indices(TRUTH.shape))
    batch["sex"], age = np.divmod(group, len(current().ages))
    batch["birth_year"] = YEAR - np.array(current().age_starts)[age]
    batch["codes"][:, current().metrics.index(current().metric_by_id["level"])] = code
    with pytest.MonkeyPatch.context() as patched:
        # Tens of thousands of sealed blobs would be opened to these.
        patched.setattr(contributions, "read_all", lambda *_, **__: iter([batch]))
        if naive:
            patched.setattr(noise, "draw", naive_publisher.draw)
        yield publish_here(db, cadence="monthly"), publish_here(db, cadence="annual")
    db.close()


def _measured(kept: Artifact) -> tuple[np.ndarray, np.ndarray]:
    """(contrasts (group, level), participants (group)) of the district, from the bytes."""
    rows = [
        row
        for row in artifact.read_csv(kept.csv)
        if row["region"] == DISTRICT and row["measured"] is not None
    ]
    level = [row["measured"] for row in rows if row["metric"] == "level"]
    people = [row["measured"] for row in rows if row["metric"] == "participation"]
    return np.array(level, float).reshape(-1, SIZE), np.array(people, float)


def _fit(monthly: Artifact, annual: Artifact) -> np.ndarray:
    """The non-negative counts nearest to all measurements, each weighed by its noise (L1)."""
    unknowns = TRUTH.size
    lines: list[np.ndarray] = []
    values: list[float] = []
    for kept in (monthly, annual):
        contrasts, people = _measured(kept)
        sigmas = {
            family["metric"]: family["sigma"] for family in json.loads(kept.manifest)["families"]
        }
        for number in range(len(people)):
            chosen = np.zeros(TRUTH.shape)
            chosen[slice(None) if len(people) == 1 else number] = 1
            lines.append(chosen.ravel() / sigmas["participation"])
            values.append(people[number] / sigmas["participation"])
            for code in range(SIZE):
                one = -chosen
                one[:, code] += SIZE * chosen[:, code]
                lines.append(one.ravel() / sigmas["level"])
                values.append(contrasts[number, code] / sigmas["level"])
    design, wanted = np.array(lines), np.array(values)
    slack = np.eye(len(wanted))
    found = linprog(
        np.concatenate([np.zeros(unknowns), np.ones(2 * len(wanted))]),
        A_eq=np.hstack([design, slack, -slack]),
        b_eq=wanted,
        bounds=(0, None),
    )
    assert found.status == 0
    return np.asarray(found.x[:unknowns]).reshape(TRUTH.shape)


def _shown(kept: Artifact) -> tuple[np.ndarray, np.ndarray]:
    """Counts as a threshold publisher shows them, from its contrasts; and participants.

    Hidden cells are zeros, so the lowest contrast of a row with one is minus the shown sum.
    """
    contrasts, people = _measured(kept)
    plain = (contrasts + people[:, None]) / SIZE
    hides = (plain != np.rint(plain)) | (plain < naive_publisher.THRESHOLD)
    lowest = contrasts.min(axis=-1, keepdims=True)
    return np.where(hides.any(axis=-1, keepdims=True), (contrasts - lowest) / SIZE, plain), people


def _bounds(monthly: Artifact, annual: Artifact) -> tuple[np.ndarray, np.ndarray]:
    """Least and most people that each hidden cell can hold, given all published sums."""
    shown, people = _shown(annual)
    totals, _ = _shown(monthly)
    hidden = np.argwhere(shown == 0)
    rows = np.array([[place[0] == group for place in hidden] for group in range(len(people))])
    columns = np.array([[place[1] == code for place in hidden] for code in range(SIZE)])
    left = np.concatenate([people - shown.sum(axis=1), totals[0] - shown.sum(axis=0)])
    found = np.zeros((2, len(hidden)))
    for number in range(len(hidden)):
        for end, sign in enumerate((1, -1)):
            price = np.zeros(len(hidden))
            price[number] = sign
            best = linprog(
                price,
                A_eq=np.vstack([rows, columns]).astype(float),
                b_eq=left,
                bounds=(0, naive_publisher.THRESHOLD - 1),
            )
            assert best.status == 0
            found[end, number] = best.x[number]
    assert {tuple(place) for place in hidden.tolist()} == {*map(tuple, np.argwhere(FEW).tolist())}
    return found[0], found[1]


def test_a_linear_program_gives_back_every_hidden_cell_of_a_naive_publisher(
    tmp_path: Path,
) -> None:
    with _published(tmp_path, naive=True) as (monthly, annual):
        least, most = _bounds(monthly, annual)
    assert np.allclose(least, TRUTH[FEW])
    assert np.allclose(most, TRUTH[FEW])


def test_a_linear_program_does_no_better_than_the_stated_noise(tmp_path: Path) -> None:
    with _published(tmp_path, naive=False) as (monthly, annual):
        guess = _fit(monthly, annual)
        stated = precision.precision_of(json.loads(annual.manifest), len(GROUPS))
    deviation = float(np.sqrt(stated.variance("level")[1]))
    error = guess - TRUTH
    # Of some eighty cells; the program may not be the best fit, so it can be worse.
    assert np.sqrt((error[~FEW] ** 2).mean()) > 0.7 * deviation
    assert deviation > 3 * naive_publisher.THRESHOLD
    assert (np.abs(error[FEW]) < 0.5).mean() < 0.5


def test_the_additive_table_itself_is_no_closer_to_the_truth_than_the_noise(
    tmp_path: Path,
) -> None:
    """Solving its equalities is reading it: they hold exactly, of noisy numbers."""
    with _published(tmp_path, naive=False) as (_, annual):
        rows = artifact.read_csv(annual.csv)
        stated = precision.precision_of(json.loads(annual.manifest), len(GROUPS))
    at = {
        (row["sex"], row["age"], row["category"]): row["count"]
        for row in rows
        if row["region"] == DISTRICT and row["metric"] == "level"
    }
    shown = np.array([[at[*group, level] for level in LEVELS] for group in GROUPS])
    deviation = float(np.sqrt(stated.variance("level")[1]))
    assert np.sqrt(((shown - TRUTH)[~FEW] ** 2).mean()) > 0.7 * deviation
