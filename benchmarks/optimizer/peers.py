"""Ours and the peers on every problem, with the same simulated workers, durations, noise and budgets.

    python -m benchmarks.optimizer.peers --problems osy snn95 --methods ours tpe --seeds 0 1 \\
        --evaluations 100 --work FILE

Each finished campaign is one line of the work file; what is there is not run again (``--again`` does), so a
comparison can be stopped and continued. The table, ``--json`` and ``--plots`` are of the file's campaigns of
the chosen problems and methods.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import Outcome, run_benchmark
from benchmarks.optimizer import summary
from benchmarks.optimizer.methods import METHODS, is_installed
from benchmarks.optimizer.problems import BOXES, COMPARED, ELSEWHERE
from benchmarks.optimizer.work import Key, fill, options, read

GOAL = (
    "best median hypervolume in 80 % of problems at 50 and 100 evaluations, never under 0.97 of the best peer"
)
QUICK: dict[str, Any] = {
    "problems": ["osy", "snn60"],
    "methods": ["ours", "sobol"],
    "seeds": [0],
    "evaluations": 24,
}


def body(chosen: argparse.Namespace, quick: bool) -> Outcome:
    """Rows per problem and method of all chosen campaigns in the work file."""
    if quick:
        vars(chosen).update(QUICK)
    missing = [name for name in chosen.methods if not is_installed(name)]
    for name in missing:
        print(f"{name} is skipped: its library {METHODS[name][2]} is not installed")
    present = [name for name in chosen.methods if name not in missing]
    keys = [
        Key(problem, method, seed, chosen.evaluations)
        for seed in chosen.seeds
        for problem in chosen.problems
        for method in present
    ]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work.jsonl" if quick or chosen.work is None else chosen.work
        if not chosen.only_summary:
            fill(work, keys, chosen.cpu_limit, chosen.again)
        rows = [r for r in read(work) if r["problem"] in chosen.problems and r["method"] in chosen.methods]
    if chosen.plots:
        from benchmarks.optimizer.plots import draw

        draw(rows, chosen.plots)
    table = summary.table(rows)
    if chosen.markdown:
        print(summary.markdown(table, 50), summary.markdown(table, 100), sep="\n\n")
    extra = {"cpu_limit_s": chosen.cpu_limit, "skipped": missing, **summary.verdict(table)}
    return table, quick or extra["met"], extra


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="optimizer.peers", epilog="also --quick and --json PATH", add_help=False
    )
    parser.add_argument("--problems", nargs="*", default=list(COMPARED), choices=[*BOXES, *ELSEWHERE])
    # "everywhere" is ours too, for the ablations
    compared = [name for name in METHODS if name != "everywhere"]
    parser.add_argument("--methods", nargs="*", default=compared, choices=compared)
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw curves into this folder")
    parser.add_argument("--markdown", action="store_true", help="print medians as tables for a page")
    parser.add_argument("--only-summary", action="store_true", help="run nothing, sum up the work file")
    return parser


if __name__ == "__main__":
    given, rest = options(sys.argv[1:], _parser())
    sys.exit(run_benchmark("optimizer.peers", GOAL, lambda quick: body(given, quick), rest))
