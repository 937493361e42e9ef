"""Trials that break on purpose, and campaigns of them."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from hpo.driver import Campaign, Hooks, drive
from tests.hpo.toy import evaluate, open_toy
from workers.outcome import TrialOutcome, TrialRequest
from workers.pool import Resources
from workers.progress import Report, unheard
from workers.ray_pool import RayPool

TRIALS = 12
HIT = (2, 5, 8)
"""Numbers of the trials that break."""
TRIAL_S = 0.4
LIMIT_S = 3.0
MEMORY_GB = 0.25
OF_TRIALS = (
    "worker killed",
    "interpreter aborted",
    "trial raises",
    "trial returns NaN",
    "trial hangs",
    "trial leaks memory",
)
"""Faults of trials; what befalls a campaign from around it breaks no trial."""
TRANSIENT = ("worker killed", "interpreter aborted")
"""What befalls a trial once; its second run is sound."""


def work(request: TrialRequest, _report: Report, fault: str, folder: str) -> TrialOutcome:
    """The toy trial, which notes when it ran and breaks if its number says so."""
    note(folder, request.number, "run")
    config = {**request.config, "beta": max(0.5, request.config["beta"])}
    sound = partial(evaluate, replace(request, config=config), unheard)
    breaks = fault in OF_TRIALS and request.number in HIT
    if breaks and not (fault in TRANSIENT and runs(folder)[request.number] > 1):
        note(folder, request.number, "fault")
        return break_down(fault, sound)
    time.sleep(TRIAL_S)
    return sound()


def break_down(fault: str, sound: Callable[[], TrialOutcome]) -> TrialOutcome:
    """One of the ways in which a trial can end badly."""
    if fault == "worker killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "interpreter aborted":
        os.abort()
    if fault == "trial raises":
        raise ValueError("broken on purpose")
    if fault == "trial hangs":
        time.sleep(3600.0)
    if fault == "trial leaks memory":
        kept = []
        while True:
            kept.append(np.ones(2**22))
    found = sound()
    return replace(found, state="complete", metrics={**found.metrics, "accuracy": float("nan")})


def note(folder: str, number: int, what: str) -> None:
    """One line in the folder's log."""
    with (Path(folder) / "log").open("a", encoding="ascii") as log:
        log.write(f"{time.time()} {number} {what}\n")


def noted(folder: str, what: str) -> list[tuple[float, int]]:
    """Moments and trial numbers of one kind of line."""
    path = Path(folder) / "log"
    lines = [line.split() for line in path.read_text(encoding="ascii").splitlines()] if path.exists() else []
    return [(float(moment), int(number)) for moment, number, kind in lines if kind == what]


def runs(folder: str) -> dict[int, int]:
    """How often each trial was begun."""
    counts: dict[int, int] = {}
    for _, number in noted(folder, "run"):
        counts[number] = counts.get(number, 0) + 1
    return counts


@dataclass(frozen=True)
class Bench:
    """A folder for one campaign with one fault."""

    fault: str
    folder: str
    address: str | None = None

    def campaign(self) -> Campaign:
        """The campaign, created on first use."""
        return open_toy(Path(self.folder) / "home", search="random", budget={"trials": TRIALS, "initial": 6})

    def pool(self) -> RayPool:
        """Two workers."""
        bounded = self.fault == "trial leaks memory"
        limit = LIMIT_S if self.fault == "trial hangs" else None
        resources = Resources(workers=2, time_limit_s=limit, memory_gb=MEMORY_GB if bounded else None)
        return RayPool(partial(work, fault=self.fault, folder=self.folder), resources, self.address)

    def drive(self, hooks: Hooks | None = None) -> Campaign:
        """The campaign, driven to its end."""
        campaign, pool = self.campaign(), self.pool()
        try:
            drive(campaign, pool, hooks or Hooks())
        finally:
            pool.close()
        return campaign
