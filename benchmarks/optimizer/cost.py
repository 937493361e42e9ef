"""Processor seconds and memory of one proposal against the number of finished trials.

Twenty mixed variables, one conditional, one graded constraint, a quarter of the trials silent; with latency
and energy composed (``grey``) and learned (``black``). Three trials are running. Each figure is the median of
three proposals; memory is how much the process's peak grew beyond that before any proposal. Histories are
random trials: what a search keeps close together costs no less.
"""

import resource
import statistics
import sys
import time
from typing import Any

import numpy as np
import torch

from benchmarks.common import Outcome, run_benchmark
from benchmarks.optimizer.box import Box
from benchmarks.optimizer.problems_snn import snn, snn_blackbox
from hpo.optimizer import Observation
from hpo.optimizer.propose import propose, random_proposal

# Drive that is needed for a quarter of the volume to be silent.
NEED_25 = -3.3
TRIALS = (25, 50, 100, 200, 400, 700, 1000)
GOALS_S = {100: 2.0, 1000: 10.0}
PENDING, REPEATS = 3, 3


def body(quick: bool) -> Outcome:
    """A row per box and number of trials, ascending because a peak never falls."""
    torch.set_num_threads(1)
    trials = [n for n in TRIALS if n <= 100] if quick else TRIALS
    boxes = {"grey": snn(NEED_25)(0), "black": snn_blackbox(NEED_25)(0)}
    before = _peak_mb()
    histories = {name: _history(box, max(trials) + PENDING) for name, box in boxes.items()}
    rows = [_row(name, boxes[name], histories[name][: n + PENDING], before) for n in trials for name in boxes]
    passed = all(row["seconds"] < GOALS_S.get(row["trials"], np.inf) for row in rows)
    return rows, passed, {"variables": len(boxes["grey"].problem.space.names), "goals_s": GOALS_S}


def _row(name: str, box: Box, history: list[Observation], before: float) -> dict[str, Any]:
    told, running = history[:-PENDING], [o.config for o in history[-PENDING:]]
    seconds = []
    for repeat in range(REPEATS):
        start = time.process_time()
        propose(box.problem, told, running, len(history) + repeat)
        seconds.append(time.process_time() - start)
    return {
        "box": name,
        "trials": len(told),
        "complete": sum(o.status == "complete" for o in told),
        "seconds": statistics.median(seconds),
        "slowest": max(seconds),
        "peak_growth_mb": round(_peak_mb() - before, 1),
    }


def _history(box: Box, count: int) -> list[Observation]:
    rng = np.random.default_rng(0)
    proposals = (random_proposal(box.problem, index, []) for index in range(count))
    return [box.evaluate(proposal, rng) for proposal in proposals]


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    goal = "under 2 s per proposal at 100 trials and under 10 s at 1000, on one core"
    sys.exit(run_benchmark("optimizer.cost", goal, body))
