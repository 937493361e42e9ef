"""What telling progress costs: a worker's look at the board, and the driver's note in the store.

A worker looks once a second, so a millisecond is a thousandth of its time. The driver notes all trials at
once, each second or as seldom as keeps it to a tenth of its time. Progress is of a trial after 100 epochs.
"""

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.common import Outcome, run_benchmark
from hpo.noting import SHARE
from hpo.queries import status
from tests.hpo.toy import open_toy
from workers.board import Board
from workers.cluster import connect
from workers.pool import Resources
from workers.progress import Progress

EPOCHS = 100
PROGRESS = Progress(
    loss=tuple(1.0 / (k + 1) for k in range(EPOCHS)),
    train_accuracy=tuple(0.9 - 0.5 / (k + 1) for k in range(EPOCHS)),
    validation_accuracy=tuple(0.88 - 0.5 / (k + 1) for k in range(EPOCHS)),
    spikes_per_layer=(812.5, 91.25, 12.5),
    firing_rates=(0.125, 0.0625, 0.25),
    silence_constraint=-0.1,
    seconds=60.0,
)
GOAL_WORKER = 0.01
GOAL_NOTES_PER_S = 0.2


def worker_ms(times: int) -> float:
    """One look at the board of a Ray cluster, with progress."""
    ray = connect(Resources(workers=1), None)
    board = ray.remote(Board).options(num_cpus=0).remote()
    ray.get(board.exchange.remote(0, PROGRESS))
    began = time.perf_counter()
    for _ in range(times):
        ray.get(board.exchange.remote(0, PROGRESS))
    taken = time.perf_counter() - began
    ray.shutdown()
    return 1000.0 * taken / times


def driver_ms(trials: int, times: int) -> tuple[float, float]:
    """One note of every running trial in an SQLite store, and one status for a live view."""
    with tempfile.TemporaryDirectory() as home:
        campaign = open_toy(Path(home), search="random", budget={"trials": trials})
        store = campaign.store
        store.set_campaign_state("toy", "running")
        for number in range(trials):
            store.add_trial("toy", {"beta": 0.5, "threshold": 1.0, "reset": "zero"}, number, {})
            store.start_trial("toy", number)
        began = time.perf_counter()
        for k in range(times):
            newest = replace(PROGRESS, seconds=60.0 + k).as_dict()
            store.note_progress("toy", dict.fromkeys(range(trials), newest))
        noted = time.perf_counter()
        for _ in range(times):
            status(store, "toy")
        shown = time.perf_counter()
        store.close()
    return 1000.0 * (noted - began) / times, 1000.0 * (shown - noted) / times


def body(quick: bool) -> Outcome:
    """A row per number of running trials."""
    times = 5 if quick else 50
    look = worker_ms(10 * times)
    rows: list[dict[str, Any]] = []
    for trials in (4, 64) if quick else (4, 64, 256):
        note, show = driver_ms(trials, times)
        rows.append(
            {
                "running": trials,
                "worker_ms": round(look, 2),
                "note_ms": round(note, 1),
                "status_ms": round(show, 1),
                "notes_per_s": round(min(1.0, 1000.0 * SHARE / note), 2),
            }
        )
    passed = look / 1000.0 < GOAL_WORKER and rows[-1]["notes_per_s"] >= GOAL_NOTES_PER_S
    return rows, passed, {"epochs": EPOCHS}


if __name__ == "__main__":
    sys.exit(
        run_benchmark(
            "scaling.progress", "1 % of a worker's time; a note within 5 s where 256 trials run", body
        )
    )
