"""What the models say of a configuration before it is tried, for its outcome to be held against."""

from typing import Any

import numpy as np

from hpo.optimizer.beliefs import Beliefs
from hpo.optimizer.improvement import Front, antithetic, designs
from hpo.optimizer.problem import FloatArray, Problem

DRAWS = 512
QUANTILES = {"low": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "high": 0.95}
"""Names of the quantiles that are kept of a prediction."""


def forecast(problem: Problem, beliefs: Beliefs, front: Front | None, row: FloatArray) -> dict[str, Any]:
    """Prediction for the one row (1, d) of model columns: "design", "predicted" and "gain".

    ``design`` is the place, among the designs of ``problem.compose``, of the one that is expected to improve
    most, and ``predicted`` holds per objective its mean and ``QUANTILES`` as they would be measured, noise
    included. ``gain`` is the hypervolume that the trial is expected to add, feasibility weighed; None without
    a front.
    """
    if beliefs.outcomes is None:
        return {"design": None, "predicted": {}, "gain": None}
    # Its own draws: how a prediction is told must not change what is proposed.
    normals = antithetic(np.random.default_rng([problem.seed, 3]), DRAWS, len(problem.learned))
    values, kept = designs(problem, beliefs, row, normals)
    gains = np.where(kept, front.improvement(values), 0.0) if front else kept.astype(np.float64)
    best = int(gains.mean(axis=0).argmax(axis=1)[0])
    odds = float(np.exp(beliefs.log_feasible(row)[0]))
    return {
        "design": best,
        "predicted": _predicted(problem, beliefs, row, normals, best),
        "gain": float(gains.max(axis=2).mean() * odds) if front else None,
    }


def _predicted(
    problem: Problem, beliefs: Beliefs, row: FloatArray, normals: FloatArray, design: int
) -> dict[str, dict[str, float]]:
    config = problem.space.from_unit(row[0])
    measures = problem.measure([config], measured(beliefs, row, normals))
    drawn = {o.name: np.asarray(measures[o.name])[:, 0, design] for o in problem.objectives}
    return {name: _summary(values[np.isfinite(values)]) for name, values in drawn.items()}


def measured(beliefs: Beliefs, rows: FloatArray, normals: FloatArray) -> FloatArray:
    """Outcomes (S, K, outcomes), natural units, as they would be measured at rows (K, d): noise included."""
    assert beliefs.outcomes is not None  # noqa: S101 - callers ask only when there are outcome models
    mean, deviation = beliefs.outcomes.predict(rows)
    whole = np.hypot(deviation, beliefs.outcomes.noise_spread)
    drawn = mean[None] + normals[:, None, :] * whole[None]
    return np.stack([scale.back(drawn[..., k]) for k, scale in enumerate(beliefs.scales)], axis=-1)


def _summary(values: FloatArray) -> dict[str, float]:
    if len(values) == 0:
        return {}
    found = np.quantile(values, list(QUANTILES.values()))
    return {"mean": float(values.mean()), **dict(zip(QUANTILES, found.tolist(), strict=True))}
