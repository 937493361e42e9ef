"""Pools that run trials: Ray for real, serial for debugging. One Protocol, one conformance suite.

A pool knows nothing of campaigns: requests go in, ``(number, outcome)`` pairs come out in any order. A trial
that raises or outlives its time limit becomes an outcome with state "failed"; one whose worker dies is run
again, a bounded number of times. Nothing of this raises out of ``collect``.
"""

import os
import secrets
import signal
import socket
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import urlsplit

from spikefront.errors import InputError
from workers.outcome import TrialOutcome, TrialRequest, failed

Evaluate = Callable[[TrialRequest], TrialOutcome]

ATTEMPTS = 3
"""Runs of a trial whose worker keeps dying, before it is given up as failed."""
GRACE_S = 30.0
"""Beyond its time limit, a trial that does not react to being stopped loses its worker after this long."""


@dataclass(frozen=True)
class Resources:
    """What each trial gets, and how many run at once."""

    workers: int = 2
    threads: int = 1
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


class TrialTimeoutError(Exception):
    """Raised inside a trial that has outlived its time limit."""


def guarded(evaluate: Evaluate, request: TrialRequest, limit_s: float | None = None) -> TrialOutcome:
    """Evaluate; whatever it raises becomes a failed outcome with its traceback."""
    try:
        with _limited(limit_s):
            return evaluate(request)
    except TrialTimeoutError:
        return failed(f"stopped after its time limit of {limit_s:g} s")
    except Exception as error:
        return failed(f"{type(error).__name__}: {error}", traceback.format_exc())


@contextmanager
def _limited(seconds: float | None) -> Iterator[None]:
    """Raise TrialTimeoutError in this thread after ``seconds``; only a main thread can be interrupted so."""
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: object) -> None:
        raise TrialTimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


class SerialPool:
    """Runs one trial at a time in this process, inside ``collect``."""

    def __init__(self, evaluate: Evaluate, time_limit_s: float | None = None) -> None:
        self._evaluate = evaluate
        self._time_limit_s = time_limit_s
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
        return [(request.number, guarded(self._evaluate, request, self._time_limit_s))]

    def close(self) -> None:
        """Forget the waiting trial."""
        self._waiting.clear()


@dataclass(frozen=True)
class _Running:
    request: TrialRequest
    started: float
    attempt: int


class RayPool:
    """Runs trials as Ray tasks, on this machine or on a cluster.

    Args:
        evaluate: the work, importable on every worker.
        resources: slots and what each gets.
        address: of a running Ray cluster; None starts a private one that ends with ``close``.

    Raises:
        InputError: the cluster at ``address`` does not answer, or no node of it has enough processors.
    """

    def __init__(self, evaluate: Evaluate, resources: Resources, address: str | None = None) -> None:
        self._resources = resources
        self._running: dict[Any, _Running] = {}
        self._ray = _connect(resources, address)
        self._task = self._ray.remote(guarded).options(num_cpus=resources.threads, max_retries=0)
        self._evaluate = evaluate

    @property
    def free(self) -> int:
        """Slots without a trial."""
        return self._resources.workers - len(self._running)

    def submit(self, request: TrialRequest) -> None:
        """Send the trial to a worker."""
        self._start(_Running(request, time.monotonic(), 1))

    def collect(self, timeout_s: float) -> list[tuple[int, TrialOutcome]]:
        """Trials that ended, and those whose worker had to be ended."""
        if not self._running:
            return []
        references = list(self._running)
        self._ray.wait(references, num_returns=1, timeout=timeout_s)
        done, _ = self._ray.wait(references, num_returns=len(references), timeout=0)
        ended = [(self._running[ref].request.number, self._finish(ref)) for ref in done]
        return [(number, outcome) for number, outcome in ended if outcome is not None] + self._overdue()

    def close(self) -> None:
        """Stop running trials and leave the cluster (or end the private one)."""
        for reference in self._running:
            self._ray.cancel(reference, force=True)
        self._running.clear()
        self._ray.shutdown()

    def _start(self, run: _Running) -> None:
        reference = self._task.remote(self._evaluate, run.request, self._resources.time_limit_s)
        self._running[reference] = run

    def _finish(self, reference: Any) -> TrialOutcome | None:
        """The outcome of a task that ended; None when its worker died and it was started again."""
        run = self._running.pop(reference)
        try:
            outcome: TrialOutcome = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            if run.attempt < ATTEMPTS:
                self._start(replace(run, started=time.monotonic(), attempt=run.attempt + 1))
                return None
            return failed(f"its worker died {ATTEMPTS} times: {type(error).__name__}", str(error))
        return outcome

    def _overdue(self) -> list[tuple[int, TrialOutcome]]:
        """End the workers of trials that did not stop by themselves at their time limit."""
        limit = self._resources.time_limit_s
        if limit is None:
            return []
        deadline = time.monotonic() - limit - GRACE_S
        late = [reference for reference, run in self._running.items() if run.started < deadline]
        for reference in late:
            self._ray.cancel(reference, force=True)
        reason = f"stopped with its worker, as it did not react to its time limit of {limit:g} s"
        return [(self._running.pop(reference).request.number, failed(reason)) for reference in late]


def _connect(resources: Resources, address: str | None) -> Any:
    """Ray, connected: to a cluster, or to a private one with exactly the slots asked for."""
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address is None:
        # Ray asks for a token in the local clusters it starts; without one it would write its own to HOME.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_urlsafe(32))
    import ray

    common: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "ignore_reinit_error": True}
    if address is None:
        # "local", since without an address Ray would join any cluster it finds in the environment.
        slots = resources.workers * resources.threads
        ray.init(address="local", num_cpus=slots, include_dashboard=False, **common)
        return ray
    try:
        _knock(address)
        ray.init(address=address, **common)
    except (OSError, ray.exceptions.RaySystemError, ValueError) as error:
        raise InputError(
            f"no Ray cluster answers at {address!r} ({error}): start one with 'ray start --head', "
            "or leave --ray out to use this machine"
        ) from None
    most = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
    if most < resources.threads:
        ray.shutdown()
        raise InputError(
            f"trials want {resources.threads} CPU threads but the cluster's largest node has {most:g}: "
            "lower workers.threads"
        )
    return ray


def _knock(address: str) -> None:
    """Raise OSError when nothing listens at HOST:PORT or ray://HOST:PORT; Ray itself tries for minutes."""
    found = urlsplit(address if "://" in address else f"ray://{address}")
    if found.hostname and found.port:
        socket.create_connection((found.hostname, found.port), timeout=5.0).close()
