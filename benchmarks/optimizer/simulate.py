"""One simulated campaign: four asynchronous workers, trials of different durations, one method.

A trial's duration and its noise depend on seed and trial number alone, so that every method meets the same
ones. A free worker asks at once; a method that says "wait" gets its next chance when a trial has ended.
"""

import heapq
import math
import time
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.optimizer.box import Box
from benchmarks.optimizer.methods.protocol import Method, finished
from hpo.optimizer import Observation, Proposal
from hpo.pareto import hypervolume, non_dominated

WORKERS = 4


@dataclass(frozen=True)
class Run:
    """What one campaign gave, in the order in which its trials ended.

    Attributes:
        volumes: hypervolume of the feasible points after each evaluation.
        times: simulated time of each evaluation's end; the mean duration of a trial is about 1.1.
        feasible: whether each trial was feasible.
        seconds: processor seconds of each proposal, in the order of trial numbers; telling is included.
        cut_at: evaluations after which the processor limit ended the run; None where it did not.
    """

    volumes: list[float]
    times: list[float]
    feasible: list[bool]
    seconds: list[float]
    cut_at: int | None


class Curve:
    """Hypervolume that grows by the points of trial after trial."""

    def __init__(self, box: Box) -> None:
        self._box, self.volume = box, 0.0
        self._front = np.empty((0, len(box.problem.objectives)))

    def add(self, observation: Observation) -> float:
        """The hypervolume with one more trial."""
        scale = self._box.problem.scale
        points = self._box.judged(observation)
        if points:
            merged = np.vstack([self._front, scale.transform(points)])
            self._front = merged[non_dominated(merged)]
            self.volume = hypervolume(self._front, scale.reference)
        return self.volume


def simulate(box: Box, method: Method, evaluations: int, cpu_limit: float = math.inf) -> Run:
    """Run ``method`` on ``box`` until so many trials have ended or its processor seconds are used up."""
    seed, curve, clock = box.problem.seed, Curve(box), 0.0
    running: list[tuple[float, int, Proposal]] = []
    run = Run([], [], [], [], None)
    asked, start = 0, time.process_time()
    while len(run.volumes) < evaluations:
        while asked < evaluations and len(running) < WORKERS:
            config = method.ask(asked)
            if config is None:
                break
            run.seconds.append(time.process_time() - start)
            end = clock + float(np.random.default_rng([seed, asked, 7]).lognormal(0.0, 0.5))
            heapq.heappush(running, (end, asked, Proposal(asked, dict(config), {})))
            asked, start = asked + 1, time.process_time()
        clock, index, done = heapq.heappop(running)
        observation = box.evaluate(done, np.random.default_rng([seed, index, 8]))
        run.volumes.append(curve.add(observation))
        run.times.append(clock)
        run.feasible.append(observation.is_feasible)
        if sum(run.seconds) > cpu_limit and len(run.volumes) < evaluations:
            return replace(run, cut_at=len(run.volumes))
        start = time.process_time()
        method.tell(finished(box.problem, observation))
    return run
