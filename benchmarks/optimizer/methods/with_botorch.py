"""Plain BoTorch: qLogNoisyExpectedHypervolumeImprovement with constraints and pending points.

Built as BoTorch's own constrained multi-objective tutorial is: a SingleTaskGP per output, a Sobol start (as
long as ours, the same points), one point at a time with the running ones as ``X_pending``; mixed variables
are relaxed to the model columns and the answer is rounded. Objective models see complete trials only,
constraint models all; until two trials have objectives, the chance to be feasible is maximised.
"""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch
from botorch.acquisition import AcquisitionFunction
from botorch.acquisition.logei import qLogProbabilityOfFeasibility
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.acquisition.multi_objective.objective import IdentityMCMultiOutputObjective
from botorch.fit import fit_gpytorch_mll
from botorch.models import ModelListGP, SingleTaskGP
from botorch.models.model import Model
from botorch.models.transforms import Standardize
from botorch.optim import optimize_acqf
from botorch.sampling import SobolQMCNormalSampler
from gpytorch.mlls import ExactMarginalLogLikelihood

from benchmarks.optimizer.methods.protocol import Finished, Method
from hpo.optimizer import Problem
from hpo.optimizer.candidates import sobol
from hpo.space import Config

DRAWS, RESTARTS, RAW, STEPS = 64, 4, 128, 60
Constraint = Callable[[torch.Tensor], torch.Tensor]


class Relaxed:
    """A search over relaxed model columns."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._finished: list[Finished] = []
        self._running: dict[int, np.ndarray] = {}

    def ask(self, index: int) -> Config:
        """The maximiser of the acquisition function, rounded."""
        space, seed = self._problem.space, self._problem.seed
        if index < self._problem.initial or not self._finished:
            config = space.from_cube(sobol(space.cube_dimension, index + 1, seed)[index])
        else:
            torch.manual_seed(1000 * seed + index)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                config = space.from_unit(space.round_unit(self._best(index)))
        self._running[index] = space.to_unit(config)
        return config

    def tell(self, finished: Finished) -> None:
        """Remember a trial."""
        self._finished.append(finished)
        del self._running[finished.index]

    def _best(self, index: int) -> np.ndarray:
        width = self._problem.space.dimension
        bounds = torch.stack([torch.zeros(width), torch.ones(width)]).double()
        options = {"batch_limit": RESTARTS, "maxiter": STEPS}
        found, _ = optimize_acqf(
            self._acquisition(index), bounds, q=1, num_restarts=RESTARTS, raw_samples=RAW, options=options
        )
        return np.asarray(found[0].numpy())

    def _acquisition(self, index: int) -> AcquisitionFunction:
        rows = self._rows(self._finished)
        complete = [f for f in self._finished if f.observation.status == "complete"]
        constraints = np.stack([f.constraints for f in self._finished])
        pending = torch.tensor(np.stack(list(self._running.values()))) if self._running else None
        sampler = SobolQMCNormalSampler(torch.Size([DRAWS]), seed=index)
        if len(complete) < 2:
            limits = _limits(0, constraints.shape[1])
            return qLogProbabilityOfFeasibility(
                _fitted([(rows, constraints)]), limits, sampler=sampler, X_pending=pending
            )
        values, known = -np.stack([f.values for f in complete]), self._rows(complete)
        count = values.shape[1]
        if len(complete) == len(self._finished):
            model = _fitted([(rows, np.hstack([values, constraints]))])
        else:
            model = _fitted([(known, values), (rows, constraints)])
        return qLogNoisyExpectedHypervolumeImprovement(
            model,
            ref_point=torch.tensor(-self._problem.scale.reference),
            X_baseline=torch.tensor(known),
            sampler=sampler,
            objective=IdentityMCMultiOutputObjective(outcomes=list(range(count))),
            constraints=_limits(count, constraints.shape[1]),
            X_pending=pending,
            prune_baseline=True,
        )

    def _rows(self, finished: Sequence[Finished]) -> np.ndarray:
        return np.stack([self._problem.space.to_unit(f.observation.config) for f in finished])


def qlognehvi(problem: Problem) -> Method:
    """qLogNEHVI on relaxed variables."""
    return Relaxed(problem)


def _fitted(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> Model:
    """Independent outputs (n, m) at rows (n, d), one batch of processes for each pair."""
    models = []
    for rows, targets in parts:
        transform = Standardize(targets.shape[1])
        model = SingleTaskGP(torch.tensor(rows), torch.tensor(targets), outcome_transform=transform)
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        models.append(model)
    return models[0] if len(models) == 1 else ModelListGP(*models)


def _limits(first: int, count: int) -> list[Constraint]:
    """Outputs that are feasible at or below zero."""
    return [lambda samples, k=k: samples[..., k] for k in range(first, first + count)]
