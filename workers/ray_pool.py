"""The pool that runs trials as Ray tasks, on this machine or on a cluster."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from typing import Any

from workers.board import Board, exchanging
from workers.cluster import connect
from workers.data import Brought
from workers.guard import Evaluate, guarded
from workers.memory import GIB, bounded_memory
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
    """One run of a trial.

    Attributes:
        key: on the board.
        attempt: number of the run, from 1; runs that lacked GPU memory do not count.
        alone: whether it has a GPU to itself.
        until: moment (monotonic seconds) after which it loses its worker.
        stop: why it shall end, None while it need not.
    """

    request: TrialRequest
    key: int
    attempt: int = 1
    alone: bool = False
    until: float = float("inf")
    stop: str | None = None


class RayPool:
    """Runs trials as Ray tasks, on this machine or on a cluster.

    Args:
        evaluate: the work, importable on every worker.
        resources: slots and what each gets.
        address: of a running Ray cluster; None starts a private one that ends with ``close``.
        brought: data that trials read; Ray brings them to each node once, where all workers share them.

    Raises:
        InputError: the cluster at ``address`` does not answer, or no node of it has what one trial wants.
    """

    def __init__(
        self,
        evaluate: Evaluate,
        resources: Resources,
        address: str | None = None,
        brought: Brought | None = None,
    ) -> None:
        self._resources = resources
        self._running: dict[Any, _Run] = {}
        self._keys = count()
        self._ray = connect(resources, address)
        self._task = self._ray.remote(_evaluate)
        self._brought = None if brought is None else self._ray.put(brought)
        self._share = resources.gpus
        self._board = _board(self._ray)
        self._taking: Any = None
        self._take_at = 0.0
        self._seen: dict[int, Progress] = {}
        self._evaluate = evaluate

    @property
    def free(self) -> int:
        """Slots without a trial; none while a trial waits for, or has, a GPU to itself."""
        if any(run.alone for run in self._running.values()):
            return 0
        return self._resources.workers - len(self._running)

    @property
    def gpu_share(self) -> float:
        """Share of a GPU that a trial gets: more than was asked for, once some lacked memory."""
        return self._share

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
        wanted = self._resources
        limit = wanted.time_limit_s
        place = _Place(self._board, run.key, wanted.report_s, limit, wanted.memory_gb, self._brought)
        reference = self._task.options(
            num_cpus=wanted.threads,
            num_gpus=1.0 if run.alone else self._share,
            memory=int((wanted.memory_gb or 0.0) * GIB) or None,
            max_retries=0,
        ).remote(self._evaluate, run.request, place)
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
        if outcome.out_of_memory and not run.alone and run.stop is None:
            self._share = min(1.0, 2.0 * self._share)
            self._start(replace(run, key=next(self._keys), alone=True))
            return None
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


@dataclass(frozen=True)
class _Place:
    """What a run finds: the board with its key and the seconds between two looks, its limits, its data."""

    board: Any
    key: int
    period_s: float
    limit_s: float | None
    memory_gb: float | None
    brought: Any


def _evaluate(evaluate: Evaluate, request: TrialRequest, place: _Place) -> TrialOutcome:
    """One run, in a worker."""
    import ray

    _unpack(place.brought)
    reporter = Reporter()

    def exchange(progress: Progress | None) -> str | None:
        call = place.board.exchange.remote(place.key, progress)
        answer: str | None = ray.get(call, timeout=BOARD_TIMEOUT_S)
        return answer

    def watched(asked: TrialRequest, report: Report) -> TrialOutcome:
        with bounded_memory(place.memory_gb), exchanging(reporter, exchange, place.period_s):
            return evaluate(asked, report)

    return guarded(watched, request, place.limit_s, reporter)


@lru_cache(maxsize=1)
def _unpack(brought: Any) -> None:
    """Take in a data set when this worker first sees it."""
    import ray

    if brought is not None:
        ray.get(brought).unpack()
