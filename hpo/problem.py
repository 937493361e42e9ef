"""A campaign as the optimiser's problem: models learn what training decides, hardware costs are computed.

The models learn accuracy and the spikes that enter each layer; latency, energy and area of a sampled outcome
follow from the closed forms of ``hardware``, for every design of the campaign's grid at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hardware.expected_cost import Design, expected_costs
from hpo.campaign import CampaignSpec
from hpo.campaign_checks import layer_count, templates
from hpo.optimizer import Limit, Outcome, Problem
from hpo.optimizer.problem import FloatArray, Measures
from hpo.queries import hypervolume_scale
from hpo.space import Config
from workers.parameters import design_grid

COMPUTED = ("latency_us", "energy_uj", "luts", "ffs", "bram36", "dsps")
"""Measures that follow from spikes and the accelerator; fields of ``hardware.expected_cost.ExpectedCost``."""
SILENCE = "silence"
"""Name of the graded silence constraint in every trial's record."""


@dataclass(frozen=True)
class GreyBox:
    """Measures of sampled outcomes by the exact cost functions; see ``Problem.compose``."""

    spec: CampaignSpec
    input_shape: tuple[int, ...]
    classes: int

    def __call__(self, configs: Sequence[Config], outcomes: FloatArray) -> Measures:
        """Measures (S, K, D) of outcomes (S, K, 1 + layers, or one more): accuracy, spikes entering layers,
        and those that leave the last where it is recurrent.
        """
        grids = [self._designs(config, outcomes[:, k, 1:]) for k, config in enumerate(configs)]
        shape = (len(outcomes), len(grids), len(grids[0]))
        costs = expected_costs(
            [design for grid in grids for design in grid],
            np.repeat(outcomes[:, :, 1:], shape[2], axis=1),
            energy_model=self.spec.energy_model,
            target=self.spec.target,
        )
        known = {
            name: np.broadcast_to(getattr(costs, name), (shape[0], shape[1] * shape[2])).reshape(shape)
            for name in COMPUTED
        }
        accuracy = np.broadcast_to(outcomes[:, :, :1], shape)
        entering = outcomes[:, :, 1 : len(grids[0][0][0].layers) + 1]
        spikes = np.broadcast_to(entering.sum(axis=2, keepdims=True), shape)
        return {**known, "accuracy": accuracy, "spikes_per_inference": spikes}

    def _designs(self, config: Config, spikes: FloatArray) -> list[Design]:
        """A network on each of its accelerators; lanes "auto" are chosen once, for mean ``spikes`` (S, L)."""
        grid = design_grid(self.spec.complete(config), self.spec.designs)
        shape = grid[0].shape(self.input_shape, self.classes)  # which no accelerator parameter changes
        if self.spec.target is not None:
            mean, target = spikes.mean(axis=0), self.spec.target
            grid = [parameters.allocated(shape, mean, target) for parameters in grid]
        return [(shape, parameters.accelerator()) for parameters in grid]


def build_problem(
    spec: CampaignSpec, input_shape: tuple[int, ...], classes: int, start: Sequence[Config] = ()
) -> Problem:
    """The optimiser's view of a campaign on a data set of that shape.

    ``start`` are starting points beside those of the specification.
    """
    # own spikes of a recurrent last layer count too
    counted = layer_count(spec) + any(text.endswith("r") for text in templates(spec))
    limits = tuple(
        Limit(name, at_most=_or(bound.max, np.inf), at_least=_or(bound.min, -np.inf))
        for name, bound in spec.bounds
    )
    return Problem(
        space=spec.search_space,
        objectives=hypervolume_scale(spec).objectives,
        outcomes=(Outcome("accuracy", "logit"), *(Outcome(f"spikes_{k}", "log") for k in range(counted))),
        constraints=(SILENCE,),
        limits=limits,
        compose=GreyBox(spec, input_shape, classes),
        seed=spec.seed,
        n_initial=spec.budget.initial,
        start=(*spec.start, *start),
    )


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
