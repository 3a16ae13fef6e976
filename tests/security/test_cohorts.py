"""A thief with both databases and a statistician: who is active, who is HIV positive?

The classifiers are trained on everything countable in the stolen files (`cohorts.features`) with
the true answers of four in five residents, and guess the fifth. Area under the curve: 0.5 is
chance.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from service.kit.db import Database
from tests.consent_room import Clinic
from tests.security.cohorts import Cohorts, features, settle

PEOPLE = 400
CHANCE = 0.55


@pytest.fixture(scope="module")
def stolen(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Cohorts, list[str], np.ndarray]]:
    folder = tmp_path_factory.mktemp("cohorts")
    database = Database(f"sqlite:///{folder / 'kangma.db'}")
    clinic = Clinic(database, f"sqlite:///{folder / 'keys.db'}", folder)
    cohorts = settle(clinic, PEOPLE)
    names, rows = features([folder / "kangma.db", folder / "keys.db"], cohorts.residents)
    yield cohorts, names, np.array(rows)
    database.close()
    clinic.keystore.close()


def guess(model: Any, seen: np.ndarray, truth: list[bool]) -> float:
    """Area under the curve of guesses about people the model was not trained on."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    guessed = cross_val_predict(model, seen, truth, cv=folds, method="predict_proba")
    return float(roc_auc_score(truth, guessed[:, 1]))


def models() -> list[Any]:
    return [
        RandomForestClassifier(200, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)),
    ]


@pytest.mark.parametrize("question", ["active", "positive"])
def test_a_stolen_database_does_not_tell_how_somebody_lives(
    stolen: tuple[Cohorts, list[str], np.ndarray], question: str
) -> None:
    cohorts, names, seen = stolen
    truth = getattr(cohorts, question)
    assert min(sum(truth), PEOPLE - sum(truth)) == PEOPLE // 2
    assert len(names) > 100
    assert {"keyrings rows", "ring_keys rows", "grants.status = active"} <= set(names)
    for model in models():
        assert guess(model, seen, truth) <= CHANCE


def test_people_do_differ_in_what_can_be_counted(
    stolen: tuple[Cohorts, list[str], np.ndarray],
) -> None:
    """The thief sees how often somebody logs: the features are not blind."""
    _, names, seen = stolen
    rows = seen[:, names.index("record_parts rows")]
    assert len(set(rows)) > 3


def test_the_same_thief_would_read_a_store_without_frames(
    stolen: tuple[Cohorts, list[str], np.ndarray],
) -> None:
    cohorts, _, seen = stolen
    leaking = np.column_stack([seen, cohorts.unpadded])
    for model in models():
        assert guess(model, leaking, cohorts.active) > 0.95
