"""The thief's statistician: who is of which cohort, guessed from what can be counted.

Residents who share a calendar are never in the training and the questions at once: the models
learn from other calendars alone. Area under the curve: 0.5 is chance.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def models() -> dict[str, Any]:
    return {
        "forest": RandomForestClassifier(200, random_state=0),
        "logistic": make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)),
    }


def without_doubles(seen: np.ndarray) -> np.ndarray:
    """The columns that tell something, each once."""
    return np.unique(seen[:, np.ptp(seen, axis=0) > 0], axis=1)


def against_twins(seen: np.ndarray, calendars: Sequence[int]) -> np.ndarray:
    """Each one's numbers less the mean of those who share their calendar.

    No thief knows calendars: this is more than anybody could take away of what is not health.
    """
    groups, of = np.unique(calendars, return_inverse=True)
    means = np.zeros((len(groups), seen.shape[1]))
    np.add.at(means, of, seen)
    return seen - (means / np.bincount(of)[:, None])[of]


def differing(names: Sequence[str], seen: np.ndarray, calendars: Sequence[int]) -> list[str]:
    """What is not equal among residents who share a calendar."""
    apart = np.abs(against_twins(seen, calendars)).max(axis=0) > 1e-6 * (
        1 + np.abs(seen).max(axis=0)
    )
    return [name for name, differs in zip(names, apart, strict=True) if differs]


def guess(model: Any, seen: np.ndarray, truth: Sequence[bool], calendars: Sequence[int]) -> float:
    """Area under the curve of guesses about people of calendars the model was not trained on."""
    if not seen.shape[1]:
        return 0.5
    folds = GroupKFold(5)
    guessed = cross_val_predict(
        model, seen, truth, cv=folds, groups=calendars, method="predict_proba"
    )
    return float(roc_auc_score(truth, guessed[:, 1]))


def pull(column: np.ndarray, truth: Sequence[bool], calendars: Sequence[int]) -> float:
    """How far one number is drawn to a side, in standard deviations of chance (van Elteren).

    Ranks are taken within each calendar, so it needs no model and loses nothing to calendars.
    """
    held, of = np.asarray(truth), np.asarray(calendars)
    sum_, variance = 0.0, 0.0
    for group in np.unique(of):
        mine = of == group
        ranks = rankdata(column[mine])
        size, held_here = len(ranks), int(held[mine].sum())
        sum_ += ranks[held[mine]].sum() - held_here * (size + 1) / 2
        variance += held_here * (size - held_here) / (size * (size - 1)) * ranks.var() * size
    return float(sum_ / variance**0.5) if variance else 0.0
