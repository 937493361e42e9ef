"""Workers in virtual time: trials take no time to run, the driver takes the time that it really takes."""

import heapq
import math
import time

from tests.hpo.toy import evaluate
from workers.outcome import TrialOutcome, TrialRequest
from workers.progress import Listener, deaf, unheard


def duration_s(number: int, mean_s: float) -> float:
    """Seconds of a trial, spread over a tenfold range with the given mean; the same for every campaign."""
    position = (number * 0.6180339887498949) % 1.0
    return mean_s * math.log(10.0) / 9.0 * 10.0**position


class VirtualPool:
    """A pool of ``workers`` whose trials last ``duration_s`` of a clock that real time moves too.

    Between two calls the clock runs as time does: that is the driver at work, while free workers wait. Inside
    ``collect`` it jumps to the end of the next trial.
    """

    def __init__(self, workers: int, mean_s: float) -> None:
        self._workers, self._mean_s = workers, mean_s
        self._running: list[tuple[float, int, TrialRequest]] = []
        self._clock, self._left = 0.0, time.perf_counter()
        self.started: list[float] = []
        self.driver_s: list[float] = []
        self._cpu_begin = time.process_time()

    @property
    def free(self) -> int:
        """Workers without a trial."""
        return self._workers - len(self._running)

    def submit(self, *requests: TrialRequest) -> None:
        """Start a trial now."""
        [request] = requests
        lasts = duration_s(request.number, self._mean_s)
        moment = self._now()
        self.started.append(moment)
        heapq.heappush(self._running, (moment + lasts, request.number, request))

    def collect(self, timeout_s: float, listen: Listener = deaf) -> list[tuple[int, TrialOutcome]]:  # noqa: ARG002
        """Every trial that has ended by now; if none, the next to end."""
        now = self._now()
        self.driver_s.append(now - self._clock)
        self._clock = max(now, self._running[0][0])
        self._left = time.perf_counter()
        ended = []
        while self._running and self._running[0][0] <= self._clock:
            _, number, request = heapq.heappop(self._running)
            ended.append((number, _outcome(request)))
        return ended

    def stop(self, number: int, reason: str) -> None:
        """Trials here end by themselves."""

    def close(self) -> None:
        """Nothing is left running."""

    def utilisation(self, skip: int) -> float:
        """Share of the workers' time that trials took, from trial ``skip`` to the start of the last."""
        begin, end = self.started[skip], self.started[-1]
        taken = 0.0
        for number, start in enumerate(self.started):
            stop = start + duration_s(number, self._mean_s)
            taken += max(0.0, min(stop, end) - max(start, begin))
        return taken / (self._workers * (end - begin))

    def cpu_s(self) -> float:
        """Processor time per trial: what the driver takes on a core of its own, but for waiting for disks."""
        return (time.process_time() - self._cpu_begin) / len(self.started)

    def _now(self) -> float:
        """The clock, with what the driver took since ``collect`` left."""
        return self._clock + time.perf_counter() - self._left


def _outcome(request: TrialRequest) -> TrialOutcome:
    """The toy's answer; where it would break, a silent network."""
    if request.config["beta"] < 0.45:
        return TrialOutcome(state="silent", reason="a low beta", constraints={"silence": 0.5})
    return evaluate(request, unheard)
