"""A campaign as the optimiser's problem: models learn what training decides, hardware costs are computed.

The models learn accuracy and the spikes that enter each layer; latency, energy and area of a sampled outcome
follow from the closed forms of ``hardware``, for every design of the campaign's grid at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hardware.cost import expected_cost
from hpo.campaign import CampaignSpec
from hpo.optimizer import Limit, Outcome, Problem
from hpo.optimizer.problem import FloatArray, Measures
from hpo.queries import hypervolume_scale
from hpo.space import Config
from workers.parameters import TrialParameters, design_grid

COMPUTED = ("latency_us", "energy_uj", "luts", "ffs", "bram36", "dsps")
"""Measures that follow from spikes and the accelerator; fields of ``hardware.cost.ExpectedCost``."""
SILENCE = "silence"
"""Name of the graded silence constraint in every trial's record."""


@dataclass(frozen=True)
class GreyBox:
    """Measures of sampled outcomes by the exact cost functions; see ``Problem.compose``."""

    spec: CampaignSpec
    n_inputs: int
    classes: int

    def __call__(self, configs: Sequence[Config], outcomes: FloatArray) -> Measures:
        """Measures (S, K, D) of outcomes (S, K, 1 + layers): accuracy, then spikes entering each layer."""
        per_config = [self._designs(config, outcomes[:, k]) for k, config in enumerate(configs)]
        return {name: np.stack([found[name] for found in per_config], axis=1) for name in per_config[0]}

    def _designs(self, config: Config, outcomes: FloatArray) -> dict[str, FloatArray]:
        """Measures (S, D) of one configuration's outcomes (S, 1 + layers)."""
        grid = [
            self._allocated(p, outcomes[:, 1:])
            for p in design_grid(self.spec.complete(config), self.spec.designs)
        ]
        costs = [
            expected_cost(
                parameters.shape(self.n_inputs, self.classes),
                outcomes[:, 1:],
                parameters.accelerator(),
                energy_model=self.spec.energy_model,
                target=self.spec.target,
            )
            for parameters in grid
        ]
        known = {
            name: np.stack([np.broadcast_to(getattr(cost, name), len(outcomes)) for cost in costs], axis=1)
            for name in COMPUTED
        }
        accuracy = np.broadcast_to(outcomes[:, :1], (len(outcomes), len(grid)))
        spikes = np.broadcast_to(outcomes[:, 1:].sum(axis=1, keepdims=True), accuracy.shape)
        return {**known, "accuracy": accuracy, "spikes_per_inference": spikes}

    def _allocated(self, parameters: TrialParameters, spikes: FloatArray) -> TrialParameters:
        """Lanes "auto" are chosen once per configuration, for the mean of its sampled spikes."""
        if self.spec.target is None:
            return parameters
        shape = parameters.shape(self.n_inputs, self.classes)
        return parameters.allocated(shape, spikes.mean(axis=0), self.spec.target)


def build_problem(spec: CampaignSpec, n_inputs: int, classes: int) -> Problem:
    """The optimiser's view of a campaign on a data set of that shape."""
    layers = int(spec.fixed.get("hidden_layers", 1)) + 1
    limits = tuple(
        Limit(name, at_most=_or(bound.max, np.inf), at_least=_or(bound.min, -np.inf))
        for name, bound in spec.bounds
    )
    return Problem(
        space=spec.search_space,
        objectives=hypervolume_scale(spec).objectives,
        outcomes=(Outcome("accuracy", "logit"), *(Outcome(f"spikes_{k}", "log") for k in range(layers))),
        constraints=(SILENCE,),
        limits=limits,
        compose=GreyBox(spec, n_inputs, classes),
        seed=spec.seed,
        n_initial=spec.budget.initial,
    )


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
