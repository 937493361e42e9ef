"""How busy workers are: sleeping trials on Ray workers, and more workers than a machine has in virtual time.

Trials last a tenfold range, log-uniform. Busy is the share of the workers' time that trials took between the
first trial after the start and the start of the last. In virtual time (``benchmarks.scaling.virtual``) trials
cost nothing and the driver what it costs; the search is over the tests' toy, whose models are small.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.common import Outcome, Row, run_benchmark
from benchmarks.scaling.virtual import VirtualPool, duration_s
from hpo.driver import Hooks, drive
from tests.hpo.toy import evaluate, open_toy
from workers.outcome import TrialOutcome, TrialRequest
from workers.pool import Resources
from workers.progress import Report, unheard

REAL_MEAN_S = 6.0
VIRTUAL_MEAN_S = 60.0
CASES = {
    "random": ((64, 320), (256, 768)),
    "bayesian": ((4, 40), (64, 160), (256, 320)),
}
"""Workers and trials in virtual time, by way of searching."""
GOAL = 0.95
Case = tuple[str, int, int, str]


def sleeping(request: TrialRequest, _report: Report) -> TrialOutcome:
    """The toy's answer after its time; says when it ran."""
    begin = time.time()
    time.sleep(duration_s(request.number, REAL_MEAN_S))
    found = evaluate(
        replace(request, config={**request.config, "beta": max(0.5, request.config["beta"])}), unheard
    )
    return replace(found, timings={"train_s": time.time() - begin, "begin_s": begin})


def real(workers: int, trials: int, search: str) -> Row:
    """Sleeping trials on Ray workers of this machine."""
    from workers.ray_pool import RayPool

    with tempfile.TemporaryDirectory() as home:
        campaign = open_toy(home, search=search, budget={"trials": trials, "initial": min(trials, 10)})
        pool = RayPool(sleeping, Resources(workers=workers))
        try:
            drive(campaign, pool, Hooks())
        finally:
            pool.close()
        runs = [trial.timings for trial in campaign.store.trials("toy")]
    spans = sorted((run["begin_s"], run["begin_s"] + run["train_s"]) for run in runs)
    begin, end = spans[workers][0], spans[-1][0]
    taken = sum(max(0.0, min(stop, end) - max(start, begin)) for start, stop in spans)
    share = taken / (workers * (end - begin))
    return _row("real", search, (workers, trials, REAL_MEAN_S), share, None)


def virtual(workers: int, trials: int, search: str) -> Row:
    """Trials of a minute in virtual time."""
    with tempfile.TemporaryDirectory() as home:
        campaign = open_toy(home, search=search, budget={"trials": trials, "initial": 10})
        pool = VirtualPool(workers, VIRTUAL_MEAN_S)
        drive(campaign, pool, Hooks())
        cpu_s = pool.cpu_s()
    cost = statistics.fmean(pool.driver_s)
    row = _row("virtual", search, (workers, trials, VIRTUAL_MEAN_S), pool.utilisation(workers), cost)
    load = round(os.getloadavg()[0], 1)
    return {**row, "driver_cpu_ms_per_trial": round(1000 * cpu_s, 1), "load_average": load}


def _row(kind: str, search: str, size: tuple[int, int, float], busy: float, driver_s: float | None) -> Row:
    workers, trials, mean_s = size
    return {
        "kind": kind,
        "search": search,
        "workers": workers,
        "trials": trials,
        "mean_trial_s": mean_s,
        "busy": round(busy, 4),
        "driver_ms_per_trial": None if driver_s is None else round(1000 * driver_s, 1),
        "kept_busy_at_1_min": None if driver_s is None else int(VIRTUAL_MEAN_S / driver_s),
    }


def cases(quick: bool) -> list[Case]:
    """What to measure: kind, workers, trials, way of searching."""
    if quick:
        return [("real", 2, 6, "bayesian"), ("virtual", 64, 192, "random")]
    many = [("virtual", *size, search) for search, sizes in CASES.items() for size in sizes]
    return [("real", 4, 48, "bayesian"), *many]


def measured(case: Case, work: Path | None) -> Row:
    """A case's row, from the work file if it is there."""
    lines = work.read_text(encoding="utf-8").splitlines() if work is not None and work.exists() else []
    known = {json.dumps(kept["case"]): kept["row"] for kept in map(json.loads, lines)}
    if (name := json.dumps(case)) in known:
        return dict(known[name])
    kind, workers, trials, search = case
    row = (real if kind == "real" else virtual)(workers, trials, search)
    if work is not None:
        with work.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"case": case, "row": row}) + "\n")
    return row


def main(argv: Sequence[str]) -> int:
    """Run what the work file lacks."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--work", type=Path, metavar="FILE", help="rows known so far, to go on from")
    chosen, rest = parser.parse_known_args(argv)

    def body(quick: bool) -> Outcome:
        rows = [measured(case, None if quick else chosen.work) for case in cases(quick)]
        wanted = [row for row in rows if row["workers"] in (4, 64, 256)]
        return rows, all(row["busy"] >= GOAL for row in wanted), {"seed": 3}

    return run_benchmark("scaling.workers", "busy 95 % of the time at 4, 64 and 256 workers", body, rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
