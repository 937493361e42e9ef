"""A black box that a search method is tried on: the problem, and what running one configuration gives."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hpo.optimizer import Observation, Problem, Proposal, observe
from hpo.pareto import Point
from hpo.space import Config

Measured = tuple[dict[str, float] | None, dict[str, float]]


@dataclass(frozen=True)
class Box:
    """A problem and what running one configuration gives: outcomes (None if silent) and constraints.

    Attributes:
        problem: what is searched.
        run: outcomes and constraints as measured; all noise is drawn from the generator.
        truth: the same without noise, by which methods are judged; None where measuring is exact enough.
    """

    problem: Problem
    run: Callable[[Config, np.random.Generator], Measured]
    truth: Callable[[Config], Measured] | None = None

    def evaluate(self, proposal: Proposal, rng: np.random.Generator) -> Observation:
        """The finished trial, as a method is told of it."""
        return self.observation(proposal, self.run(proposal.config, rng))

    def judged(self, observation: Observation) -> list[Point]:
        """Points that count for the hypervolume: the feasible ones, by their true values."""
        if self.truth is not None:
            proposal = Proposal(observation.index, dict(observation.config), {})
            observation = self.observation(proposal, self.truth(observation.config))
        return list(observation.points) if observation.is_feasible else []

    def observation(self, proposal: Proposal, measured: Measured) -> Observation:
        """The finished trial of what was measured."""
        outcomes, constraints = measured
        if outcomes is None:
            return Observation(proposal.index, proposal.config, "silent", None, constraints)
        return observe(self.problem, proposal, outcomes, constraints)
