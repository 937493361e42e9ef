"""Ours, random search and a Sobol sequence."""

from collections.abc import Callable, Sequence
from importlib import import_module
from unittest.mock import patch

from benchmarks.optimizer.methods.protocol import Finished, Method
from hpo.optimizer import Exhausted, Observation, Problem, Proposal, candidates
from hpo.optimizer.candidates import sobol
from hpo.optimizer.propose import propose, random_proposal
from hpo.space import Config

# the package has a function of the module's name
propose_module = import_module("hpo.optimizer.propose")
Propose = Callable[[Problem, Sequence[Observation], Sequence[Config], int], Proposal | Exhausted]


class Proposer:
    """A way of proposing from all finished and all running trials, with the harness's ask and tell."""

    def __init__(self, problem: Problem, propose: Propose) -> None:
        self._problem, self._propose = problem, propose
        self._finished: list[Observation] = []
        self._running: dict[int, Config] = {}

    def ask(self, index: int) -> Config:
        """The proposal for trial ``index``."""
        answer = self._propose(self._problem, self._finished, list(self._running.values()), index)
        if isinstance(answer, Exhausted):
            raise RuntimeError("a space of the comparison has been used up: compare with fewer evaluations")
        self._running[index] = answer.config
        return answer.config

    def tell(self, finished: Finished) -> None:
        """Remember a trial."""
        self._finished.append(finished.observation)
        del self._running[finished.index]


def ours(problem: Problem) -> Method:
    """``hpo.optimizer.propose``."""
    return Proposer(problem, propose)


def everywhere(problem: Problem) -> Method:
    """Ours without trust regions: as many candidates, all from the whole space."""

    def answer(
        p: Problem, finished: Sequence[Observation], running: Sequence[Config], index: int
    ) -> Proposal | Exhausted:
        # only for this ablation, so the optimiser has no switch for it
        with (
            patch.object(propose_module, "middles", lambda *_: []),
            patch.object(candidates, "GLOBAL", candidates.GLOBAL + candidates.LOCAL),
        ):
            return propose(p, finished, running, index)

    return Proposer(problem, answer)


def random_search(problem: Problem) -> Method:
    """Uniform draws."""
    return Proposer(
        problem,
        lambda p, finished, running, index: random_proposal(
            p, index, [*(o.config for o in finished), *running]
        ),
    )


def sobol_search(problem: Problem) -> Method:
    """A scrambled Sobol sequence to the end."""

    def point(p: Problem, _: Sequence[Observation], __: Sequence[Config], index: int) -> Proposal:
        row = sobol(p.space.cube_dimension, index + 1, p.seed)[index]
        return Proposal(index, p.space.from_cube(row), {})

    return Proposer(problem, point)
