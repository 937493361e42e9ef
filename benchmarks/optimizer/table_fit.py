"""Fit the models that interpolate the recorded table, and state their error on trainings left out.

``python -m benchmarks.optimizer.table_fit --json benchmarks/optimizer/table.json`` also writes
``table_model.npz``, from which ``benchmarks.optimizer.table`` answers without fitting anything: Gaussian
processes (Matern 3/2, one lengthscale per column of ``table_features``, by scikit-learn) of the logit of
accuracy, the logarithm of the spikes that enter each layer, and the logit of the share of silent samples.
Errors are those of five-fold cross-validation; all designs of one training are in the same fold, and the
hyperparameters are fitted anew in each (shared ones flatter by a tenth of the variance). The noise of a box
is what trainings with other seeds differ by. Run with OMP_NUM_THREADS=1.
"""

import math
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from benchmarks.common import Outcome, Row, run_benchmark
from benchmarks.optimizer.table_features import (
    PRICED,
    designs_of,
    features,
    recorded,
    space_without,
    specification,
)

MODEL = Path(__file__).with_name("table_model.npz")
GOAL = "half of the variance of accuracy and spikes explained on trainings left out, AUC of silence 0.85"
OUTPUTS = ("accuracy", "spikes_0", "spikes_1", "silence")
FIT_ROWS, FIT_STEPS, FOLDS = 300, 30, 5
LEAST_SHARE, LEAST_SPIKES = 1e-3, 0.02


@dataclass(frozen=True)
class Rows:
    """What one model learns from: columns (n, d), values (n,), and the training each row is of (n,)."""

    columns: np.ndarray
    values: np.ndarray
    training: np.ndarray


def logit(shares: np.ndarray) -> np.ndarray:
    """Log odds of shares, cut off at ``LEAST_SHARE`` from 0 and 1."""
    kept = np.clip(shares, LEAST_SHARE, 1.0 - LEAST_SHARE)
    return np.asarray(np.log(kept) - np.log1p(-kept))


def tables(trainings: list[dict[str, Any]], tolerated: float) -> dict[str, Rows]:
    """Rows of every model; ``tolerated`` is the share of silent samples at which the constraint is 0."""
    whole, trained = space_without(*PRICED), space_without(*PRICED, "weight_bits")
    known = [(k, design) for k, t in enumerate(trainings) for design in designs_of(t)]
    columns = np.array([features(whole, design.config) for _, design in known])
    owner = np.array([k for k, _ in known])
    found = {"accuracy": Rows(columns, logit(np.array([d.accuracy for _, d in known])), owner)}
    spikes = np.log(np.maximum([d.spikes for _, d in known], LEAST_SPIKES))
    found |= {f"spikes_{layer}": Rows(columns, spikes[:, layer], owner) for layer in (0, 1)}
    judged = [(k, t) for k, t in enumerate(trainings) if t["silence"] is not None]
    shares = np.array([t["silence"] for _, t in judged]) + tolerated
    rows = np.array([features(trained, t["config"]) for _, t in judged])
    return found | {"silence": Rows(rows, logit(shares), np.array([k for k, _ in judged]))}


class Interpolator:
    """A Gaussian process of values (n,) at rows (n, d); ``FIT_ROWS`` of them fit its kernel."""

    def __init__(self, columns: np.ndarray, values: np.ndarray) -> None:
        self.low, self.span = columns.min(axis=0), np.maximum(np.ptp(columns, axis=0), 1e-9)
        self.shift, self.spread = float(values.mean()), float(values.std())
        rows, targets = (columns - self.low) / self.span, (values - self.shift) / self.spread
        chosen = np.random.default_rng(0).permutation(len(rows))[:FIT_ROWS]
        lengths = Matern(np.full(rows.shape[1], 2.0), (0.3, 20.0), nu=1.5)
        kernel = ConstantKernel(1.0, (0.05, 20.0)) * lengths + WhiteKernel(0.1, (1e-4, 2.0))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a lengthscale at its bound is a column that does not matter
            kernel = GaussianProcessRegressor(kernel, optimizer=_search).fit(rows[chosen], targets[chosen])
        self.process = GaussianProcessRegressor(kernel.kernel_, optimizer=None).fit(rows, targets)

    def predict(self, columns: np.ndarray) -> np.ndarray:
        """Means (k,) at rows (k, d)."""
        return np.asarray(
            self.shift + self.spread * self.process.predict((columns - self.low) / self.span),
            dtype=np.float64,
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """What a mean is computed from; see ``table.Model``."""
        scaled = self.process.kernel_.k1
        return {
            "low": self.low,
            "scale": self.span * scaled.k2.length_scale,
            "weights": self.process.alpha_.ravel() * scaled.k1.constant_value * self.spread,
            "shift": np.array(self.shift),
        }


def _search(objective: Callable[..., Any], start: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, float]:
    found = minimize(objective, start, jac=True, bounds=bounds, options={"maxiter": FIT_STEPS})
    return found.x, found.fun


def left_out(rows: Rows) -> np.ndarray:
    """Predictions (n,) of every row by a model that has not seen its training."""
    predicted = np.empty(len(rows.values))
    for seen, unseen in GroupKFold(FOLDS).split(rows.columns, groups=rows.training):
        model = Interpolator(rows.columns[seen], rows.values[seen])
        predicted[unseen] = model.predict(rows.columns[unseen])
    return predicted


def row(name: str, rows: Rows, feasible: np.ndarray, tolerated: float) -> Row:
    """A model's error on what it has not seen; spikes and accuracy of feasible trainings alone."""
    predicted = left_out(rows)
    if name == "silence":
        edge = logit(np.array(tolerated))
        silent = rows.values > edge
        return {
            "output": name,
            "rows": len(silent),
            "silent": float(silent.mean()),
            "AUC": float(roc_auc_score(silent, predicted)),
            "right": float(((predicted > edge) == silent).mean()),
        }
    kept = feasible[rows.training]
    true, guess = rows.values[kept], predicted[kept]
    found = {
        "output": name,
        "rows": len(true),
        "R2": 1.0 - float(((true - guess) ** 2).sum() / ((true - true.mean()) ** 2).sum()),
        "RMSE": float(np.sqrt(((true - guess) ** 2).mean())),
    }
    if name == "accuracy":
        true, guess = 1 / (1 + np.exp(-true)), 1 / (1 + np.exp(-guess))
        found["RMSE of shares"] = float(np.sqrt(((true - guess) ** 2).mean()))
    return found


def seed_noise(trainings: list[dict[str, Any]], tolerated: float) -> dict[str, float]:
    """Standard deviation between trainings that differ in their seed alone, on the models' scales.

    From the median over triples, since few trainings at few bits vary by far more than the others: the
    variance of three normal draws is sigma^2 times half a chi-squared of two degrees, of median ln 2.
    """
    found: dict[str, list[float]] = {name: [] for name in OUTPUTS}
    groups: dict[int, list[dict[str, Any]]] = {}
    for training in trainings:
        groups.setdefault(training.get("repeat_of", training["number"]), []).append(training)
    for members in (group for group in groups.values() if len(group) == 3):
        rows = tables(members, tolerated)
        for name in OUTPUTS:
            widths = rows[name].columns[:, -2] if name != "silence" else np.zeros(len(rows[name].values))
            triples = [rows[name].values[widths == width] for width in np.unique(widths)]
            found[name] += [float(same.var(ddof=1)) for same in triples if len(same) == 3]
    return {k: math.sqrt(float(np.median(v)) / math.log(2)) if v else 0.0 for k, v in found.items()}


def body(quick: bool) -> Outcome:
    """Errors of every model; without ``--quick`` they are conditioned on everything and written."""
    whole, tolerated = recorded(), specification().silence.beta_silent
    trainings = [t for t in whole if "repeat_of" not in t][: 60 if quick else None]
    feasible = np.array([t["silence"] is not None and t["silence"] <= 0 for t in trainings])
    noise, found = seed_noise(whole, tolerated), tables(trainings, tolerated)
    rows = [row(name, known, feasible, tolerated) for name, known in found.items()]
    if not quick:
        models = {name: Interpolator(known.columns, known.values) for name, known in found.items()}
        arrays = {f"{name}_{key}": value for name, m in models.items() for key, value in m.arrays().items()}
        np.savez_compressed(MODEL, noise=np.array([noise[name] for name in OUTPUTS]), **arrays)
    passed = rows[-1]["AUC"] >= 0.85 and all(each["R2"] >= 0.5 for each in rows[:-1])
    states = {s: sum(t["state"] == s for t in trainings) for s in ("complete", "silent", "failed")}
    return rows, passed or quick, {"trainings": len(trainings), "states": states, "noise": noise}


if __name__ == "__main__":
    sys.exit(run_benchmark("optimizer.table", GOAL, body))
