"""Whole campaigns with and without batches: trials that one worker trains in one program, on one core.

A random search over constants, rates and two widths on the real digits, driven in this process with a serial
pool, store and pricing included; no models, so that what a trial costs is its training and what surrounds it.
"share" is the time of training. Proposals of a batch do not know of each other's outcome, which a random
search does not mind; a model-based one learns a little later. CPU time of this process; run with
OMP_NUM_THREADS=1.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import Outcome, Row, run_benchmark
from hpo import runs
from hpo.campaign import CampaignSpec
from hpo.driver import Hooks, drive
from hpo.home import Home
from hpo.store import TrialRecord

GOAL = "batches of 16 at least twice as many trials per CPU second as single trials"
SIZES = (1, 4, 16)
FASTER = 2.0
_SEED = 0
_SPACE: dict[str, Any] = {
    "beta": {"type": "float", "low": 0.3, "high": 0.99},
    "threshold": {"type": "float", "low": 0.3, "high": 2.0, "log": True},
    "learning_rate": {"type": "float", "low": 1e-3, "high": 3e-2, "log": True},
    "hidden_width": {"type": "ordinal", "values": [32, 64]},
    "weight_bits": {"type": "integer", "low": 4, "high": 8},
}


def body(quick: bool) -> Outcome:
    """Drive one campaign per size of batch, largest last."""
    trials, epochs = (16, 2) if quick else (48, 10)
    rows = [_row(size, trials, epochs) for size in SIZES]
    alone = rows[0]["cpu_s_per_trial"]
    rows = [{**row, "speed": round(alone / row["cpu_s_per_trial"], 2)} for row in rows]
    return rows, rows[-1]["speed"] >= FASTER, {"seeds": [_SEED], "trials": trials, "epochs": epochs}


def _row(size: int, trials: int, epochs: int) -> Row:
    spec = _spec(size, trials, epochs)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        store = home.open()
        splits = runs.create(store, spec, None)
        campaign = runs.open_campaign(store, home, spec.name, None, splits)
        pool = runs.make_pool(spec, serial=True)
        started = time.process_time()
        drive(campaign, pool, Hooks())
        seconds = time.process_time() - started
        done = store.trials(spec.name, states={"complete"})
    training = sum(trial.timings["train_s"] for trial in done)
    return {
        "batch": size,
        "cpu_s_per_trial": round(seconds / trials, 3),
        "training_s_per_trial": round(training / len(done), 3),
        "complete": len(done),
        "best_accuracy": max(map(_accuracy, done)),
        "median_accuracy": float(np.median(list(map(_accuracy, done)))),
    }


def _accuracy(trial: TrialRecord) -> float:
    return round(float(trial.metrics["accuracy"]), 4)


def _spec(size: int, trials: int, epochs: int) -> CampaignSpec:
    return CampaignSpec.from_mapping(
        {
            "name": f"batches-of-{size}",
            "seed": _SEED,
            "data": {"set": "digits"},
            "objectives": {"accuracy": {"reference": 0.1}, "latency_us": {"reference": 1000.0}},
            "space": _SPACE,
            "fixed": {"epochs": epochs, "time_steps": 10, "surrogate_slope": 5.0},
            "budget": {"trials": trials, "initial": 1},
            "workers": {"count": 1, "batch": size},
            "search": "random",
        }
    )


if __name__ == "__main__":
    sys.exit(run_benchmark("training.batch_campaign", GOAL, body))
