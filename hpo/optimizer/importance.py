"""Which variables matter: Sobol indices of what the models have learned.

For a model's mean f over the sampling cube u (every variable's share independent and uniform), the
first-order index of variable i is Var(E[f | u_i]) / Var(f), what it explains alone, and the total index is
E[Var(f | all but u_i)] / Var(f), what is lost without it (Sobol 2001). Estimated from two sample matrices and
their mixtures: first order by Saltelli et al. (Computer Physics Communications 181, 2010, table 2, line b),
total by Jansen (1999; line f of the same table).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from hpo.optimizer import gp
from hpo.optimizer.beliefs import learn
from hpo.optimizer.candidates import sobol
from hpo.optimizer.problem import FloatArray, Observation, Problem

SAMPLES = 1024
# Rows of which a model is asked at once: bounds memory.
_CHUNK = 4096

Function = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Indices:
    """First-order and total index (d, m) of each of d variables on each of m outputs; NaN of a constant."""

    first: FloatArray
    total: FloatArray


@dataclass(frozen=True)
class Importance:
    """What matters for some measures, by a model of them.

    Attributes:
        names: of the measures.
        indices: per variable (rows) and measure (columns).
        explained: (m,), share of the measured variance that the models predict of trials left out.
        trials: how many the models learned from.
    """

    names: tuple[str, ...]
    indices: Indices
    explained: FloatArray
    trials: int


def sobol_indices(function: Function, variables: int, seed: int = 0, samples: int = SAMPLES) -> Indices:
    """Indices of a function of points (n, variables) in the unit cube, which gives values (n, m).

    Costs ``samples * (variables + 2)`` values. Estimates are not clipped: a small negative one is zero.
    """
    table = sobol(2 * variables, samples, seed)
    a, b = table[:, :variables], table[:, variables:]
    of_a, of_b = function(a), function(b)
    centre = np.concatenate([of_a, of_b]).mean(axis=0)  # only rounding would notice, but it would
    of_a, of_b = of_a - centre, of_b - centre
    variance = np.concatenate([of_a, of_b]).var(axis=0)
    first, total = np.empty((variables, of_a.shape[1])), np.empty((variables, of_a.shape[1]))
    for k in range(variables):
        mixed = a.copy()
        mixed[:, k] = b[:, k]
        of_mixed = function(mixed) - centre
        first[k] = (of_b * (of_mixed - of_a)).mean(axis=0)
        total[k] = 0.5 * np.square(of_a - of_mixed).mean(axis=0)
    flat = variance <= 1e-12 * np.maximum(np.square(centre), 1e-12)
    scale = np.where(flat, np.nan, variance)
    return Indices(first / scale, total / scale)


def importance(problem: Problem, history: Sequence[Observation]) -> list[Importance]:
    """Importance for the learned outcomes, then for the constraints; without either where none is learned.

    On the scales that the models learn: logits of shares, logarithms of costs, squashed constraints.
    """
    with gp.quiet():
        beliefs = learn(problem, sorted(history, key=lambda o: o.index))
        outcomes = tuple(outcome.name for outcome in problem.learned)
        constraints = problem.constraints or ("completion",)
        found = [(outcomes, beliefs.outcomes), (constraints, beliefs.constraints)]
        return [_of(problem, names, process) for names, process in found if process is not None]


def _of(problem: Problem, names: tuple[str, ...], process: gp.Process) -> Importance:
    space = problem.space

    def mean(shares: FloatArray) -> FloatArray:
        rows = space.spread(shares)
        return np.concatenate([process.predict(rows[k : k + _CHUNK])[0] for k in range(0, len(rows), _CHUNK)])

    indices = sobol_indices(mean, space.cube_dimension, problem.seed)
    return Importance(names, indices, explained(process), len(process.rows))


def explained(process: gp.Process) -> FloatArray:
    """Share (m,) of the variance of what was measured that is predicted for each trial from all others.

    Leave-one-out residuals in closed form: Rasmussen & Williams, Gaussian Processes for Machine Learning,
    equation 5.12. One or less; below zero the models predict worse than the mean does.
    """
    inverse = torch.cholesky_inverse(process.factor)
    weights = inverse @ (process.targets - process.hyper.mean)[..., None]
    residual = weights[..., 0] / inverse.diagonal(dim1=-2, dim2=-1)
    spread = process.targets - process.targets.mean(dim=1, keepdim=True)
    share = 1.0 - residual.square().sum(dim=1) / spread.square().sum(dim=1).clamp_min(1e-12)
    return np.asarray(share.numpy())
