"""The common path: from ``spikefront run`` to the first trial at work, and what a trial costs by itself.

A small campaign on the digits runs as the command runs it, on one Ray worker of a private cluster. Ray's own
start and its first empty task are timed in a process of their own, right after. The first trial is at work
when its worker has imported what it needs: at its end, less the seconds of its phases.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import Outcome, run_benchmark
from hpo.home import Home

ROOT = Path(__file__).parents[2]
GOAL_START_S = 10.0
GOAL_TRIAL_MS = 100.0
CAMPAIGN = """
name = "start"
objectives = { accuracy = { reference = 0.5 }, latency_us = { reference = 500.0 } }
budget = { trials = %d, initial = %d }
workers = { count = 1 }
data = { set = "digits" }
fixed = { epochs = 5, encoding = "rate", time_steps = 5 }
[space]
beta = { type = "float", low = 0.8, high = 0.98 }
threshold = { type = "float", low = 0.5, high = 1.0 }
"""
RAY = """
import time
began = time.perf_counter()
from workers.cluster import connect
from workers.pool import Resources
ray = connect(Resources(workers=1), None)
ray.get(ray.remote(lambda: None).remote())
print(time.perf_counter() - began)
"""


def ray_alone_s(environment: dict[str, str]) -> float:
    """Seconds until a private cluster has run an empty task."""
    done = subprocess.run(
        [sys.executable, "-c", RAY], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def one_run(trials: int) -> dict[str, Any]:
    """One campaign from the command's start."""
    kept = {name: value for name, value in os.environ.items() if name != "SPIKEFRONT_STORE"}
    environment = {**kept, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "start.toml"
        file.write_text(CAMPAIGN % (trials, trials), encoding="utf-8")
        began = time.time()
        command = [sys.executable, "-m", "hpo", "run", str(file), "--home", f"{folder}/home"]
        subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
        store = Home(Path(folder) / "home").open()
        found = store.trials("start")
        store.close()
    spans = [(t.finished_at.timestamp() - t.started_at.timestamp()) for t in found]  # type: ignore[union-attr]
    beside = [span - sum(t.timings.values()) for span, t in zip(spans, found, strict=True)]
    first = found[0].started_at.timestamp() + beside[0] - began  # type: ignore[union-attr]
    ray_s = ray_alone_s(environment)
    return {
        "first_trial_at_work_s": round(first, 2),
        "ray_alone_s": round(ray_s, 2),
        "beyond_ray_s": round(first - ray_s, 2),
        "beside_training_ms": round(1000 * statistics.median(beside[1:]), 1),
        "beside_training_most_ms": round(1000 * max(beside[1:]), 1),
        "load_average": round(os.getloadavg()[0], 1),
    }


def body(quick: bool) -> Outcome:
    """A row per run."""
    rows = [one_run(6 if quick else 20) for _ in range(1 if quick else 3)]
    start = statistics.median(row["beyond_ray_s"] for row in rows)
    beside = statistics.median(row["beside_training_ms"] for row in rows)
    return rows, start < GOAL_START_S and beside < GOAL_TRIAL_MS, {"trials": 6 if quick else 20}


if __name__ == "__main__":
    sys.exit(
        run_benchmark(
            "scaling.start", "first trial within 10 s beyond Ray's start, 100 ms beside a training", body
        )
    )
