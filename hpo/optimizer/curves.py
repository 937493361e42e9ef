"""Where a training will end, foretold from its first epochs and from how finished ones went on from there.

Bayesian linear regression of several outputs with its conjugate prior (matrix normal, inverse Wishart; Box
and Tiao, Bayesian Inference in Statistical Analysis, 1973, chapter 8): ends of finished trainings on where
they stood after the same share of their epochs. The prior says that a training ends where it stands. What is
foretold is a multivariate Student t, wide while few trainings have finished; it is exact, has nothing to tune
and costs under a millisecond, so that it can be asked after every epoch.
"""

from dataclasses import dataclass

import numpy as np

from hpo.optimizer.problem import FloatArray

PRIOR_SPREAD = 1.0
"""Standard deviation to expect between where a training stands and where it ends, in logarithms or logits."""
PRIOR_WEIGHT = 5.0
"""Finished trainings that the prior on the coefficients weighs, where they stood one unit apart."""


@dataclass(frozen=True)
class Foretold:
    """A multivariate Student t: ``mean`` (k,), lower ``root`` (k, k) of its scale matrix, ``freedom``."""

    mean: FloatArray
    root: FloatArray
    freedom: float

    def draw(self, rng: np.random.Generator, count: int) -> FloatArray:
        """Draws (count, k)."""
        normals = rng.standard_normal((count, len(self.mean))) @ self.root.T
        shrunk = np.sqrt(self.freedom / rng.chisquare(self.freedom, count))
        return np.asarray(self.mean + normals * shrunk[:, None])

    @property
    def variance(self) -> FloatArray:
        """Variances (k,)."""
        return np.asarray((self.root**2).sum(axis=1) * self.freedom / (self.freedom - 2.0))


def foretell(stood: FloatArray, ended: FloatArray, stands: FloatArray) -> Foretold:
    """Where a training that stands at ``stands`` (k,) will end.

    Args:
        stood: (n, k), where finished trainings stood after the same share of their epochs; n may be 0.
        ended: (n, k), where they ended.
        stands: the same quantities of the training, all on the scale on which steps are alike.
    """
    count, outputs = ended.shape
    middle = stood.mean(axis=0) if count else stands
    rows = np.column_stack([np.ones(count), stood - middle])
    row = np.concatenate([[1.0], stands - middle])
    gains = ended - stood  # so that the prior's mean is zero, but for the move of the middle
    prior = PRIOR_WEIGHT * np.eye(outputs + 1)
    precision = rows.T @ rows + prior
    weights = np.linalg.solve(precision, rows.T @ gains)
    left = gains - rows @ weights
    scatter = PRIOR_SPREAD**2 * np.eye(outputs) + left.T @ left + weights.T @ prior @ weights
    freedom = count + 3.0  # the prior's degrees are k + 2, for which its mean is PRIOR_SPREAD squared
    widening = 1.0 + row @ np.linalg.solve(precision, row)
    return Foretold(stands + row @ weights, np.linalg.cholesky(scatter * widening / freedom), freedom)
