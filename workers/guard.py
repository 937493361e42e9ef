"""Evaluating a trial so that whatever happens in it becomes an outcome."""

import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from workers.outcome import TrialOutcome, TrialRequest, failed
from workers.progress import Report, Reporter, TrialStoppedError, pruned

Evaluate = Callable[[TrialRequest, Report], TrialOutcome]


EvaluateMany = Callable[[Sequence[TrialRequest], Sequence[Reporter], float | None], list[TrialOutcome]]
"""From requests, who hears of each, and one trial's time limit in seconds to outcomes; raises nothing."""


class TrialTimeoutError(Exception):
    """Raised inside a trial that has outlived its time limit."""


def guarded(
    evaluate: Evaluate,
    request: TrialRequest,
    limit_s: float | None = None,
    reporter: Reporter | None = None,
) -> TrialOutcome:
    """Evaluate; whatever it raises becomes a failed outcome with its traceback, a stop a pruned one."""
    reporter = reporter or Reporter()
    try:
        with limited(limit_s):
            reporter.check()
            return evaluate(request, reporter)
    except TrialStoppedError as stop:
        return pruned(str(stop), reporter.curves())
    except TrialTimeoutError:
        late = failed(f"stopped after its time limit of {limit_s:g} s")
        return replace(late, metrics=reporter.curves())
    except Exception as error:
        lost = failed(f"{type(error).__name__}: {error}", traceback.format_exc())
        return replace(lost, out_of_memory=_lacked_gpu_memory(error))


def _lacked_gpu_memory(error: Exception) -> bool:
    """Whether a GPU's memory was full; what PyTorch keeps of it for later is given back then."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(error, torch.OutOfMemoryError):
        return False
    torch.cuda.empty_cache()
    return True


def one_by_one(
    evaluate: Evaluate,
    requests: Sequence[TrialRequest],
    reporters: Sequence[Reporter],
    limit_s: float | None = None,
) -> list[TrialOutcome]:
    """Evaluate several requests, each guarded and in its own time."""
    pairs = zip(requests, reporters, strict=True)
    return [guarded(evaluate, request, limit_s, reporter) for request, reporter in pairs]


@contextmanager
def limited(seconds: float | None) -> Iterator[None]:
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
