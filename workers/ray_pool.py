"""The pool that runs trials as Ray tasks, on this machine or on a cluster."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from workers.board import Board, exchanging
from workers.cluster import connect
from workers.guard import Evaluate, guarded
from workers.outcome import TrialOutcome, TrialRequest, failed
from workers.pool import Resources
from workers.progress import Listener, Progress, Report, Reporter, deaf, pruned

ATTEMPTS = 3
"""Runs of a trial whose worker keeps dying, before it is given up as failed."""
GRACE_S = 30.0
"""A trial that does not react to its time limit, or to being stopped, loses its worker after this long."""
BOARD_TIMEOUT_S = 5.0
"""A worker waits no longer for the board's answer."""


@dataclass(frozen=True)
class _Run:
    """One run of a trial; ``stop`` says why and ``until`` (monotonic seconds) how long it may go on."""

    request: TrialRequest
    key: int
    attempt: int = 1
    until: float = float("inf")
    stop: str | None = None


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
        self._running: dict[Any, _Run] = {}
        self._keys = count()
        self._ray = connect(resources, address)
        self._task = self._ray.remote(_evaluate).options(num_cpus=resources.threads, max_retries=0)
        self._board = _board(self._ray)
        self._taking: Any = None
        self._take_at = 0.0
        self._seen: dict[int, Progress] = {}
        self._evaluate = evaluate

    @property
    def free(self) -> int:
        """Slots without a trial."""
        return self._resources.workers - len(self._running)

    def submit(self, request: TrialRequest) -> None:
        """Send the trial to a worker."""
        self._start(_Run(request, next(self._keys)))

    def collect(self, timeout_s: float, listen: Listener = deaf) -> list[tuple[int, TrialOutcome]]:
        """Trials that ended, and those whose worker had to be ended."""
        if not self._running:
            return []
        references = list(self._running)
        self._ray.wait(references, num_returns=1, timeout=timeout_s)
        done, _ = self._ray.wait(references, num_returns=len(references), timeout=0)
        ended = [(self._running[ref].request.number, self._finish(ref)) for ref in done]
        if newest := self._progress():
            listen(newest)
        return [(number, outcome) for number, outcome in ended if outcome is not None] + self._overdue()

    def stop(self, number: int, reason: str) -> None:
        """Leave word on the board, where the trial's worker looks."""
        for reference, run in self._running.items():
            if run.request.number == number and run.stop is None:
                until = min(run.until, time.monotonic() + GRACE_S)
                self._running[reference] = replace(run, stop=reason, until=until)
                self._board.stop.remote(run.key, reason)

    def close(self) -> None:
        """Stop running trials and leave the cluster (or end the private one)."""
        for reference in self._running:
            self._ray.cancel(reference, force=True)
        self._running.clear()
        self._ray.shutdown()

    def _start(self, run: _Run) -> None:
        limit, period = self._resources.time_limit_s, self._resources.report_s
        reference = self._task.remote(self._evaluate, run.request, limit, (self._board, run.key, period))
        until = float("inf") if limit is None else time.monotonic() + limit + GRACE_S
        self._running[reference] = replace(run, until=until)

    def _finish(self, reference: Any) -> TrialOutcome | None:
        """The outcome of a task that ended; None when its worker died and it was started again."""
        run = self._running.pop(reference)
        progress = self._forget(run)
        try:
            outcome: TrialOutcome = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            if run.stop is not None:
                return pruned(run.stop, progress.curves() if progress else {})
            if run.attempt < ATTEMPTS:
                self._start(_Run(run.request, next(self._keys), run.attempt + 1))
                return None
            return failed(f"its worker died {ATTEMPTS} times: {type(error).__name__}", str(error))
        return outcome

    def _overdue(self) -> list[tuple[int, TrialOutcome]]:
        """End the workers of trials that did not end by themselves when they should have."""
        now = time.monotonic()
        late = [reference for reference, run in self._running.items() if run.until < now]
        return [self._end(reference) for reference in late]

    def _end(self, reference: Any) -> tuple[int, TrialOutcome]:
        run = self._running.pop(reference)
        self._ray.cancel(reference, force=True)
        progress = self._forget(run)
        metrics = progress.curves() if progress else {}
        if run.stop is not None:
            return run.request.number, pruned(run.stop, metrics)
        limit = self._resources.time_limit_s
        reason = f"stopped with its worker, as it did not react to its time limit of {limit:g} s"
        return run.request.number, replace(failed(reason), metrics=metrics)

    def _forget(self, run: _Run) -> Progress | None:
        """What was last heard of a run; nothing more will be."""
        self._board.forget.remote(run.key)
        return self._seen.pop(run.key, None)

    def _progress(self) -> Mapping[int, Progress]:
        """What the board has to tell, by number of trial; never waits for it."""
        if self._taking is None:
            if time.monotonic() >= self._take_at:
                self._taking = self._board.take.remote()
            return {}
        done, _ = self._ray.wait([self._taking], timeout=0)
        if not done:
            return {}
        try:
            newest: dict[int, Progress] = self._ray.get(self._taking)
        except self._ray.exceptions.RayError:
            newest = {}
        self._taking, self._take_at = None, time.monotonic() + self._resources.report_s
        runs = {run.key: run for run in self._running.values()}
        for run in runs.values():
            if run.stop is not None:  # again, for a board that was started anew
                self._board.stop.remote(run.key, run.stop)
        heard = {key: progress for key, progress in newest.items() if key in runs}
        self._seen |= heard
        return {runs[key].request.number: progress for key, progress in heard.items()}


def _board(ray: Any) -> Any:
    """A board on this process's node, so that it does not go away with a worker's."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    return ray.remote(Board).options(num_cpus=0, max_restarts=-1, scheduling_strategy=here).remote()


def _evaluate(
    evaluate: Evaluate, request: TrialRequest, limit_s: float | None, board: tuple[Any, int, float]
) -> TrialOutcome:
    """One run, in a worker; ``board`` is the actor, the run's key there, and seconds between two looks."""
    import ray

    actor, key, period_s = board
    reporter = Reporter()

    def exchange(progress: Progress | None) -> str | None:
        answer: str | None = ray.get(actor.exchange.remote(key, progress), timeout=BOARD_TIMEOUT_S)
        return answer

    def watched(asked: TrialRequest, report: Report) -> TrialOutcome:
        with exchanging(reporter, exchange, period_s):
            return evaluate(asked, report)

    return guarded(watched, request, limit_s, reporter)
