"""What a trial may end with, and a short way to add one, for the store's tests."""

import subprocess
import time
from collections.abc import Callable
from typing import Any

from hpo.store import DesignResult, Store, TrialResult

LEASE_S = 1.5
Start = Callable[[], "subprocess.Popen[str]"]
"""Starts a driver of the toy campaign, with a lease of ``LEASE_S``, in a process of its own."""
DESIGN = DesignResult(
    config={"lanes": [4, 2], "weight_bits": 6},
    measures={"accuracy": 0.9375, "latency_us": 12.5, "energy_uj": 0.1, "luts": 812},
    details={"cycles": [700, 550]},
    feasible=True,
)
FULL = TrialResult(
    state="complete",
    reason="trained to the end",
    metrics={"accuracy_float": 0.95, "epochs": 4},
    constraints={"silence": -0.25},
    spikes_per_layer=[120.5, 3.25],
    timings={"train_s": 2.5},
    versions={"torch": "2.13.0"},
    artifact="ab" * 32,
    designs=[DESIGN, DesignResult({"lanes": [1, 1]}, {"accuracy": 0.5}, {}, feasible=False)],
)


def add(store: Store, campaign: str = "digits") -> int:
    return store.add_trial(campaign, {"beta": 0.9}, 11, {"from": "sobol"}).number


def drive_to(store: Store, state: Any, name: str = "digits") -> None:
    path: list[Any] = {"created": [], "running": ["running"]}.get(state, ["running", state])
    for step in path:
        store.set_campaign_state(name, step)


def until(store: Store, ended: int) -> None:
    """Wait until that many trials of the toy campaign ended."""
    deadline = time.monotonic() + 60
    while True:
        known = [record.name for record in store.campaigns()]
        counts = store.counts("toy") if known else {}
        if sum(counts.values()) - counts.get("queued", 0) - counts.get("running", 0) >= ended:
            return
        assert time.monotonic() < deadline, f"{ended} wanted, {counts}, driven by {store.lease_holder('toy')}"
        time.sleep(0.05)
