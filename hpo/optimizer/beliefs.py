"""What finished trials teach: models of the outcomes, and of the constraints.

Objectives of silent and failed trials are unknown, so only complete trials enter the outcome models, and
pruned ones with the outcomes that were foretold of them.
Constraints are learned from every trial that has them. A failed trial counts as the largest violation seen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from hpo.optimizer import gp
from hpo.optimizer.problem import FloatArray, Observation, Problem
from hpo.optimizer.scales import Scale, centred, likeliest, signed, stated


@dataclass(frozen=True)
class Beliefs:
    """Models after some history; None where there is nothing to learn from yet."""

    scales: tuple[Scale, ...]
    outcomes: gp.Process | None
    constraints: gp.Process | None

    def sample(self, rows: FloatArray, normals: FloatArray) -> FloatArray:
        """Outcomes (S, K, outcomes) in natural units at rows (K, d) for standard normals (S, outcomes)."""
        assert self.outcomes is not None  # noqa: S101 - callers ask only when there are outcome models
        mean, deviation = self.outcomes.predict(rows)
        drawn = mean[None] + normals[:, None, :] * deviation[None]
        return np.stack([scale.back(drawn[..., k]) for k, scale in enumerate(self.scales)], axis=-1)

    def log_feasible(self, rows: FloatArray) -> FloatArray:
        """Log probability (K,) that every constraint is measured to hold at rows (K, d).

        Constraints are taken as independent. Noise counts, since the measured value decides.
        """
        if self.constraints is None:
            return np.zeros(len(rows))
        mean, deviation = self.constraints.predict(rows)
        deviation = np.hypot(deviation, self.constraints.noise_spread)
        logs = torch.special.log_ndtr(torch.as_tensor(-mean / deviation))
        return np.asarray(logs.sum(dim=1).numpy())

    def believe(self, rows: FloatArray) -> "Beliefs":
        """The same models told that running trials at rows (k, d) come out as predicted."""
        outcomes = self.outcomes.believe(rows) if self.outcomes else None
        return Beliefs(self.scales, outcomes, self.constraints.believe(rows) if self.constraints else None)


def learn(problem: Problem, history: Sequence[Observation]) -> Beliefs:
    """Fit models to finished trials."""
    return Beliefs(*_outcome_models(problem, history), _constraint_models(problem, history))


def _outcome_models(
    problem: Problem, history: Sequence[Observation]
) -> tuple[tuple[Scale, ...], gp.Process | None]:
    """Scales of the outcomes, and models on them."""
    names = [outcome.name for outcome in problem.learned]
    known = [(o, [o.outcomes.get(n, math.nan) for n in names]) for o in history if o.outcomes is not None]
    known = [(o, row) for o, row in known if all(math.isfinite(value) for value in row)]
    if not known:
        return (), None
    rows = np.stack([problem.space.to_unit(o.config) for o, _ in known])
    table = np.array([row for _, row in known], dtype=np.float64)
    scales = tuple(
        stated(column, outcome.transform)
        if outcome.transform != "identity"
        else likeliest(rows, column, centred(column))
        for column, outcome in zip(table.T, problem.learned, strict=True)
    )
    scaled = np.stack([scale.to_model(table[:, k]) for k, scale in enumerate(scales)], axis=1)
    # One unit of a logarithm or logit is the spread to expect; elsewhere it is what was measured.
    usual = [scaled[:, k].std() if s.transform == "identity" else 1.0 for k, s in enumerate(scales)]
    return scales, gp.fit(rows, scaled, np.array(usual))


def _constraint_models(problem: Problem, history: Sequence[Observation]) -> gp.Process | None:
    known = constraint_table(problem, history)
    if not known:
        return None
    rows = np.stack([problem.space.to_unit(o.config) for o, _ in known])
    table = np.array([values for _, values in known], dtype=np.float64)
    return gp.fit(
        rows,
        np.stack([likeliest(rows, column, signed(column)).to_model(column) for column in table.T], axis=1),
    )


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
