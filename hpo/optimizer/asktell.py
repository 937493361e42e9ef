"""The optimiser for any black box, without campaigns, workers or a store.

A loop needs nothing but this module::

    problem = Problem(
        Space({"x": Float(low=0.0, high=1.0)}),
        (Objective("loss", "min", "linear", 10.0),),
    )
    search = AskTell(problem)
    for _ in range(30):
        proposal = search.ask()
        if isinstance(proposal, Exhausted):
            break
        search.tell(proposal, {"loss": (proposal.config["x"] - 0.3) ** 2})
    print(search.front())
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hpo.optimizer.problem import Exhausted, Observation, Problem, Proposal, observe
from hpo.optimizer.propose import propose


class AskTell:
    """A search in progress: what was asked and not yet told is running.

    Several proposals may be asked for before any is told; each takes the others into account. Its whole state
    is ``observations`` and ``running``, so a search continues where it was with
    ``AskTell(problem, observations, running)``.
    """

    def __init__(
        self, problem: Problem, observations: Sequence[Observation] = (), running: Sequence[Proposal] = ()
    ) -> None:
        self.problem = problem
        self.observations = list(observations)
        self.running = {proposal.index: proposal for proposal in running}

    def ask(self) -> Proposal | Exhausted:
        """What to try next; ``Exhausted`` when a finite space has nothing left."""
        numbers = [*self.running, *(o.index for o in self.observations)]
        pending = [proposal.config for proposal in self.running.values()]
        answer = propose(self.problem, self.observations, pending, max(numbers, default=-1) + 1)
        if isinstance(answer, Proposal):
            self.running[answer.index] = answer
        return answer

    def tell(
        self,
        proposal: Proposal,
        outcomes: Mapping[str, float],
        constraints: Mapping[str, float] | None = None,
    ) -> Observation:
        """Report a completed trial in natural units; a constraint holds when it is at or below zero.

        Raises:
            SpecError: an outcome or constraint of the problem is missing or not finite.
        """
        return self._finish(observe(self.problem, proposal, outcomes, constraints))

    def tell_silent(self, proposal: Proposal, constraints: Mapping[str, float]) -> Observation:
        """Report a trial whose objectives are unknown because it broke constraints, which are known."""
        return self._finish(Observation(proposal.index, proposal.config, "silent", None, dict(constraints)))

    def tell_failed(self, proposal: Proposal) -> Observation:
        """Report a trial that crashed; places like it are avoided."""
        return self._finish(Observation(proposal.index, proposal.config, "failed"))

    def front(self) -> list[dict[str, Any]]:
        """Feasible points that no other dominates: {"index", "config", "point"}."""
        found = [(o, point) for o in self.observations if o.is_feasible for point in o.points]
        chosen = self.problem.scale.front([point for _, point in found])
        return [
            {"index": o.index, "config": dict(o.config), "point": dict(p)}
            for o, p in (found[k] for k in chosen)
        ]

    def history(self) -> list[dict[str, Any]]:
        """Finished trials as plain JSON; ``Observation(**row)`` of each restores them."""
        return [asdict(observation) for observation in self.observations]

    def _finish(self, observation: Observation) -> Observation:
        self.observations.append(observation)
        self.running.pop(observation.index, None)
        return observation
