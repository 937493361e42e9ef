"""Exact Gaussian processes over the same rows, one per outcome: predictions by one Cholesky factor each.

Matern-5/2 with one lengthscale per model column and inferred noise (see ``likelihood``); double precision;
one thread.
"""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from hpo.optimizer.likelihood import NOISE_LEAST, fit_one
from hpo.optimizer.problem import FloatArray

# Hyperparameters are fitted on at most this many rows; predictions use all of them.
FIT_ROWS = 200
USUAL_ROWS = 3
# Least noise variance of two-valued targets, of which one means yes and one no.
LABEL_NOISE = 0.1
_JITTERS = (0.0, 1e-6, 1e-4, 1e-2)


@dataclass(frozen=True)
class Hyperparameters:
    """Of m processes: constant ``mean`` (m, 1), ``lengthscale`` (m, 1, d), ``noise`` variance (m, 1, 1)."""

    mean: Tensor
    lengthscale: Tensor
    noise: Tensor


@dataclass(frozen=True)
class Process:
    """m independent Gaussian processes conditioned on the same n rows.

    Attributes:
        rows: (n, d), in the unit cube.
        targets: (m, n), standardised.
        hyper: fitted hyperparameters.
        factor: (m, n, n), lower Cholesky factor of the noisy covariance.
        shift: (m,), added to a prediction after scaling.
        spread: (m,), unit of the standardised targets.
    """

    rows: Tensor
    targets: Tensor
    hyper: Hyperparameters
    factor: Tensor
    shift: Tensor
    spread: Tensor

    def predict(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation (k, m) of the noise-free outcomes at rows (k, d)."""
        mean, variance = self._standardised(torch.as_tensor(rows, dtype=torch.float64))
        centre = (self.shift[:, None] + self.spread[:, None] * mean).T
        return centre.numpy(), (self.spread[:, None] * variance.sqrt()).T.numpy()

    @property
    def noise_spread(self) -> FloatArray:
        """Standard deviation (m,) of the inferred noise, in the outcomes' unit."""
        return (self.spread * self.hyper.noise[:, 0, 0].sqrt()).numpy()

    def believe(self, rows: FloatArray) -> "Process":
        """The same processes told that rows (k, d) came out at their predicted mean (kriging believer)."""
        if len(rows) == 0:
            return self
        added = torch.as_tensor(rows, dtype=torch.float64)
        mean, _ = self._standardised(added)
        return _conditioned(
            replace(self, rows=torch.cat([self.rows, added]), targets=torch.cat([self.targets, mean], 1))
        )

    def _standardised(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance (m, k) in the unit of the standardised targets."""
        cross = matern52(self.rows, rows, self.hyper.lengthscale)
        residual = (self.targets - self.hyper.mean)[..., None]
        both = torch.linalg.solve_triangular(self.factor, torch.cat([residual, cross], dim=2), upper=False)
        white, basis = both[..., :1], both[..., 1:]
        mean = self.hyper.mean + (basis * white).sum(1)
        return mean, (1.0 - basis.square().sum(1)).clamp_min(1e-12)


def matern52(a: Tensor, b: Tensor, lengthscale: Tensor) -> Tensor:
    """Matern-5/2 correlation (m, n, k) of rows a (n, d) and b (k, d) under lengthscales (m, 1, d).

    Rasmussen & Williams, Gaussian Processes for Machine Learning, equation 4.17.
    """
    distance = 5**0.5 * torch.cdist(
        a / lengthscale, b / lengthscale, compute_mode="donot_use_mm_for_euclid_dist"
    )
    return (1.0 + distance + distance.square() / 3.0) * torch.exp(-distance)


def fit(rows: FloatArray, values: FloatArray, usual: FloatArray | None = None) -> Process:
    """Fit m processes to values (n, m) at rows (n, d); n >= 1.

    ``usual`` (m,) is the spread to expect of such values. It counts as ``USUAL_ROWS`` further rows: the
    spread of one or two values says nothing, and a model scaled to it would be sure of what it has never
    seen.
    """
    shift = values.mean(axis=0)
    spread = np.maximum(_spread(values, usual), 1e-9)
    targets = (values - shift) / spread
    chosen = np.linspace(0, len(rows) - 1, min(len(rows), FIT_ROWS)).round().astype(np.int64)
    process = Process(
        torch.as_tensor(rows, dtype=torch.float64),
        torch.as_tensor(np.ascontiguousarray(targets.T)),
        _hyperparameters(rows[chosen], targets[chosen]),
        torch.empty(0),
        torch.as_tensor(shift),
        torch.as_tensor(spread),
    )
    return _conditioned(process)


def _spread(values: FloatArray, usual: FloatArray | None) -> FloatArray:
    """Standard deviations (m,) of values (n, m), pooled with the usual ones."""
    variance = values.var(axis=0)
    if usual is None:
        return np.asarray(np.sqrt(variance))
    count = len(values)
    return np.asarray(np.sqrt((count * variance + USUAL_ROWS * usual**2) / (count + USUAL_ROWS)))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """One thread, no warnings, torch's global random state untouched."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_num_threads(threads)


def _conditioned(process: Process) -> Process:
    """Process with the factor of its own rows; a little more noise where the covariance is too flat."""
    covariance = matern52(process.rows, process.rows, process.hyper.lengthscale)
    eye = torch.eye(len(process.rows), dtype=torch.float64)
    for jitter in _JITTERS:
        factor, info = torch.linalg.cholesky_ex(covariance + (process.hyper.noise + jitter) * eye)
        if not info.any():
            break
    return replace(process, factor=factor)


def _hyperparameters(rows: FloatArray, targets: FloatArray) -> Hyperparameters:
    """Hyperparameters of each of m processes for targets (n, m)."""
    fitted = [fit_one(rows, column, _noise_least(column)) for column in targets.T]
    return Hyperparameters(
        torch.tensor([[one.mean] for one in fitted], dtype=torch.float64),
        torch.as_tensor(np.stack([one.lengthscale[None] for one in fitted])),
        torch.tensor([[[one.noise]] for one in fitted], dtype=torch.float64),
    )


def _noise_least(targets: FloatArray) -> float:
    """Labels of two kinds do not say how close to the border a row is: a model must not follow each."""
    return LABEL_NOISE if len(np.unique(targets)) == 2 < len(targets) else NOISE_LEAST
