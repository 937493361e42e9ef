"""Exact Gaussian processes: hyperparameters by BoTorch, predictions by one Cholesky factor.

Matern-5/2 with one lengthscale per model column, BoTorch's dimension-scaled log-normal lengthscale priors
(Hvarfner, Hellsten, Nardi: Vanilla Bayesian optimization performs great in high dimensions, ICML 2024) and
inferred noise; double precision; one thread. Several outcomes over the same rows are fitted as one batch.
"""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hpo.optimizer.problem import FloatArray

# Hyperparameters are fitted on at most this many rows; predictions use all of them.
FIT_ROWS = 200
FIT_STEPS = 60
USUAL_ROWS = 3
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
    seen. Where fitting fails, the hyperparameters stay at their priors' modes.
    """
    table = torch.as_tensor(rows, dtype=torch.float64)
    shift = torch.as_tensor(values.mean(axis=0), dtype=torch.float64)
    spread = torch.as_tensor(np.maximum(_spread(values, usual), 1e-9), dtype=torch.float64)
    targets = ((torch.as_tensor(values, dtype=torch.float64) - shift) / spread).T.contiguous()
    chosen = torch.linspace(0, len(table) - 1, min(len(table), FIT_ROWS), dtype=torch.float64).round().long()
    hyper = _hyperparameters(table[chosen], targets[:, chosen])
    return _conditioned(Process(table, targets, hyper, torch.empty(0), shift, spread))


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


def _hyperparameters(rows: Tensor, targets: Tensor) -> Hyperparameters:
    model, mll = _botorch_model(rows, targets)
    start = {name: value.clone() for name, value in model.state_dict().items()}
    if len(rows) > 1:
        try:
            _maximise(mll)
        except Exception:  # a campaign must outlive any failure of the numerics; the priors are a safe answer
            model.load_state_dict(start)
        if not all(bool(torch.isfinite(p).all()) for p in model.parameters()):
            model.load_state_dict(start)
    m, d = targets.shape[0], rows.shape[1]
    return Hyperparameters(
        model.mean_module.constant.detach().reshape(m, 1).clone(),
        model.covar_module.lengthscale.detach().reshape(m, 1, d).clone(),
        model.likelihood.noise.detach().reshape(m, 1, 1).clone(),
    )


def _botorch_model(rows: Tensor, targets: Tensor) -> tuple[Any, Any]:
    from botorch.models import SingleTaskGP
    from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
    from gpytorch.mlls import ExactMarginalLogLikelihood

    batch = torch.Size([targets.shape[0]]) if targets.shape[0] > 1 else torch.Size()
    kernel = get_covar_module_with_dim_scaled_prior(rows.shape[1], batch, use_rbf_kernel=False)
    model = SingleTaskGP(rows, targets.T, covar_module=kernel, outcome_transform=None)
    return model, ExactMarginalLogLikelihood(model.likelihood, model)


def _maximise(mll: Any) -> None:
    """One run of L-BFGS from the priors' modes: no random restarts, so that a fit can be replayed."""
    from botorch.optim.fit import fit_gpytorch_mll_scipy

    mll.train()
    fit_gpytorch_mll_scipy(mll, options={"maxiter": FIT_STEPS})
    mll.eval()
