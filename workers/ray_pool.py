"""The pool that runs trials as Ray tasks, on this machine or on a cluster."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any

from workers.board import Board
from workers.cluster import connect
from workers.data import Brought
from workers.guard import Evaluate, EvaluateMany, one_by_one
from workers.memory import GIB
from workers.outcome import TrialOutcome, TrialRequest, failed
from workers.pool import Resources
from workers.progress import Listener, Progress, deaf, pruned
from workers.ray_task import Place, evaluate_on

ATTEMPTS = 3
"""Runs of a trial whose worker keeps dying, before it is given up as failed."""
GRACE_S = 30.0
"""A trial that does not react to its time limit, or to being stopped, loses its worker after this long."""


@dataclass(frozen=True)
class _Run:
    """One run of a trial, or of several on one worker.

    Attributes:
        keys: on the board, one per request.
        attempt: number of the run, from 1; runs that lacked GPU memory do not count.
        alone: whether it has a GPU to itself.
        until: moment (monotonic seconds) after which it loses its worker.
        stops: why trials shall end, by number.
    """

    requests: tuple[TrialRequest, ...]
    keys: tuple[int, ...]
    attempt: int = 1
    alone: bool = False
    until: float = float("inf")
    stops: Mapping[int, str] = field(default_factory=dict)

    @property
    def key_of(self) -> dict[int, int]:
        """Keys by number of trial."""
        return {request.number: key for request, key in zip(self.requests, self.keys, strict=True)}


class RayPool:
    """Runs trials as Ray tasks, on this machine or on a cluster.

    Args:
        evaluate: the work, importable on every worker.
        resources: slots and what each gets.
        address: of a running Ray cluster; None starts a private one that ends with ``close``.
        brought: data that trials read; Ray brings them to each node once, where all workers share them.
        together: evaluates trials that were submitted together, importable too; None: one after the other.

    Raises:
        InputError: the cluster at ``address`` does not answer, or no node of it has what one trial wants.
    """

    def __init__(
        self,
        evaluate: Evaluate,
        resources: Resources,
        address: str | None = None,
        brought: Brought | None = None,
        *,
        together: EvaluateMany | None = None,
    ) -> None:
        self._resources = resources
        self._running: dict[Any, _Run] = {}
        self._keys = count()
        self._ray = connect(resources, address)
        self._task = self._ray.remote(evaluate_on)
        self._brought = None if brought is None else self._ray.put(brought)
        self._share = resources.gpus
        self._board = _board(self._ray)
        self._taking: Any = None
        self._take_at = 0.0
        self._seen: dict[int, Progress] = {}
        self._evaluate = evaluate
        self._together = together or partial(one_by_one, evaluate)

    @property
    def free(self) -> int:
        """Slots without a run; none while a trial waits for, or has, a GPU to itself."""
        if any(run.alone for run in self._running.values()):
            return 0
        return max(0, self._resources.workers - len(self._running))

    @property
    def gpu_share(self) -> float:
        """Share of a GPU that a trial gets: more than was asked for, once some lacked memory."""
        return self._share

    def submit(self, *requests: TrialRequest) -> None:
        """Send the trials to a worker."""
        self._start(_Run(requests, self._new_keys(requests)))

    def collect(self, timeout_s: float, listen: Listener = deaf) -> list[tuple[int, TrialOutcome]]:
        """Trials that ended, and those whose worker had to be ended."""
        if not self._running:
            return []
        references = list(self._running)
        self._ray.wait(references, num_returns=1, timeout=timeout_s)
        done, _ = self._ray.wait(references, num_returns=len(references), timeout=0)
        ended = [pair for reference in done for pair in self._finish(reference)]
        if newest := self._progress():
            listen(newest)
        return ended + self._overdue()

    def stop(self, number: int, reason: str) -> None:
        """Leave word on the board, where the trial's worker looks.

        One of several trials of a worker ends with its epoch; a trial alone loses its worker if it does not
        react.
        """
        for reference, run in self._running.items():
            if number in run.key_of and number not in run.stops:
                soon = time.monotonic() + GRACE_S if len(run.requests) == 1 else float("inf")
                stops = {**run.stops, number: reason}
                self._running[reference] = replace(run, stops=stops, until=min(run.until, soon))
                self._board.stop.remote(run.key_of[number], reason)

    def close(self) -> None:
        """Stop running trials and leave the cluster (or end the private one)."""
        for reference in self._running:
            self._ray.cancel(reference, force=True)
        self._running.clear()
        self._ray.shutdown()

    def _new_keys(self, requests: Sequence[TrialRequest]) -> tuple[int, ...]:
        return tuple(next(self._keys) for _ in requests)

    def _start(self, run: _Run) -> None:
        wanted = self._resources
        limit = wanted.time_limit_s
        place = Place(self._board, run.keys, wanted.report_s, limit, wanted.memory_gb, self._brought)
        reference = self._task.options(
            num_cpus=wanted.threads,
            num_gpus=1.0 if run.alone else self._share,
            memory=int((wanted.memory_gb or 0.0) * GIB) or None,
            max_retries=0,
        ).remote((self._evaluate, self._together), run.requests, place)
        until = float("inf")
        if limit is not None:  # several may run together in vain first, and then one after the other
            times = 1 if len(run.requests) == 1 else 2 * len(run.requests)
            until = time.monotonic() + times * limit + GRACE_S
        self._running[reference] = replace(run, until=until)

    def _start_alone(self, run: _Run, request: TrialRequest, *, attempt: int = 1, gpu: bool = False) -> None:
        """Start one of a run's trials by itself."""
        stops = {number: reason for number, reason in run.stops.items() if number == request.number}
        self._start(_Run((request,), self._new_keys((request,)), attempt, gpu, stops=stops))

    def _finish(self, reference: Any) -> list[tuple[int, TrialOutcome]]:
        """The outcomes of a task that ended, but for trials that were started again."""
        run = self._running.pop(reference)
        seen = self._forget(run)
        try:
            outcomes: list[TrialOutcome] = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            lost = failed(f"its worker died {ATTEMPTS} times: {type(error).__name__}", str(error))
            return self._lost(run, seen, lost, again=run.attempt < ATTEMPTS)
        pairs = list(zip(run.requests, outcomes, strict=True))
        lacking = [asked for asked, each in pairs if each.out_of_memory and asked.number not in run.stops]
        if run.alone or not lacking:
            return [(asked.number, outcome) for asked, outcome in pairs]
        self._share = min(1.0, 2.0 * self._share)
        for request in lacking:
            self._start_alone(run, request, attempt=run.attempt, gpu=True)
        return [(asked.number, outcome) for asked, outcome in pairs if asked not in lacking]

    def _lost(
        self, run: _Run, seen: Mapping[int, Progress], lost: TrialOutcome, *, again: bool
    ) -> list[tuple[int, TrialOutcome]]:
        """Outcomes of trials whose worker is gone; of several, each gets its own worker now.

        Args:
            run: what ran there.
            seen: what was last heard, by number.
            lost: the outcome of a trial that is given up.
            again: whether a trial that ran alone gets another run.
        """
        ended = []
        several = len(run.requests) > 1
        for request in run.requests:
            curves = seen[request.number].curves() if request.number in seen else {}
            if request.number in run.stops:
                ended.append((request.number, pruned(run.stops[request.number], curves)))
            elif several or again:
                self._start_alone(run, request, attempt=1 if several else run.attempt + 1)
            else:
                ended.append((request.number, replace(lost, metrics=curves)))
        return ended

    def _overdue(self) -> list[tuple[int, TrialOutcome]]:
        """End the workers of trials that did not end by themselves when they should have."""
        now = time.monotonic()
        late = [reference for reference, run in self._running.items() if run.until < now]
        return [pair for reference in late for pair in self._end(reference)]

    def _end(self, reference: Any) -> list[tuple[int, TrialOutcome]]:
        run = self._running.pop(reference)
        self._ray.cancel(reference, force=True)
        limit = self._resources.time_limit_s or 0.0
        reason = f"stopped with its worker, as it did not react to its time limit of {limit:g} s"
        return self._lost(run, self._forget(run), failed(reason), again=False)

    def _forget(self, run: _Run) -> dict[int, Progress]:
        """What was last heard of a run's trials, by number; nothing more will be."""
        for key in run.keys:
            self._board.forget.remote(key)
        return {n: self._seen.pop(key) for n, key in run.key_of.items() if key in self._seen}

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
        numbers = {key: n for run in self._running.values() for n, key in run.key_of.items()}
        for run in self._running.values():
            for number, reason in run.stops.items():  # again, for a board that was started anew
                self._board.stop.remote(run.key_of[number], reason)
        heard = {key: progress for key, progress in newest.items() if key in numbers}
        self._seen |= heard
        return {numbers[key]: progress for key, progress in heard.items()}


def _board(ray: Any) -> Any:
    """A board on this process's node, so that it does not go away with a worker's."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    return ray.remote(Board).options(num_cpus=0, max_restarts=-1, scheduling_strategy=here).remote()
