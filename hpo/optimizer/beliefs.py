"""What finished trials teach: models of the outcomes, and of the constraints.

Objectives of silent, failed and pruned trials are unknown, so only complete trials enter the outcome models.
Constraints are learned from every trial that has them. A failed trial counts as the largest violation seen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from hpo.optimizer import gp
from hpo.optimizer.problem import FloatArray, Observation, Problem

# Shares closer to 0 or 1 than this are noise of a finite validation set.
SHARE_LEAST = 1e-3
Transform = Literal["identity", "log", "logit"]


@dataclass(frozen=True)
class Beliefs:
    """Models after some history; None where there is nothing to learn from yet."""

    transforms: tuple[Transform, ...]
    outcomes: gp.Process | None
    constraints: gp.Process | None

    def sample(self, rows: FloatArray, normals: FloatArray) -> FloatArray:
        """Outcomes (S, K, outcomes) in natural units at rows (K, d) for standard normals (S, outcomes)."""
        assert self.outcomes is not None  # noqa: S101 - callers ask only when there are outcome models
        mean, deviation = self.outcomes.predict(rows)
        drawn = mean[None] + normals[:, None, :] * deviation[None]
        return np.stack([from_model(drawn[..., k], t) for k, t in enumerate(self.transforms)], axis=-1)

    def log_feasible(self, rows: FloatArray) -> FloatArray:
        """Log probability (K,) that every constraint holds at rows (K, d); constraints are independent."""
        if self.constraints is None:
            return np.zeros(len(rows))
        mean, deviation = self.constraints.predict(rows)
        logs = torch.special.log_ndtr(torch.as_tensor(-mean / deviation))
        return np.asarray(logs.sum(dim=1).numpy())

    def believe(self, rows: FloatArray) -> "Beliefs":
        """The same models told that running trials at rows (k, d) come out as predicted."""
        outcomes = self.outcomes.believe(rows) if self.outcomes else None
        return Beliefs(
            self.transforms, outcomes, self.constraints.believe(rows) if self.constraints else None
        )


def learn(problem: Problem, history: Sequence[Observation]) -> Beliefs:
    """Fit models to finished trials."""
    transforms = tuple(outcome.transform for outcome in problem.learned)
    return Beliefs(transforms, _outcome_models(problem, history), _constraint_models(problem, history))


def to_model(values: FloatArray, transform: Transform) -> FloatArray:
    """Values in natural units on the scale that a model learns.

    A logarithm has a floor at a tenth of the smallest positive value, so that a single zero is no outlier.
    """
    if transform == "logit":
        shares = np.clip(values, SHARE_LEAST, 1.0 - SHARE_LEAST)
        return np.asarray(np.log(shares) - np.log1p(-shares))
    if transform == "log":
        positive = values[values > 0]
        return np.log(np.maximum(values, 0.1 * positive.min() if len(positive) else 1.0))
    return values


def from_model(values: FloatArray, transform: Transform) -> FloatArray:
    """Inverse of ``to_model``."""
    if transform == "logit":
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)))
    return np.exp(np.clip(values, -600.0, 600.0)) if transform == "log" else values


def squash(values: FloatArray) -> FloatArray:
    """Constraint values (n, c) on the scale that a model learns; signs stay, extremes shrink.

    Bilog (SCBO: Eriksson & Poloczek, AISTATS 2021) of values in units of the median magnitude on their own
    side of zero, so that slightly feasible and grossly infeasible trials are equally clear to the model.
    """
    scaled = np.empty_like(values)
    for column, constraint in enumerate(values.T):
        for side in (constraint > 0, constraint < 0):
            scaled[side, column] = (
                constraint[side] / np.median(np.abs(constraint[side])) if side.any() else 0.0
            )
        scaled[constraint == 0, column] = 0.0
    return np.asarray(np.sign(scaled) * np.log1p(np.abs(scaled)))


def _outcome_models(problem: Problem, history: Sequence[Observation]) -> gp.Process | None:
    names = [outcome.name for outcome in problem.learned]
    known = [(o, [o.outcomes.get(n, math.nan) for n in names]) for o in history if o.outcomes is not None]
    known = [(o, row) for o, row in known if all(math.isfinite(value) for value in row)]
    if not known:
        return None
    rows = np.stack([problem.space.to_unit(o.config) for o, _ in known])
    table = np.array([row for _, row in known], dtype=np.float64)
    scaled = np.stack(
        [to_model(table[:, k], outcome.transform) for k, outcome in enumerate(problem.learned)], axis=1
    )
    usual = [_usual_spread(scaled[:, k], outcome.transform) for k, outcome in enumerate(problem.learned)]
    return gp.fit(rows, scaled, np.array(usual))


def _usual_spread(scaled: FloatArray, transform: Transform) -> float:
    """The spread to expect on a model's scale: one unit of a logarithm or logit; else what was measured."""
    return float(scaled.std()) if transform == "identity" else 1.0


def _constraint_models(problem: Problem, history: Sequence[Observation]) -> gp.Process | None:
    known = constraint_table(problem, history)
    if not known:
        return None
    rows = np.stack([problem.space.to_unit(o.config) for o, _ in known])
    return gp.fit(rows, squash(np.array([values for _, values in known], dtype=np.float64)))


def constraint_table(
    problem: Problem, history: Sequence[Observation]
) -> list[tuple[Observation, list[float]]]:
    """Constraint values of every trial that has them.

    A problem without constraints gets one, -1 for complete and 1 otherwise, once a trial did not complete.
    """
    if not problem.constraints:
        ended = [o for o in history if o.status != "pruned"]
        spoilt = any(o.status != "complete" for o in ended)
        return [(o, [-1.0 if o.status == "complete" else 1.0]) for o in ended] if spoilt else []
    measured = {o.index: [o.constraints.get(n, math.nan) for n in problem.constraints] for o in history}
    known = [row for row in measured.values() if all(math.isfinite(value) for value in row)]
    worst = [
        max([row[k] for row in known if row[k] > 0], default=1.0) for k in range(len(problem.constraints))
    ]
    rows = [(o, worst if o.status == "failed" else measured[o.index]) for o in history]
    return [(o, row) for o, row in rows if all(math.isfinite(value) for value in row)]
