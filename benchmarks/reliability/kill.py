"""Drivers killed with SIGKILL at random moments, resumed by another process, until the campaign is finished.

Trials in one process end in one order, so the whole history must be that of a campaign that nobody killed. On
two Ray workers the order is the machine's; there every proposal is made again from what had ended and what
ran when it was made, and must be the same. In both, no trial is lost, none counts twice, each has its seed.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.common import Outcome, run_benchmark
from benchmarks.reliability.toy_driver import BUDGET, pool_named
from hpo.driver import Campaign, Hooks, drive, trial_seed
from hpo.history import observations
from hpo.optimizer import Observation
from hpo.optimizer.propose import propose
from hpo.queries import status
from tests.hpo.toy import history, open_toy

ROOT = Path(__file__).parents[2]
KILLS = {"serial": 40, "ray": 10}
LONGEST_S = {"serial": 6.0, "ray": 8.0}
"""A driver is killed at a moment drawn between its first and this second."""


def killed_once(home: Path, name: str, after_s: float) -> bool:
    """Start a driver and kill it; False when it had finished the campaign before."""
    command = [sys.executable, "-m", "benchmarks.reliability.toy_driver", str(home), name]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert child.stdout is not None
    with child.stdout:
        if child.stdout.readline() != "driving\n":
            raise RuntimeError("the driver did not start")
    try:
        child.wait(after_s)
        return False
    except subprocess.TimeoutExpired:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        return True
    finally:
        _sweep(child.pid)


def _sweep(session: int) -> None:
    """End what a killed driver left: its private Ray cluster, which belongs to its session."""
    try:
        os.killpg(session, signal.SIGKILL)
    except ProcessLookupError:
        return


def one_campaign(home: Path, name: str, kills: int, rng: random.Random) -> tuple[Campaign, int, float]:
    """A campaign whose driver is killed up to ``kills`` times, how often, and seconds of the last drive."""
    done = 0
    while done < kills and killed_once(home, name, rng.uniform(0.0, LONGEST_S[name])):
        done += 1
    campaign = open_toy(home, budget=BUDGET)
    started = time.perf_counter()
    while status(campaign.store, "toy").state != "finished":
        pool = pool_named(name)
        try:
            drive(campaign, pool, Hooks())
        finally:
            pool.close()
    return campaign, done, time.perf_counter() - started


def faults(campaign: Campaign) -> dict[str, int]:
    """What must not be in the record of a campaign that was killed: all of it is zero."""
    store = campaign.store
    trials = store.trials("toy")
    counts: dict[str, Counter[int]] = {}
    for event in store.events("toy"):
        if event.trial is not None:
            counts.setdefault(event.kind, Counter())[event.trial] += 1
    numbers = [trial.number for trial in trials]
    finished, started = counts.get("trial_finished", Counter()), counts.get("trial_started", Counter())
    return {
        "lost": BUDGET["trials"] - len([trial for trial in trials if trial.finished_at]),
        "twice": sum(finished[n] != 1 for n in numbers) + (numbers != list(range(BUDGET["trials"]))),
        "untold": sum(started[trial.number] != trial.attempts + 1 for trial in trials),
        "other_seed": sum(trial.seed != trial_seed(campaign.spec.seed, trial.number) for trial in trials),
    }


def other_proposals(campaign: Campaign) -> int:
    """Trials whose configuration is not what the search proposes from what was known at that moment."""
    ended = {seen.index: seen for seen in observations(campaign.spec, campaign.store)}
    configs = {trial.number: trial.config for trial in campaign.store.trials("toy")}
    history: list[Observation] = []
    running: set[int] = set()
    wrong = 0
    for event in campaign.store.events("toy"):
        if event.trial is None:
            continue
        if event.kind == "trial_queued":
            pending = [configs[number] for number in sorted(running)]
            proposal: Any = propose(campaign.problem, history, pending, event.trial)
            wrong += dict(proposal.config) != configs[event.trial]
        elif event.kind == "trial_started":
            running.add(event.trial)
        else:
            running.discard(event.trial)
        if event.kind == "trial_finished":
            history.append(ended[event.trial])
    return wrong


def body(quick: bool) -> Outcome:
    """A row per campaign."""
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        whole = open_toy(Path(folder) / "whole", budget=BUDGET)
        drive(whole, pool_named("serial"), Hooks())
        rows = []
        for name in ("serial",) if quick else ("serial", "ray"):
            wanted = 4 if quick else KILLS[name]
            while wanted > 0:
                home = Path(folder) / f"{name}-{len(rows)}"
                campaign, kills, seconds = one_campaign(home, name, wanted, rng)
                wanted -= kills
                again = sum(trial.attempts for trial in campaign.store.trials("toy"))
                same = history(campaign) == history(whole) if name == "serial" else None
                rows.append(
                    {"workers": 1 if name == "serial" else 2, "kills": kills, "run_again": again,
                     **faults(campaign), "same_history": same,
                     "other_proposals": other_proposals(campaign), "last_s": round(seconds, 1)}
                )  # fmt: skip
    zero = ("lost", "twice", "untold", "other_seed", "other_proposals")
    passed = all(row[name] == 0 for row in rows for name in zero) and all(
        row["same_history"] is not False for row in rows
    )
    return (
        rows,
        passed,
        {"seed": 7, "trials": BUDGET["trials"], "longest_s": LONGEST_S, "trial_s": [0.3, 0.88]},
    )


if __name__ == "__main__":
    sys.exit(run_benchmark("reliability.kill", "no trial lost, counted twice or proposed otherwise", body))
