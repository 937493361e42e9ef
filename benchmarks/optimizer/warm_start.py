"""What starting from an earlier campaign's front is worth, and what it costs where that one misleads.

The later campaign searches the SNN-like landscape. The earlier one searched the same landscape elsewhere:
``same``; ``shifted``, every number moved by a tenth of its range up or down and 0.4 more drive needed, as
another data set would; ``inverted``, every number mirrored and every category turned, so that what was good
there is bad here. Earlier campaigns have 40 trials, later ones 60; half of the initial design comes from the
earlier front, by the rule of ``hpo.warm_start``.

    python -m benchmarks.optimizer.warm_start [--quick] [--work FILE] [--seeds 0 1 2] [--json PATH]
"""

import argparse
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import Outcome, run_benchmark
from benchmarks.optimizer.box import Box
from benchmarks.optimizer.followed import follow, plain, remembered
from benchmarks.optimizer.problems_snn import NEED_60, snn
from hpo.optimizer import Observation
from hpo.space import Categorical, Config
from hpo.warm_start import best, translated

KINDS = ("cold", "same", "shifted", "inverted")
EARLIER, LATER = 40, 60
BUDGETS = (20, 30, 40, 60)
SHARE = 0.5
MOVED, HARDER = 0.1, 0.4


def earlier_box(kind: str, seed: int) -> Box:
    """The landscape that the earlier campaign searched."""
    if kind == "same":
        return snn(NEED_60)(seed + 1000)
    box = snn(NEED_60 + (HARDER if kind == "shifted" else 0.0))(seed + 1000)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=box.problem.space.dimension)

    def moved(config: Config) -> Config:
        space, row = box.problem.space, box.problem.space.to_unit(config)
        for name, variable in space.variables.items():
            span = space.columns[name]
            if isinstance(variable, Categorical):
                row[span] = np.roll(row[span], kind == "inverted")
            else:
                row[span] = 1.0 - row[span] if kind == "inverted" else row[span] + MOVED * signs[span]
        return space.complete(space.from_unit(space.round_unit(row)), np.full(space.cube_dimension, 0.5))

    return Box(
        box.problem,
        lambda config, rng: box.run(moved(config), rng),
        lambda config: box.truth(moved(config)) if box.truth else (None, {}),
    )


def earlier(kind: str, seed: int, trials: int) -> dict[str, Any]:
    """The earlier campaign."""
    told, row = follow(earlier_box(kind, seed), trials)
    return row | {"trials": plain(told)}


def later(work: Path, kind: str, seed: int, trials: int, before: int) -> dict[str, Any]:
    """The later campaign, from the Sobol sequence or from the front of the earlier one."""
    box = snn(NEED_60)(seed)
    if kind != "cold":
        key = ("earlier", kind, seed, before)
        row = remembered(work, [key], lambda _, *of: earlier(*of))[key]
        told = [Observation(**trial) for trial in row["trials"]]
        chosen = best(told, box.problem.scale, round(SHARE * box.problem.initial))
        start = tuple(translated(trial.config, box.problem.space) for trial in chosen)
        box = replace(box, problem=replace(box.problem, start=start))
    return follow(box, trials)[1]


def body(chosen: argparse.Namespace, quick: bool) -> Outcome:
    """A row per kind of earlier campaign and budget."""
    seeds, trials, before = ([0], 20, 15) if quick else (chosen.seeds, LATER, EARLIER)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work.jsonl" if quick or chosen.work is None else chosen.work
        keys = [("later", kind, seed, trials, before) for seed in seeds for kind in KINDS]
        found = remembered(work, keys, lambda _, *of: later(work, *of))
    budgets = [budget for budget in BUDGETS if budget <= trials]
    rows = [
        _row(kind, budget, [found["later", kind, s, trials, before]["volumes"] for s in seeds],
             [found["later", "cold", s, trials, before]["volumes"] for s in seeds])
        for kind in KINDS for budget in budgets
    ]  # fmt: skip
    at = {(row["earlier"], row["evaluations"]): row["of_cold"] for row in rows}
    passed = quick or (at["shifted", 30] > 1.0 and at["inverted", LATER] >= 0.97)
    # With a work file the seconds of the record are those of summing it up.
    return (
        rows,
        passed,
        {
            "from_work_file": chosen.work is not None,
            "seeds": seeds,
            "earlier_trials": before,
            "share": SHARE,
            "landscape": "snn60",
        },
    )


def _row(kind: str, budget: int, volumes: list[list[float]], cold: list[list[float]]) -> dict[str, Any]:
    here = [curve[budget - 1] for curve in volumes]
    there = [curve[budget - 1] for curve in cold]
    sooner = [_sooner(curve, other[budget - 1]) for curve, other in zip(volumes, cold, strict=True)]
    return {
        "earlier": kind,
        "evaluations": budget,
        "median_volume": statistics.median(here),
        "of_cold": statistics.median(here) / statistics.median(there),
        "seeds_ahead": sum(a > b for a, b in zip(here, there, strict=True)),
        "median_evaluations_for_the_same": statistics.median(sooner),
        "volumes": [round(volume, 4) for volume in here],
    }


def _sooner(curve: list[float], volume: float) -> float:
    """Evaluations after which a curve first has this volume; infinite if it never does."""
    return next((k + 1.0 for k, reached in enumerate(curve) if reached >= volume), float("inf"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--work", type=Path, help="JSON-lines file of finished campaigns")
    asked, rest = parser.parse_known_args()
    goal = "more after 30 trials from a shifted campaign, and after 60 at least 0.97 from an inverted one"
    sys.exit(run_benchmark("optimizer.warm_start", goal, lambda quick: body(asked, quick), rest))
