"""What a pool of workers does, and the serial one for debugging; ``workers.ray_pool`` has the real one.

A pool knows nothing of campaigns: requests go in, ``(number, outcome)`` pairs come out in any order. A trial
that raises or outlives its time limit becomes an outcome with state "failed", one that is stopped "pruned";
one whose worker dies is run again, a bounded number of times. Nothing of this raises out of ``collect``.
"""

import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from workers.guard import Evaluate, EvaluateMany, one_by_one
from workers.outcome import TrialOutcome, TrialRequest
from workers.progress import Listener, Reporter, deaf

REPORT_S = 1.0
"""A trial's progress is told at most once in this time, and a stop is noticed within it."""


@dataclass(frozen=True)
class Resources:
    """What each trial gets, and how many run at once.

    Attributes:
        workers: trials at once.
        threads: CPU threads of each.
        gpus: share of a GPU of each, 0..1.
        memory_gb: main memory that each may take beyond its worker's own; None for no bound.
        time_limit_s: wall time of each; None for no bound.
        report_s: see ``REPORT_S``.
    """

    workers: int = 2
    threads: int = 1
    gpus: float = 0.0
    memory_gb: float | None = None
    time_limit_s: float | None = None
    report_s: float = REPORT_S


class Pool(Protocol):
    """Runs trials."""

    @property
    def free(self) -> int:
        """How many workers may be given trials now."""
        ...

    def submit(self, *requests: TrialRequest) -> None:
        """Start a trial, or several on one worker; only while ``free`` is above zero."""
        ...

    def collect(self, timeout_s: float, listen: Listener = deaf) -> list[tuple[int, TrialOutcome]]:
        """Trials that ended since the last call; waits up to ``timeout_s`` for the first.

        ``listen`` is called, in this thread, with progress of running trials that it has not been told yet:
        always the newest, at most once in ``Resources.report_s`` for each.
        """
        ...

    def stop(self, number: int, reason: str) -> None:
        """Let a trial end soon; its outcome is "pruned" with this reason and the curves of its epochs.

        May be called by a listener. Nothing happens to a trial that does not run; one that ends by itself
        meanwhile keeps its own outcome.
        """
        ...

    def close(self) -> None:
        """Stop whatever still runs and release the workers."""
        ...


class SerialPool:
    """Runs what was submitted at one time in this process, inside ``collect``.

    Args:
        evaluate: the work.
        time_limit_s: of one trial.
        report_s: least seconds between two times that a trial's progress is told.
        together: evaluates trials that were submitted together; None: one after the other.
    """

    def __init__(
        self,
        evaluate: Evaluate,
        time_limit_s: float | None = None,
        report_s: float = REPORT_S,
        together: EvaluateMany | None = None,
    ) -> None:
        self._alone = partial(one_by_one, evaluate)
        self._together = together or self._alone
        self._time_limit_s = time_limit_s
        self._report_s = report_s
        self._waiting: deque[tuple[TrialRequest, ...]] = deque()
        self._reporters: dict[int, Reporter] = {}
        self._listen: Listener = deaf
        self._told_at = 0.0

    @property
    def free(self) -> int:
        """One, unless something waits."""
        return 1 - len(self._waiting)

    def submit(self, *requests: TrialRequest) -> None:
        """Keep the trials for the next ``collect``."""
        self._waiting.append(requests)
        self._reporters |= {request.number: Reporter(self._tell) for request in requests}

    def collect(
        self,
        timeout_s: float,  # noqa: ARG002 (it never waits)
        listen: Listener = deaf,
    ) -> list[tuple[int, TrialOutcome]]:
        """Run the waiting trials."""
        if not self._waiting:
            return []
        requests = self._waiting.popleft()
        self._listen, self._told_at = listen, -self._report_s
        reporters = [self._reporters[request.number] for request in requests]
        work = self._alone if len(requests) == 1 else self._together
        outcomes = work(requests, reporters, self._time_limit_s)
        numbers = [request.number for request in requests]
        for number in numbers:
            del self._reporters[number]
        return list(zip(numbers, outcomes, strict=True))

    def stop(self, number: int, reason: str) -> None:
        """End the trial at its next report, or before it starts."""
        if number in self._reporters:
            self._reporters[number].stop(reason)

    def close(self) -> None:
        """Forget the waiting trials."""
        self._waiting.clear()
        self._reporters.clear()

    def _tell(self) -> None:
        """Hand on what running trials have reported, unless some of it was told just now."""
        if time.monotonic() - self._told_at < self._report_s:
            return
        newest = {n: p for n, reporter in self._reporters.items() if (p := reporter.take())}
        self._told_at = time.monotonic()
        self._listen(newest)
