"""The most hypervolume known for each box: long runs of pymoo's NSGA-II on the true values.

Run ``python -m benchmarks.optimizer.best_known --json benchmarks/optimizer/best_known.json``. Each box is
searched by generations of 100, from several seeds; the fronts of all runs together count. Needs pymoo.
"""

import sys
from typing import Any

import numpy as np
from pymoo.indicators.hv import HV

from benchmarks.common import Outcome, run_benchmark
from benchmarks.optimizer.box import Box
from benchmarks.optimizer.methods.protocol import finished
from benchmarks.optimizer.methods.with_pymoo import Generations
from benchmarks.optimizer.problems import COMPARED, make
from hpo.optimizer import Observation, Proposal
from hpo.space import Config

# BoTorch's figure, of a long NSGA-II of its own, as a check.
PUBLISHED = {"branincurrin": 608.4004237022673}


def search(box: Box, generations: int, seed: int) -> np.ndarray:
    """Front (n, m), to minimise, of one run of NSGA-II with a population of 100."""
    method, scale = Generations(box.problem, 100, seed), box.problem.scale
    front = np.empty((0, len(box.problem.objectives)))
    for index in range(100 * generations):
        config = method.ask(index)
        assert config is not None
        observation = _true(box, index, config)
        method.tell(finished(box.problem, observation))
        if observation.is_feasible:
            for point in scale.transform(list(observation.points)):
                if not (front <= point).all(axis=1).any():
                    front = np.vstack([front[(front < point).any(axis=1)], point])
    return front


def body(quick: bool) -> Outcome:
    """A row per box; passed when no published figure is missed by more than 1 %."""
    generations, seeds = (20, 1) if quick else (300, 3)
    names = COMPARED[:2] if quick else COMPARED
    rows = [_row(name, generations, seeds) for name in names]
    found = {row["problem"]: row["volume"] for row in rows}
    passed = all(found[name] > 0.99 * value for name, value in PUBLISHED.items() if name in found)
    return rows, passed, {"generations": generations, "population": 100, "seeds": seeds}


def _row(name: str, generations: int, seeds: int) -> dict[str, Any]:
    box = make(name, 0)
    fronts = [search(box, generations, seed) for seed in range(seeds)]
    volume = HV(ref_point=box.problem.scale.reference)
    return {
        "problem": name,
        "volume": float(volume(np.vstack(fronts))),
        "of_each_run": [round(float(volume(front)), 6) for front in fronts],
        "published": PUBLISHED.get(name),
    }


def _true(box: Box, index: int, config: Config) -> Observation:
    measured = box.truth(config) if box.truth else box.run(config, np.random.default_rng(0))
    return box.observation(Proposal(index, dict(config), {}), measured)


if __name__ == "__main__":
    goal = "BoTorch's published figure within 1 % where there is one"
    sys.exit(run_benchmark("optimizer.best_known", goal, body))
