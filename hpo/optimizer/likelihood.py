"""Hyperparameters of one Gaussian process: maximum a posteriori, with the gradient in closed form.

Matern-5/2 of unit variance with one lengthscale per model column, dimension-scaled log-normal priors on
lengthscales (Hvarfner, Hellsten, Nardi: Vanilla Bayesian optimization performs great in high dimensions,
ICML 2024), inferred noise with BoTorch's log-normal prior, and a constant mean. The mean is profiled out: at
the optimum it is the generalised least-squares one. Priors are densities of the lengthscale and of the noise
variance themselves, as in BoTorch, whose optimum this is.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.optimize import minimize

FloatArray = NDArray[np.float64]

STEPS = 60
LENGTH_LEAST, LENGTH_MOST = 0.025, 1e3
NOISE_LEAST, NOISE_MOST = 1e-4, 10.0
_LENGTH_SPREAD = 3**0.5
_NOISE_LOCATION, _NOISE_SPREAD = -4.0, 1.0
_IMPOSSIBLE = 1e10


@dataclass(frozen=True)
class Fitted:
    """One process: constant ``mean``, ``lengthscale`` (d,), ``noise`` variance, and how likely that is."""

    mean: float
    lengthscale: FloatArray
    noise: float
    log_posterior: float


def fit_one(rows: FloatArray, targets: FloatArray, noise_least: float = NOISE_LEAST) -> Fitted:
    """Most likely hyperparameters for standardised targets (n,) at rows (n, d), the noise at least so loud.

    One run of L-BFGS from the priors' modes, no random restarts, so that a fit can be replayed; where it
    fails the modes are the answer.
    """
    posterior = _Posterior(rows, targets)
    start = posterior.modes()
    bounds = [(math.log(LENGTH_LEAST), math.log(LENGTH_MOST))] * rows.shape[1]
    bounds.append((math.log(noise_least), math.log(NOISE_MOST)))
    start[-1] = max(start[-1], math.log(noise_least))
    found = minimize(posterior, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS})
    best = found.x if np.isfinite(found.x).all() and found.fun < _IMPOSSIBLE else start
    value = -posterior(best)[0] * len(targets)
    return Fitted(posterior.mean(best), np.exp(best[:-1]), float(np.exp(best[-1])), value)


@dataclass(frozen=True)
class _Parts:
    """Scaled rows (n, d), slope (n, n) of the covariance by minus half the squared distance of scaled rows,
    inverse (n, n), the mean, weights (n,) and the log determinant.
    """

    scaled: FloatArray
    slope: FloatArray
    inverse: FloatArray
    mean: float
    weights: FloatArray
    log_det: float


class _Posterior:
    """Negative log posterior per row, and its gradient, in logarithms of lengthscales and noise."""

    def __init__(self, rows: FloatArray, targets: FloatArray) -> None:
        self.rows, self.targets = rows, targets
        self.location = 2**0.5 + 0.5 * math.log(rows.shape[1])

    def modes(self) -> FloatArray:
        """Logarithms of the priors' modes, ``exp(location - spread**2)``."""
        lengths = np.full(self.rows.shape[1], self.location - _LENGTH_SPREAD**2)
        return np.append(np.maximum(lengths, math.log(LENGTH_LEAST)), _NOISE_LOCATION - _NOISE_SPREAD**2)

    def mean(self, theta: FloatArray) -> float:
        """Generalised least-squares mean."""
        parts = self._parts(theta)
        return float(self.targets.mean()) if parts is None else parts.mean

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        parts = self._parts(theta)
        if parts is None:
            return _IMPOSSIBLE, np.zeros_like(theta)
        scaled, weights = parts.scaled, parts.weights
        count, noise = len(scaled), math.exp(theta[-1])
        residual_term = float(weights @ (self.targets - parts.mean))
        gap = np.outer(weights, weights) - parts.inverse
        pull = gap * parts.slope
        # the sum over pairs of pull times squared difference, for every column at once
        reach = 2.0 * ((scaled**2).T @ pull.sum(1) - np.einsum("ij,ij->j", scaled, pull @ scaled))
        gradient = np.append(0.5 * reach, 0.5 * noise * np.trace(gap))
        prior, prior_gradient = self._prior(theta)
        value = -0.5 * (residual_term + parts.log_det + count * math.log(2 * math.pi)) + prior
        return -value / count, -(gradient + prior_gradient) / count

    def _prior(self, theta: FloatArray) -> tuple[float, FloatArray]:
        away = (theta[:-1] - self.location) / _LENGTH_SPREAD
        loud = (theta[-1] - _NOISE_LOCATION) / _NOISE_SPREAD
        value = -float(theta.sum() + 0.5 * (away @ away) + 0.5 * loud**2)
        return value, -1.0 - np.append(away / _LENGTH_SPREAD, loud / _NOISE_SPREAD)

    def _parts(self, theta: FloatArray) -> _Parts | None:
        """What value and gradient share; None where the covariance is not positive definite."""
        scaled = self.rows / np.exp(theta[:-1])
        norms = np.einsum("ij,ij->i", scaled, scaled)
        squares = np.maximum(norms[:, None] + norms[None] - 2.0 * (scaled @ scaled.T), 0.0)
        distance = np.sqrt(5.0 * squares)
        decay = np.exp(-distance)
        slope = (5.0 / 3.0) * (1.0 + distance) * decay
        covariance = (1.0 + distance + distance**2 / 3.0) * decay
        covariance[np.diag_indices_from(covariance)] = 1.0 + math.exp(theta[-1])
        factor, info = lapack.dpotrf(covariance, lower=1, overwrite_a=1)
        if info:
            return None
        log_det = 2.0 * float(np.log(np.diag(factor)).sum())
        inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        ones = inverse.sum(1)
        mean = float(ones @ self.targets / ones.sum())
        return _Parts(scaled, slope, inverse, mean, inverse @ (self.targets - mean), log_det)
