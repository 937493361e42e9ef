"""Expected hypervolume improvement times the probability of being feasible, in logarithms."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hpo.optimizer.beliefs import Beliefs
from hpo.optimizer.problem import FloatArray, Problem
from hpo.pareto import non_dominated

# Cells x points looked at in one go: bounds memory to some tens of megabytes.
_CHUNK = 1_000_000
# Score of a candidate that no sample sees improving; such candidates rank by how far they fall short.
_NOTHING = -700.0
# Exponent on the probability of feasibility while there is a front.
CAUTION = 2.0


@dataclass(frozen=True)
class Front:
    """The measured front and the exact box decomposition of what lies beyond it.

    Attributes:
        values: (n, m), non-dominated, to minimise, better than the reference; may be empty.
        reference: (m,), to minimise.
        lower, upper: (cells, m), corners of disjoint boxes, to maximise (BoTorch's convention).
    """

    values: FloatArray
    reference: FloatArray
    lower: Tensor
    upper: Tensor

    @classmethod
    def of(cls, values: FloatArray, reference: FloatArray) -> "Front":
        """Front of values (n, m), to minimise."""
        inside = values[np.all(values < reference, axis=1)]
        front = np.unique(inside[non_dominated(inside)], axis=0)
        return cls(front, reference, *_boxes(front, reference))

    def improvement(self, values: FloatArray) -> FloatArray:
        """Hypervolume (...) that each single point of values (..., m), to minimise, would add."""
        flat = -torch.as_tensor(values.reshape(-1, values.shape[-1]))
        gains = torch.zeros(len(flat), dtype=torch.float64)
        chosen = torch.nonzero((flat > torch.as_tensor(-self.reference)).all(dim=1))[:, 0]
        for part in torch.split(chosen, max(1, _CHUNK // len(self.lower))):
            sides = torch.minimum(flat[part, None, 0], self.upper[:, 0]).sub_(self.lower[:, 0]).clamp_min_(0)
            for k in range(1, flat.shape[1]):
                side = torch.minimum(flat[part, None, k], self.upper[:, k])
                sides.mul_(side.sub_(self.lower[:, k]).clamp_min_(0))
            gains[part] = sides.sum(dim=1)
        return np.asarray(gains.numpy().reshape(values.shape[:-1]))

    def shortfall(self, values: FloatArray) -> FloatArray:
        """By how much each point of values (..., m) misses improving: 0 on the front, growing behind it."""
        behind = (values - self.reference).max(axis=-1)
        for point in self.values:
            behind = np.maximum(behind, (values - point).min(axis=-1))
        return np.asarray(np.maximum(behind, 0.0))


def score(
    problem: Problem, beliefs: Beliefs, front: Front | None, rows: FloatArray, normals: FloatArray
) -> FloatArray:
    """Log (K,) of expected improvement times probability of feasibility at rows (K, d).

    Without a front (nothing feasible yet) it is the log probability of feasibility alone, limits included.

    Args:
        problem: whose ``compose`` turns outcomes into measures.
        beliefs: models.
        front: measured front, running trials' predicted points included.
        rows: candidates in model columns.
        normals: (S, outcomes) standard normal draws, shared by all candidates.
    """
    feasible = beliefs.log_feasible(rows)
    if beliefs.outcomes is None or (front is None and not problem.limits):
        return feasible
    values, kept = designs(problem, beliefs, rows, normals)
    if front is None:
        odds = (kept.any(axis=2).sum(axis=0) + 0.5) / (len(normals) + 1.0)
        return np.asarray(feasible + np.log(odds))
    gains = np.where(kept, front.improvement(values), 0.0)
    expected = gains.max(axis=2).mean(axis=0)
    logs = np.log(np.maximum(expected, 1e-300))
    nil = np.flatnonzero(expected <= 0)
    # Two draws of opposite sign are enough to rank what none of them improves.
    misses = np.where(kept[:2, nil], front.shortfall(values[:2, nil]), np.inf).min(axis=(0, 2), initial=1e3)
    logs[nil] = _NOTHING - misses
    return np.asarray(CAUTION * feasible + np.maximum(logs, _NOTHING - 1e3))


def designs(
    problem: Problem, beliefs: Beliefs, rows: FloatArray, normals: FloatArray
) -> tuple[FloatArray, np.ndarray]:
    """Sampled objectives (S, K, D, m), to minimise, and which designs (S, K, D) keep the limits."""
    configs = [problem.space.from_unit(row) for row in rows]
    measures = problem.measure(configs, beliefs.sample(rows, normals))
    kept = problem.kept(measures)
    values = np.stack([o.to_minimise(np.asarray(measures[o.name])) for o in problem.objectives], axis=-1)
    return np.where(kept[..., None], values, np.inf), kept


def predicted_points(problem: Problem, beliefs: Beliefs, rows: FloatArray) -> FloatArray:
    """Objectives (n, m), to minimise, of the designs that rows (k, d) most likely become."""
    empty = np.empty((0, len(problem.objectives)))
    likely = rows[beliefs.log_feasible(rows) > np.log(0.5)] if len(rows) else rows
    if len(likely) == 0 or beliefs.outcomes is None:
        return empty
    values, kept = designs(problem, beliefs, likely, np.zeros((1, len(problem.learned))))
    return np.asarray(values[kept])


def antithetic(rng: np.random.Generator, count: int, width: int) -> FloatArray:
    """Standard normals (count, width) in pairs of opposite sign; count is even."""
    half = rng.standard_normal((count // 2, width))
    return np.concatenate([half, -half])


def _boxes(front: FloatArray, reference: FloatArray) -> tuple[Tensor, Tensor]:
    from botorch.utils.multi_objective.box_decompositions.non_dominated import FastNondominatedPartitioning

    corner = -torch.as_tensor(reference, dtype=torch.float64)
    if len(front) == 0 or front.shape[1] == 1:
        best = -torch.as_tensor(front.min(axis=0) if len(front) else reference, dtype=torch.float64)
        return best[None], torch.full_like(best[None], torch.inf)
    bounds = FastNondominatedPartitioning(corner, -torch.as_tensor(front)).get_hypercell_bounds()
    return bounds[0], bounds[1]
