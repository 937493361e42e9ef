"""Pools that run trials: Ray for real, serial for debugging. One Protocol, one conformance suite.

A pool knows nothing of campaigns: requests go in, ``(number, outcome)`` pairs come out in any order. A trial
that raises, outlives its time limit or takes its worker down becomes an outcome with state "failed"; it never
raises out of ``collect``.
"""

import os
import secrets
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from spikefront.errors import InputError
from workers.outcome import TrialOutcome, TrialRequest, failed

Evaluate = Callable[[TrialRequest], TrialOutcome]


@dataclass(frozen=True)
class Resources:
    """What each trial gets, and how many run at once."""

    workers: int = 2
    threads: int = 1
    gpus: float = 0.0
    time_limit_s: float | None = None


class Pool(Protocol):
    """Runs trials."""

    @property
    def free(self) -> int:
        """How many more trials may be submitted now."""
        ...

    def submit(self, request: TrialRequest) -> None:
        """Start a trial; only while ``free`` is above zero."""
        ...

    def collect(self, timeout_s: float) -> list[tuple[int, TrialOutcome]]:
        """Trials that ended since the last call; waits up to ``timeout_s`` for the first."""
        ...

    def close(self) -> None:
        """Stop whatever still runs and release the workers."""
        ...


def guarded(evaluate: Evaluate, request: TrialRequest) -> TrialOutcome:
    """Evaluate; whatever it raises becomes a failed outcome with its traceback."""
    try:
        return evaluate(request)
    except Exception as error:
        return failed(f"{type(error).__name__}: {error}", traceback.format_exc())


class SerialPool:
    """Runs one trial at a time in this process, inside ``collect``."""

    def __init__(self, evaluate: Evaluate) -> None:
        self._evaluate = evaluate
        self._waiting: deque[TrialRequest] = deque()

    @property
    def free(self) -> int:
        """One, unless a trial waits."""
        return 1 - len(self._waiting)

    def submit(self, request: TrialRequest) -> None:
        """Keep the trial for the next ``collect``."""
        self._waiting.append(request)

    def collect(self, timeout_s: float) -> list[tuple[int, TrialOutcome]]:  # noqa: ARG002 (it never waits)
        """Run the waiting trial."""
        if not self._waiting:
            return []
        request = self._waiting.popleft()
        return [(request.number, guarded(self._evaluate, request))]

    def close(self) -> None:
        """Forget the waiting trial."""
        self._waiting.clear()


@dataclass(frozen=True)
class _Running:
    number: int
    started: float


class RayPool:
    """Runs trials as Ray tasks, on this machine or on a cluster.

    Args:
        evaluate: the work, importable on every worker.
        resources: slots and what each gets.
        address: of a running Ray cluster; None starts a private one that ends with ``close``.

    Raises:
        InputError: the cluster at ``address`` does not answer.
    """

    def __init__(self, evaluate: Evaluate, resources: Resources, address: str | None = None) -> None:
        self._resources = resources
        self._running: dict[Any, _Running] = {}
        self._ray = _connect(resources, address)
        self._task = self._ray.remote(guarded).options(
            num_cpus=resources.threads, num_gpus=resources.gpus, max_retries=0
        )
        self._evaluate = evaluate

    @property
    def free(self) -> int:
        """Slots without a trial."""
        return self._resources.workers - len(self._running)

    def submit(self, request: TrialRequest) -> None:
        """Send the trial to a worker."""
        reference = self._task.remote(self._evaluate, request)
        self._running[reference] = _Running(request.number, time.monotonic())

    def collect(self, timeout_s: float) -> list[tuple[int, TrialOutcome]]:
        """Trials that ended, and those that outlived their time limit."""
        if not self._running:
            return []
        done, _ = self._ray.wait(list(self._running), num_returns=1, timeout=timeout_s)
        return [(self._running.pop(ref).number, self._result(ref)) for ref in done] + self._overdue()

    def close(self) -> None:
        """Stop running trials and leave the cluster (or end the private one)."""
        for reference in self._running:
            self._ray.cancel(reference, force=True)
        self._running.clear()
        self._ray.shutdown()

    def _result(self, reference: Any) -> TrialOutcome:
        try:
            outcome: TrialOutcome = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            return failed(f"the worker died: {type(error).__name__}", str(error))
        return outcome

    def _overdue(self) -> list[tuple[int, TrialOutcome]]:
        limit = self._resources.time_limit_s
        if limit is None:
            return []
        late = [ref for ref, run in self._running.items() if time.monotonic() - run.started > limit]
        for reference in late:
            self._ray.cancel(reference, force=True)
        return [
            (self._running.pop(ref).number, failed(f"stopped after its time limit of {limit:g} s"))
            for ref in late
        ]


def _connect(resources: Resources, address: str | None) -> Any:
    """Ray, connected: to a cluster, or to a private one with exactly the slots asked for."""
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_urlsafe(32))
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    common: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "ignore_reinit_error": True}
    if address is None:
        ray.init(num_cpus=resources.workers * resources.threads, include_dashboard=False, **common)
        return ray
    try:
        ray.init(address=address, **common)
    except (ConnectionError, ray.exceptions.RaySystemError, ValueError) as error:
        raise InputError(
            f"no Ray cluster answers at {address!r} ({error}): start one with 'ray start --head', "
            "or leave --ray out to use this machine"
        ) from None
    return ray
