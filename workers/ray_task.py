"""What runs in a Ray worker: trials, told of on the board and within their limits."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from workers.board import exchanging
from workers.guard import Evaluate, EvaluateMany, one_by_one
from workers.memory import bounded_memory
from workers.outcome import TrialOutcome, TrialRequest
from workers.progress import Progress, Report, Reporter

BOARD_TIMEOUT_S = 5.0
"""A worker waits no longer for the board's answer."""


@dataclass(frozen=True)
class Place:
    """What a run finds: the board with its keys and the seconds between two looks, its limits, its data."""

    board: Any
    keys: tuple[int, ...]
    period_s: float
    limit_s: float | None
    memory_gb: float | None
    brought: Any


def evaluate_on(
    work: tuple[Evaluate, EvaluateMany], requests: Sequence[TrialRequest], place: Place
) -> list[TrialOutcome]:
    """One run, in a worker."""
    import ray

    _unpack(place.brought)
    alone, together = work
    reporters = {key: Reporter() for key in place.keys}

    def exchange(key: int, progress: Progress | None) -> str | None:
        call = place.board.exchange.remote(key, progress)
        answer: str | None = ray.get(call, timeout=BOARD_TIMEOUT_S)
        return answer

    @contextmanager
    def watched() -> Iterator[None]:
        with bounded_memory(place.memory_gb), exchanging(reporters, exchange, place.period_s):
            yield

    def evaluate(asked: TrialRequest, report: Report) -> TrialOutcome:
        with watched():
            return alone(asked, report)

    if len(requests) == 1:  # guarded outside, as it may be interrupted
        return one_by_one(evaluate, requests, list(reporters.values()), place.limit_s)
    with watched():
        return together(requests, list(reporters.values()), place.limit_s)


@lru_cache(maxsize=1)
def _unpack(brought: Any) -> None:
    """Take in a data set when this worker first sees it."""
    import ray

    if brought is not None:
        ray.get(brought).unpack()
