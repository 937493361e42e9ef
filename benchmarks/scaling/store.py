"""One store with 100,000 trials: what commands, pages and the driver cost there, on SQLite and PostgreSQL.

The campaign is taken in as from a file. Commands are timed within a process that has the store open, and as
fresh processes, with the interpreter's start, its processor time (other programs share the machine) and its
largest memory; what the driver does per trial is timed in this campaign and in one of 100 trials beside it.
What reads every trial is Python's work on either database, and timed on SQLite alone. ``--work FOLDER`` keeps
the SQLite store and finished rows for another turn.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.common import Outcome, Row, run_benchmark
from benchmarks.scaling.many_trials import ManyTrials, campaign_row
from hpo import plots
from hpo.bundle import write_bundle
from hpo.history import observations
from hpo.home import Home
from hpo.overview import statuses
from hpo.queries import front, hypervolume_curve, spec_of, status
from hpo.remarks import remarks
from hpo.store import DesignResult, Store, TrialResult
from hpo.store.transfer import insert_campaign
from tests.hpo.store.private_server import CannotRunError, PrivateServer

ROOT = Path(__file__).parents[2]
GOAL_S = 1.0
GOAL_RATIO = 3.0
COMMANDS = {"list": ("list",), "status": ("status", "large"), "front": ("front", "large")}
JUDGED = tuple(COMMANDS)
WHOLE = ("hypervolume curve", "history on resume")
"""What reads every trial."""
REPEATS = 5
COMMAND = """
import atexit, re, sys, time
def said():
    peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
    print(time.process_time(), peak, file=sys.stderr)
atexit.register(said)
from hpo.cli import main
main()
"""
"""The command, which says its processor seconds and its largest memory (kB) at the end."""


@contextmanager
def stores(folder: Path) -> Iterator[dict[str, str]]:
    """URL of an empty store of each kind; PostgreSQL where its programs are installed."""
    urls = {"sqlite": f"sqlite:///{folder / 'sqlite' / 'store.db'}"}
    try:
        server = PrivateServer()
    except CannotRunError as error:
        print(f"without PostgreSQL: {error}")
        yield urls
        return
    server.start()
    try:
        yield {**urls, "postgresql": f"{server.url}/postgres"}
    finally:
        server.remove()


def seconds(action: Callable[[], object], repeats: int = REPEATS) -> float:
    """The least of several runs: the machine is shared, and what others take of it is not the store's."""
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        action()
        found.append(time.perf_counter() - began)
    return min(found)


def command_s(home: Home, *arguments: str) -> dict[str, float]:
    """A fresh ``spikefront`` process: least wall and processor time, and its largest memory in MB."""
    command = [sys.executable, "-c", COMMAND, *arguments, "--home", str(home.path)]
    wall, own, memory = [], [], []
    for _ in range(REPEATS):
        began = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        wall.append(time.perf_counter() - began)
        used = done.stderr.split()
        own.append(float(used[-2]))
        memory.append(float(used[-1]) / 1024)
    return {"fresh_s": min(wall), "fresh_cpu_s": min(own), "memory_mb": max(memory)}


def verbs(store: Store, name: str) -> dict[str, Callable[[], object]]:
    """What people and pages ask, and what a driver reads once, when it resumes."""
    return {
        "list": lambda: statuses(store, 100),
        "status": lambda: status(store, name),
        "front": lambda: front(store, name),
        "page of 100 trials": lambda: store.trials(name, after=store.trial_count(name) // 2, limit=100),
        "5000 points of the page": lambda: (store.points(name, newest=5000), store.feasible_count(name)),
        "remarks": lambda: remarks(store, name),
        "picture of the front": lambda: plots.draw_front(store, name, Path(os.devnull)),
        "hypervolume curve": lambda: hypervolume_curve(store, name),
        "history on resume": lambda: observations(spec_of(store, name), store),
    }


def one_trial(store: Store, name: str, trials: ManyTrials, k: int) -> dict[str, float]:
    """Seconds of each write that a driver makes for one trial, with three designs."""
    row = trials.trial(k)
    clock = time.perf_counter
    marks = [clock()]
    store.trial_count(name)
    number = store.add_trial(name, row["config"], row["seed"], row["proposal"]).number
    marks.append(clock())
    store.start_trial(name, number)
    marks.append(clock())
    designs = [
        DesignResult(found["config"], found["measures"], found["details"], found["feasible"])
        for found in trials.designs(k)
    ]
    result = TrialResult("complete", metrics=row["metrics"], constraints=row["constraints"], designs=designs)
    store.finish_trial(name, number, result)
    marks.append(clock())
    steps = ("add_trial", "start_trial", "finish_trial")
    return dict(zip(steps, (b - a for a, b in itertools.pairwise(marks)), strict=True))


def driver_rows(store: Store, kind: str, small: str, large: str, trials: ManyTrials) -> list[Row]:
    """Median of each write in the large campaign and in the small one, turn by turn."""
    complete = [k for k in range(trials.count) if trials.state[k] == "complete"][:60]
    found: dict[str, list[dict[str, float]]] = {small: [], large: []}
    for k in complete:
        for name in (small, large):
            found[name].append(one_trial(store, name, trials, k))
    rows = []
    for step in found[small][0]:
        few, many = (statistics.median(run[step] for run in found[name]) for name in (small, large))
        rows.append(
            {"store": kind, "what": step, "open_s": many, "of_100_trials_s": few, "ratio": many / few}
        )
    return rows


def on(kind: str, url: str, home: Home, trials: ManyTrials) -> list[Row]:
    """All rows of one kind of store; it is filled unless it was before."""
    os.environ["SPIKEFRONT_STORE"] = url
    rows: list[Row] = []
    with closing(home.open()) as store:
        if not store.campaign_count():
            few = ManyTrials(100, seed=1)
            insert_campaign(url, campaign_row("small", few.count), few.rows, "small")
            large = campaign_row("large", trials.count)
            taken = seconds(lambda: insert_campaign(url, large, trials.rows, "large"), 1)
            rows.append({"store": kind, "what": "rows taken in", "open_s": taken})
        for what, verb in verbs(store, "large").items():
            if what not in WHOLE or kind == "sqlite":
                took = seconds(verb, REPEATS if what in JUDGED else 1)
                fresh = command_s(home, *COMMANDS[what]) if what in JUDGED else {}
                rows.append({"store": kind, "what": what, "open_s": took, **fresh})
        rows += driver_rows(store, kind, "small", "large", trials)
        print(
            f"{kind}: {len(front(store, 'large'))} of {store.feasible_count('large')} on the front",
            flush=True,
        )
    rows.append({"store": kind, "what": "db version", **command_s(home, "db", "version")})
    if kind == "sqlite":
        file = home.path / "large.zip"
        took = seconds(lambda: write_bundle(home, "large", file, networks=False), 1)
        rows.append(
            {"store": kind, "what": "db export", "open_s": took, "file_mb": file.stat().st_size / 1e6}
        )
        file.unlink()
    return rows


def body(quick: bool, work: Path) -> Outcome:
    """Fill both stores and time them; what ``work`` has of it is not done again."""
    trials = ManyTrials(3000 if quick else 100_000)
    kept = work / "rows.jsonl"
    rows: list[Row] = []
    if kept.exists():
        rows = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    with stores(work) as urls:
        for kind, url in urls.items():
            if not any(row["store"] == kind for row in rows):
                home = Home(work / kind)
                home.path.mkdir(exist_ok=True)
                new = on(kind, url, home, trials)
                rows += new
                with kept.open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(row) + "\n" for row in new)
    judged = [row for row in rows if row["what"] in JUDGED]
    quickly = all(max(row["open_s"], row["fresh_cpu_s"]) < GOAL_S for row in judged)
    steady = all(row["ratio"] < GOAL_RATIO for row in rows if "ratio" in row)
    return rows, quickly and steady, {"trials": trials.count, "seeds": [0, 1]}


def main() -> int:
    """Run it in a folder that is kept, or in one of its own."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--work", type=Path)
    own, others = parser.parse_known_args()
    goal = (
        f"list, status and front under {GOAL_S:.0f} s, processor time of a fresh process too; a trial's "
        f"writes under {GOAL_RATIO:.0f} times those in a campaign of 100"
    )
    if own.work is not None:
        own.work.mkdir(parents=True, exist_ok=True)
        return run_benchmark("scaling.store", goal, lambda quick: body(quick, own.work), others)
    with tempfile.TemporaryDirectory() as name:
        return run_benchmark("scaling.store", goal, lambda quick: body(quick, Path(name)), others)


if __name__ == "__main__":
    sys.exit(main())
