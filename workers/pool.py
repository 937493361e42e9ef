"""What a pool of workers does, and the serial one for debugging; ``workers.ray_pool`` has the real one.

A pool knows nothing of campaigns: requests go in, ``(number, outcome)`` pairs come out in any order. A trial
that raises or outlives its time limit becomes an outcome with state "failed", one that is stopped "pruned";
one whose worker dies is run again, a bounded number of times. Nothing of this raises out of ``collect``.
"""

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from workers.guard import Evaluate, guarded
from workers.outcome import TrialOutcome, TrialRequest
from workers.progress import Listener, Report, Reporter, deaf

if TYPE_CHECKING:
    from models.records import EpochReport

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
        """How many more trials may be submitted now."""
        ...

    def submit(self, request: TrialRequest) -> None:
        """Start a trial; only while ``free`` is above zero."""
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
    """Runs one trial at a time in this process, inside ``collect``."""

    def __init__(
        self, evaluate: Evaluate, time_limit_s: float | None = None, report_s: float = REPORT_S
    ) -> None:
        self._evaluate = evaluate
        self._time_limit_s = time_limit_s
        self._report_s = report_s
        self._waiting: deque[TrialRequest] = deque()
        self._reporters: dict[int, Reporter] = {}

    @property
    def free(self) -> int:
        """One, unless a trial waits."""
        return 1 - len(self._waiting)

    def submit(self, request: TrialRequest) -> None:
        """Keep the trial for the next ``collect``."""
        self._waiting.append(request)
        self._reporters[request.number] = Reporter()

    def collect(
        self,
        timeout_s: float,  # noqa: ARG002 (it never waits)
        listen: Listener = deaf,
    ) -> list[tuple[int, TrialOutcome]]:
        """Run the waiting trial."""
        if not self._waiting:
            return []
        request = self._waiting.popleft()
        reporter = self._reporters[request.number]
        told = -self._report_s

        def evaluate(asked: TrialRequest, report: Report) -> TrialOutcome:
            def tell(epoch: "EpochReport") -> None:
                nonlocal told
                report(epoch)
                if time.monotonic() - told >= self._report_s and (progress := reporter.take()):
                    told = time.monotonic()
                    listen({request.number: progress})
                    reporter.check()

            return self._evaluate(asked, tell)

        outcome = guarded(evaluate, request, self._time_limit_s, reporter)
        del self._reporters[request.number]
        return [(request.number, outcome)]

    def stop(self, number: int, reason: str) -> None:
        """End the trial at its next report, or before it starts."""
        if number in self._reporters:
            self._reporters[number].stop(reason)

    def close(self) -> None:
        """Forget the waiting trial."""
        self._waiting.clear()
        self._reporters.clear()
