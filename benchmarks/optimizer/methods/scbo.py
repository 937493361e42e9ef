"""SCBO as arXiv 2403.00450 ran it on spiking networks: one objective, constraints, Thompson sampling.

After the authors' published code: SingleTaskGPs (Matern-5/2, lengthscales in 0.005..4, noise in 1e-8..1e-3)
on standardised values without copula or bilog; one trust region (side 0.8, 0.5^7..1.6; success tolerance 3,
failure tolerance ceil(max(4/b, d/b))) centred on the best objective whether feasible or not; sides weighted
by lengthscales; min(5000, max(2000, 200 d)) Sobol candidates, min(20/d, 1) of the variables moved; batches
of b, queued, refilled when one is left, running trials unknown to the model; restarts draw a new random start
and keep all data. Silent networks were evaluated too: their accuracy is told as chance. Batch, start and
queue are scaled to four workers: b = 4, a start as long as ours.
"""

import math
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from botorch.fit import fit_gpytorch_mll
from botorch.generation.sampling import ConstrainedMaxPosteriorSampling
from botorch.models import ModelListGP, SingleTaskGP
from botorch.models.transforms import Standardize
from gpytorch.constraints import Interval
from gpytorch.kernels import MaternKernel, ScaleKernel
from gpytorch.likelihoods import GaussianLikelihood
from gpytorch.mlls import ExactMarginalLogLikelihood

from benchmarks.optimizer.methods.protocol import Finished, Method
from hpo.optimizer import Problem
from hpo.optimizer.candidates import sobol
from hpo.space import Config

BATCH = 4
LENGTH_START, LENGTH_LEAST, LENGTH_MOST = 0.8, 0.5**7, 1.6
SUCCESSES = 3
CHANCE = 0.1


@dataclass
class Region:
    """Side and counters of the trust region, and the incumbent's objective and violation."""

    length: float = LENGTH_START
    successes: int = 0
    failures: int = 0
    best: float = -math.inf
    violation: float = math.inf


class Scbo:
    """The search; the first objective is the one."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._rng = np.random.default_rng([problem.seed, 11])
        self._dimension = problem.space.cube_dimension
        self._patience = math.ceil(max(4.0 / BATCH, self._dimension / BATCH))
        self._region = Region()
        self._queue = self._random()
        self._rows: list[np.ndarray] = []
        self._told: list[tuple[float, np.ndarray]] = []
        self._running: dict[int, np.ndarray] = {}
        self._fresh: list[tuple[float, np.ndarray]] = []

    def ask(self, index: int) -> Config:
        """The next of the queue."""
        if len(self._queue) <= 1 and self._fresh:
            self._refill()
        shares = self._queue.pop(0) if self._queue else self._rng.random(self._dimension)
        self._running[index] = shares
        return self._problem.space.from_cube(shares)

    def tell(self, finished: Finished) -> None:
        """Remember a trial; the model sees it with the next batch."""
        goal = self._problem.objectives[0]
        known = finished.observation.status == "complete"
        outcome = (finished.values[0], finished.constraints)
        if not known:
            outcome = (float(goal.to_minimise(np.array(CHANCE))), finished.constraints)
        self._rows.append(self._running.pop(finished.index))
        self._fresh.append((-float(outcome[0]), outcome[1]))

    def _random(self) -> list[np.ndarray]:
        return list(self._rng.random((self._problem.initial, self._dimension)))

    def _refill(self) -> None:
        started = len(self._told) >= self._problem.initial
        if started:
            self._step()
        self._told += self._fresh
        self._judge()
        self._fresh = []
        if self._region.length < LENGTH_LEAST:
            self._region = Region()
            self._queue += self._random()
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._queue += self._batch()

    def _judge(self) -> None:
        """The incumbent: the best feasible outcome told so far, else the least violation."""
        for value, constraints in self._fresh:
            violation = float(np.maximum(constraints, 0.0).sum())
            better = violation < self._region.violation
            if better or (violation == 0 == self._region.violation and value > self._region.best):
                self._region.best, self._region.violation = value, violation

    def _step(self) -> None:
        """Count the fresh batch as success or failure, and grow or shrink the region."""
        region = self._region
        feasible = [value for value, c in self._fresh if (c <= 0).all()]
        if feasible:
            gain = region.best + 1e-3 * abs(region.best) if region.violation == 0 else -math.inf
            success = max(feasible) > gain
        else:
            least = min(float(np.maximum(c, 0.0).sum()) for _, c in self._fresh)
            success = least < region.violation
        region.successes = region.successes + 1 if success else 0
        region.failures = 0 if success else region.failures + 1
        if region.successes == SUCCESSES:
            region.length, region.successes = min(2 * region.length, LENGTH_MOST), 0
        elif region.failures >= self._patience:
            region.length, region.failures = region.length / 2, 0

    def _batch(self) -> list[np.ndarray]:
        torch.manual_seed(int(self._rng.integers(2**31)))
        rows = torch.tensor(np.stack(self._rows))
        values = torch.tensor([[value] for value, _ in self._told]).double()
        limits = torch.tensor(np.stack([c for _, c in self._told]))
        model = _fitted(rows, values)
        constraints = ModelListGP(*(_fitted(rows, limits[:, [k]]) for k in range(limits.shape[1])))
        candidates = self._candidates(rows[int(values.argmax())].numpy(), _sides(model))
        sampling = ConstrainedMaxPosteriorSampling(model, constraints, replacement=False)
        with torch.no_grad():
            chosen = sampling(torch.tensor(candidates), num_samples=BATCH)
        return list(chosen.numpy())

    def _candidates(self, centre: np.ndarray, sides: np.ndarray) -> np.ndarray:
        count = min(5000, max(2000, 200 * self._dimension))
        half = self._region.length * sides / 2
        low, high = np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)
        shares = sobol(self._dimension, count, int(self._rng.integers(2**31)))
        moved = self._rng.random(shares.shape) < min(20 / self._dimension, 1.0)
        moved[np.arange(count), self._rng.integers(self._dimension, size=count)] = True
        return np.where(moved, low + (high - low) * shares, centre)


def scbo(problem: Problem) -> Method:
    """SCBO on the first objective."""
    return Scbo(problem)


def _fitted(rows: torch.Tensor, targets: torch.Tensor) -> SingleTaskGP:
    kernel = ScaleKernel(
        MaternKernel(2.5, ard_num_dims=rows.shape[1], lengthscale_constraint=Interval(0.005, 4.0))
    )
    likelihood = GaussianLikelihood(noise_constraint=Interval(1e-8, 1e-3))
    model = SingleTaskGP(
        rows, targets, covar_module=kernel, likelihood=likelihood, outcome_transform=Standardize(1)
    )
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    return model


def _sides(model: SingleTaskGP) -> np.ndarray:
    """Relative sides (d,) of the region, of unit geometric mean."""
    lengths = model.covar_module.base_kernel.lengthscale.detach()[0].numpy()
    weights = lengths / lengths.mean()
    return np.asarray(weights / np.exp(np.log(weights).mean()))
