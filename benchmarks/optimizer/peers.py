"""Ours and the peers on every problem, with the same simulated workers, durations, noise and budgets.

    python -m benchmarks.optimizer.peers --problems osy snn95 --methods ours tpe --seeds 0 1 \\
        --evaluations 100 --work FILE

Each finished campaign is one line of the work file; what is there is not run again (``--again`` does), so a
comparison can be stopped and continued. The table, ``--json`` and ``--plots`` are of all lines in the file.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks.common import Outcome, run_benchmark
from benchmarks.optimizer import summary
from benchmarks.optimizer.methods import METHODS, is_installed, make_method
from benchmarks.optimizer.problems import BOXES, COMPARED, ELSEWHERE, make
from benchmarks.optimizer.simulate import simulate

CPU_LIMIT_S = 480.0
GOAL = (
    "most median hypervolume at 50 and 100 evaluations on 80 % of problems, never under 0.97 of the best peer"
)
QUICK = {"problems": ["osy", "snn60"], "methods": ["ours", "sobol"], "seeds": [0], "evaluations": 24}


def read(work: Path) -> list[dict[str, Any]]:
    """Every campaign of a work file; of repeated ones the last."""
    lines = work.read_text(encoding="utf-8").splitlines() if work.exists() else []
    rows = [json.loads(line) for line in lines]
    return list({_key(row): row for row in rows}.values())


def fill(options: argparse.Namespace) -> None:
    """Run every campaign that the work file lacks."""
    known = set() if options.again else {_key(row) for row in read(options.work)}
    for seed in options.seeds:
        for problem in options.problems:
            for method in options.methods:
                key = (problem, method, seed, options.evaluations)
                if key not in known:
                    _append(options.work, _campaign(key, options.cpu_limit))


def body(options: argparse.Namespace, quick: bool) -> Outcome:
    """Rows per problem and method of all campaigns in the work file."""
    with tempfile.TemporaryDirectory() as folder:
        if quick:
            vars(options).update(QUICK)
        if quick or options.work is None:
            options.work = Path(folder) / "work.jsonl"
        missing = [name for name in options.methods if not is_installed(name)]
        for name in missing:
            print(f"{name} is skipped: its library {METHODS[name][2]} is not installed")
        options.methods = [name for name in options.methods if name not in missing]
        fill(options)
        rows = read(options.work)
    if options.plots:
        from benchmarks.optimizer.plots import draw

        draw(rows, options.plots)
    table = summary.table(rows)
    extra = {"cpu_limit_s": options.cpu_limit, "skipped": missing, **summary.verdict(table)}
    return table, extra["met"] if not quick else True, extra


def _campaign(key: tuple[str, str, int, int], cpu_limit: float) -> dict[str, Any]:
    problem, method, seed, evaluations = key
    torch.set_num_threads(1)
    box = make(problem, seed)
    run = asdict(simulate(box, make_method(method, box.problem), evaluations, cpu_limit))
    for name in ("volumes", "times", "seconds"):
        run[name] = [float(f"{value:.6g}") for value in run[name]]
    run["feasible"] = "".join("1" if yes else "0" for yes in run["feasible"])
    print(
        problem,
        method,
        seed,
        f"hypervolume {run['volumes'][-1]:.5g}, {sum(run['seconds']):.0f} s",
        flush=True,
    )
    return {"problem": problem, "method": method, "seed": seed, "evaluations": evaluations, **run}


def _append(work: Path, row: dict[str, Any]) -> None:
    with work.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _key(row: dict[str, Any]) -> tuple[str, str, int, int]:
    return row["problem"], row["method"], row["seed"], row["evaluations"]


def _options(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--problems", nargs="*", default=list(COMPARED), choices=[*BOXES, *ELSEWHERE])
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--evaluations", type=int, default=100)
    parser.add_argument("--work", type=Path, help="JSON-lines file of finished campaigns")
    parser.add_argument("--again", action="store_true", help="run what the work file has once more")
    parser.add_argument("--cpu-limit", type=float, default=CPU_LIMIT_S, help="processor seconds per campaign")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw curves into this folder")
    return parser.parse_known_args(argv)


if __name__ == "__main__":
    chosen, rest = _options(sys.argv[1:])
    sys.exit(run_benchmark("optimizer.peers", GOAL, lambda quick: body(chosen, quick), rest))
