"""Trust regions: boxes in the unit cube around the trials worth improving.

The side length is shared by all regions and is a fold over the finished trials in the order of their numbers:
nothing is remembered elsewhere, so the same history gives the same regions. It doubles after a run of
successes, halves after a run of failures, and starts anew below a minimum (TuRBO: Eriksson et al., NeurIPS
2019; constraints as in SCBO: Eriksson & Poloczek, AISTATS 2021; several centres on a front as in MORBO:
Daulton et al., UAI 2022).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hpo.optimizer.problem import FloatArray, Observation, Problem
from hpo.pareto import hypervolume, non_dominated

LENGTH_START = 0.8
LENGTH_LEAST = 0.5**7
LENGTH_MOST = 1.6
SUCCESSES = 3
CENTRES = 5
# A relative gain in hypervolume below this is no success (SCBO's constant).
GAIN = 1e-3


@dataclass(frozen=True)
class Regions:
    """Side length of the regions (0..1.6), its counters, and the best seen so far."""

    length: float = LENGTH_START
    successes: int = 0
    failures: int = 0
    restarts: int = 0
    volume: float = 0.0
    violation: float = math.inf


def fold(problem: Problem, observations: Sequence[Observation]) -> Regions:
    """State of the regions after observations in ascending order; the Sobol start moves no length."""
    state = Regions()
    front = np.empty((0, len(problem.objectives)))
    for observation in observations:
        front, gained = _with_points(problem, front, observation, state)
        better = replace(
            state,
            volume=state.volume + gained,
            violation=min(state.violation, violation(problem, observation)),
        )
        if observation.index >= problem.initial:
            success = (
                gained > GAIN * state.volume if better.volume > 0 else better.violation < state.violation
            )
            better = _stepped(better, success, problem.space.cube_dimension)
        state = better
    return state


def violation(problem: Problem, observation: Observation) -> float:
    """Sum of positive constraint values; infinite where a constraint is unknown."""
    values = [observation.constraints.get(name, math.inf) for name in problem.constraints]
    total = sum(max(value, 0.0) for value in values)
    unknown = observation.status in ("failed", "pruned") or (observation.status == "silent" and total == 0)
    return math.inf if unknown else total


def centres(problem: Problem, observations: Sequence[Observation]) -> list[Observation]:
    """Trials to search around: of the front those that add most volume, else the least infeasible one."""
    feasible = [o for o in observations if o.is_feasible]
    if not feasible:
        known = [o for o in observations if math.isfinite(violation(problem, o))]
        return sorted(known, key=lambda o: (violation(problem, o), o.index))[:1]
    owners = [o for o in feasible for _ in o.points]
    values = problem.scale.transform([point for o in feasible for point in o.points])
    mask = non_dominated(values)
    front, holders = values[mask], [o for o, kept in zip(owners, mask, strict=True) if kept]
    shares = _contributions(front, problem.scale.reference)
    best: dict[int, tuple[float, Observation]] = {}
    for share, holder in zip(shares, holders, strict=True):
        best[holder.index] = (best.get(holder.index, (0.0, holder))[0] + share, holder)
    ranked = sorted(best.values(), key=lambda pair: (-pair[0], pair[1].index))
    return [holder for _, holder in ranked[:CENTRES]]


def _contributions(front: FloatArray, reference: FloatArray) -> list[float]:
    """Volume lost without each front point; beyond 60 points an evenly spaced choice is weighed."""
    whole = hypervolume(front, reference)
    weighed = set(np.linspace(0, len(front) - 1, min(len(front), 60)).round().astype(int).tolist())
    return [
        whole - hypervolume(np.delete(front, k, axis=0), reference) if k in weighed else 0.0
        for k in range(len(front))
    ]


def _with_points(
    problem: Problem, front: FloatArray, observation: Observation, state: Regions
) -> tuple[FloatArray, float]:
    """Front with a trial's points, and the volume that they add."""
    if not observation.is_feasible:
        return front, 0.0
    merged = np.vstack([front, problem.scale.transform(list(observation.points))])
    merged = np.unique(merged[non_dominated(merged)], axis=0)
    if np.array_equal(merged, front):
        return front, 0.0
    return merged, max(hypervolume(merged, problem.scale.reference) - state.volume, 0.0)


def _stepped(state: Regions, success: bool, variables: int) -> Regions:
    """State after one more success or failure."""
    successes = state.successes + 1 if success else 0
    failures = 0 if success else state.failures + 1
    if successes == SUCCESSES:
        return replace(state, length=min(2 * state.length, LENGTH_MOST), successes=0, failures=0)
    if failures < max(4, math.ceil(variables / 2)):
        return replace(state, successes=successes, failures=failures)
    if state.length / 2 < LENGTH_LEAST:
        return replace(state, length=LENGTH_START, successes=0, failures=0, restarts=state.restarts + 1)
    return replace(state, length=state.length / 2, successes=0, failures=0)
